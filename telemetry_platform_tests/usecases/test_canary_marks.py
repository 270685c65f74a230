"""Every kind is filled with marks from its contract alone, and a mark may stay only where its contract keeps it."""

from __future__ import annotations

import json
import secrets
from dataclasses import replace
from typing import Annotated

import pytest
from pydantic import Field

from telemetry_platform.contracts.payloads.envelope import Envelope
from telemetry_platform.contracts.pii import Scrubbed
from telemetry_platform.contracts.registry import kinds
from telemetry_platform.errors import ContractViolationError
from telemetry_platform.usecases.canary.filling import Filler
from telemetry_platform.usecases.canary.marks import Mark, Marks, kept_as

MOMENT = "2026-02-17T10:00:00.000Z"
POSTED = {name: kind for name, kind in kinds().items() if kind.payload}


class _Odd(Envelope):
    """A payload with a field that takes nothing that the canary has."""

    odd: Annotated[str, Scrubbed(), Field(description="one word", pattern="^only-this$")]


@pytest.mark.parametrize("name", sorted(POSTED))
def test_every_variant_of_a_kind_carries_marks_that_differ(name: str) -> None:
    marks = Marks(secrets.token_bytes)
    events = Filler(POSTED[name], marks, MOMENT, "canary-1").events()
    assert len(events) == len(POSTED[name].payload)
    spellings = [mark.spellings[0] for mark in marks.made]
    assert len(set(spellings)) == len(spellings)
    text = json.dumps(events, ensure_ascii=False).replace("\\\\", "\\")
    assert [mark.where for mark in marks.made if mark.spellings[0] not in text] == []
    assert any(not mark.may_stay for mark in marks.made)


def test_a_field_that_takes_no_mark_fails_by_name() -> None:
    kind = replace(kinds()["errors"], payload=(_Odd,))
    with pytest.raises(ContractViolationError, match=r"errors _Odd\.odd"):
        Filler(kind, Marks(secrets.token_bytes), MOMENT, "canary-1").events()


@pytest.mark.parametrize(
    ("place", "may"),
    [
        ("ClickHouse telemetry.media_events.session_id", True),
        ("ClickHouse telemetry.media_sessions.session_id", True),
        ("ClickHouse telemetry.media_events.media_id", False),
        ("ClickHouse telemetry.error_events.message", False),
        ("ClickHouse telemetry.staff_metrics.session_id", False),
        ("PostgreSQL telemetry.audit.audit_logs.session_id", False),
        ("Redis telemetry.value", False),
    ],
)
def test_a_kept_id_may_stay_in_the_columns_of_its_contract_alone(place: str, *, may: bool) -> None:
    assert Mark("session", ("x",), kept_as("session_id")).may_be_in(place) is may


def test_a_pseudonymised_column_is_no_place_for_its_raw_value() -> None:
    assert not any(
        "media_id" in place or "actor_hash" in place for place in kept_as("media_id") + kept_as("actor_hash")
    )
