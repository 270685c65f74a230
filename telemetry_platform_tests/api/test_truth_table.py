"""Every row of the truth table in docs/consent.md, posted to the API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_platform.contracts.landing import stream_name
from telemetry_platform.contracts.registry import kinds
from telemetry_platform.docs_generation.consent_page import Row, rows
from telemetry_platform.processing.gate import stated_level
from telemetry_platform.stores import redis
from telemetry_platform_tests.api.serving import Api, event, serving
from telemetry_platform_tests.api.test_letters_of_all_kinds import samples
from telemetry_platform_tests.exclusion_lists import load_exclusions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from telemetry_platform.settings import Settings

EXCLUDED, ANY = "198.51.100.7", "203.0.113.7"


@pytest.fixture(scope="module")
def gated(make_platform: Callable[[], Settings]) -> Iterator[Api]:
    """A server behind a proxy of this machine, with one excluded network."""
    platform = make_platform()
    load_exclusions(platform, "198.51.100.0/24")
    with serving(platform, None) as running:
        yield running


def _name(row: Row) -> str:
    parts = (row.kind, row.event, f"level{int(row.level)}", "excluded" * row.is_excluded, "gpc" * row.gpc)
    return "-".join([*filter(None, parts), *sorted(row.purposes)])


def _sample(row: Row) -> dict[str, Any]:
    """An event of the row's type; of a row for all other types, one that needs no more than they do."""
    kind = kinds()[row.kind]
    of_type = (
        sample
        for sample in samples(row.kind)
        if (event := sample.get(kind.discriminator or "", "")) == row.event
        or (not row.event and kind.needs(event) == kind.consent)
    )
    sample = dict(next(of_type))
    return sample | {name: str(uuid4()) for name in ("event_id", "session_id") if name in sample}


def _newest(api: Api, kind: str) -> dict[bytes, bytes]:
    with redis.connect(api.settings.redis) as client:
        found: Any = client.xrevrange(stream_name(kind, 0), count=1)
    return dict(found[0][1])


@pytest.mark.parametrize("row", [pytest.param(row, id=_name(row)) for row in rows()])
def test_a_row_of_the_table_is_what_happens(gated: Api, row: Row) -> None:
    kind = kinds()[row.kind]
    assert kind.endpoint is not None
    headers = {
        "X-Consent-Level": str(int(row.level)),
        "Sec-GPC": "1" if row.gpc else "",
        "X-Forwarded-For": EXCLUDED if row.is_excluded else ANY,
    }
    claims: dict[str, Any] = {
        # A person whom nobody knows: the signal of one row is not remembered for the next.
        "sub": f"user-{uuid4().hex}",
        "roles": [min(kind.endpoint.roles, default="patient")],
        "purposes": sorted(row.purposes),
    }
    answer = gated.post_to(kind.endpoint.path, _sample(row), headers, **claims)
    assert answer.status_code == 202, answer.text
    (verdict,) = {(one["status"], one.get("reason")) for one in answer.json().get("results", [answer.json()])}
    assert verdict == (("accepted", None) if row.reason is None else ("dropped", row.reason.value))
    if row.reason is None and kind.consent is not None:
        assert _newest(gated, row.kind)[b"consent_level"] == b"%d" % int(row.kept_at or 0)


BOGUS = ["3.0", "true", "[3]", "99", "-1", "+3", "3,3", "2;q=1", "", "three", "0x3", "3\t3"]


@pytest.mark.parametrize("value", BOGUS)
def test_e71_whatever_is_no_level_means_essential_and_is_no_error(gated: Api, value: str) -> None:
    answer = gated.post(event(timestamp=samples("media")[0]["timestamp"]), {"X-Consent-Level": value})
    assert (answer.status_code, answer.json()["reason"]) == (202, "consent_too_low")


@given(st.lists(st.binary(max_size=6), max_size=3))
def test_no_header_raises_a_level(lines: list[bytes]) -> None:
    exact = len(lines) == 1 and lines[0] in {b"0", b"1", b"2", b"3"}
    assert int(stated_level(lines)) == (int(lines[0]) if exact else 1)
