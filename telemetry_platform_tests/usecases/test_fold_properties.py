"""The fold in SQL agrees with the fold in Python, for whatever sessions, orders, duplicates and splits into batches."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from telemetry_platform_tests.usecases import reference_fold
from telemetry_platform_tests.usecases.media_log import Event, event, store_and_fold

if TYPE_CHECKING:
    from collections.abc import Iterable

    from telemetry_platform.stores.warehouse import Warehouse

TENANTS = ("clinic-1", "Klinik '2', groß")
"""The second one's name would break a statement that it was put into as it is."""
SESSIONS_A_TRIAL = 60
"""Many sessions share one trial, since a fold costs the same for one and for sixty."""

_POSITIONS = (None, 0.0, 0.0, 5.5, 30.0, 400.0)
_BITRATES = (None, 1_200_000, 2_500_000)


def _data(name: str, dice: random.Random) -> dict[str, Any]:
    """Some of the columns that an event of this type may bring."""
    pick = dice.choice
    brings: dict[str, dict[str, tuple[Any, ...]]] = {
        "session_start": {
            "total_duration_seconds": (None, 0.0, 120.5, 31.0),
            "ttfb_ms": (None, 340.0, 80.0),
            "connection_type": (None, "wifi", "4g"),
            "initial_bitrate": _BITRATES,
            "initial_resolution": (None, "480p"),
        },
        "heartbeat": {
            "position_seconds": _POSITIONS,
            "buffering_count": (None, 0, 3),
            "buffering_duration_ms": (None, 0.0, 800.0, 2400.0, 17_750.0),
            "current_bitrate": _BITRATES,
            "resolution": (None, "720p", "1080p"),
            "dropped_frames": (None, 0, 7),
        },
        "buffering_start": {"position_seconds": _POSITIONS, "bitrate_before": _BITRATES},
        "buffering_end": {
            "position_seconds": _POSITIONS,
            "duration_ms": (None, 0.0, 700.0, 9000.0),
            "bitrate_after": _BITRATES,
        },
        "quality_change": {"to_bitrate": _BITRATES, "to_resolution": (None, "240p")},
        "milestone": {"percent": (25, 50, 95)},
        "error": {"error_code": ("E1",), "fatal": (False, True)},
        "session_end": {
            "position_seconds": _POSITIONS,
            "reason": (None, "completed", "abandoned"),
            "watched_seconds": (None, 12.0, 900.0),
        },
        "seek": {"from_position": (0.0, 60.0), "to_position": (0.0, 90.0)},
    }
    return {key: pick(values) for key, values in brings.get(name, {"position_seconds": _POSITIONS}).items()}


_NAMES = (
    *("session_start", "play", "pause", "heartbeat", "heartbeat", "quality_change", "seek", "milestone", "error"),
    *("buffering_start", "buffering_start", "buffering_end", "buffering_end", "session_end"),
)


def _session(dice: random.Random, view: UUID, org_id: str) -> list[Event]:
    """Up to 14 events: few distinct times, so that ties are common, and sometimes a clock that is wrong."""
    kind = dice.choice(("honest", "honest", "wrong", "jumps"))
    events = []
    for number in range(dice.randint(1, 14)):
        name = dice.choice(_NAMES)
        at = dice.choice((dice.randint(0, 12) * 0.5, dice.randint(0, 30) * 5.0, dice.randint(0, 600) * 1.0))
        made = event(
            view, name, at, UUID(int=dice.randint(1, 30) if dice.random() < 0.2 else 100 + number), **_data(name, dice)
        )
        delay = timedelta(milliseconds=dice.randint(0, 9000))
        if kind == "wrong":
            wrong = made.client_at - timedelta(hours=3)
            made = replace(
                made,
                client_at=wrong,
                occurred_at=made.occurred_at + delay,
                received_at=made.received_at + delay,
                skewed=True,
            )
        if kind == "jumps" and dice.random() < 0.5:
            made = replace(made, client_at=datetime(1970, 1, 2, tzinfo=made.client_at.tzinfo), skewed=True)
        events.append(replace(made, org_id=org_id))
    # One id is one event: copies agree in all but the time of receipt.
    known: dict[UUID, Event] = {}
    return [known.setdefault(one.event_id, one) for one in events]


def _deliveries(sessions: Iterable[list[Event]], dice: random.Random) -> list[list[Event]]:
    """All events in some order, some of them again in a later batch, split into one to three batches."""
    arrivals = [one for session in sessions for one in session]
    dice.shuffle(arrivals)
    arrivals += [one.again(dice.randint(1, 900)) for one in dice.sample(arrivals, len(arrivals) // 8)]
    cuts = sorted(dice.randint(0, len(arrivals)) for _ in range(dice.randint(0, 2)))
    edges = [0, *cuts, len(arrivals)]
    return [batch for a, b in pairwise(edges) if (batch := arrivals[a:b])]


def _comparable(row: dict[str, Any]) -> dict[str, Any]:
    """Times as milliseconds, numbers as what they are up to rounding."""
    return {
        name: round(value.timestamp() * 1000)
        if isinstance(value, datetime)
        else pytest.approx(value, rel=1e-9)
        if isinstance(value, float)
        else value
        for name, value in row.items()
    }


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 2**32))
def test_the_sql_and_the_plain_python_fold_agree(warehouse: Warehouse, seed: int) -> None:
    dice = random.Random(seed)  # noqa: S311 - reproducible trials, nothing to protect
    views = [UUID(int=dice.getrandbits(128)) for _ in range(SESSIONS_A_TRIAL)]
    # Another tenant's session under the same id, with the same ids of events, now and then.
    sessions = [_session(dice, view, org) for view in views for org in TENANTS[: dice.choice((1, 1, 2))]]
    store_and_fold(warehouse, *_deliveries(sessions, dice))

    rows = {(row["org_id"], row["session_id"]): row for row in _select(warehouse, _SESSIONS, sessions)}
    stalls = _select(warehouse, _STALLS, sessions)
    folded = reference_fold.fold_all(one for session in sessions for one in session)
    assert rows.keys() == folded.keys()
    for name, expected in folded.items():
        stored = rows[name]
        assert _comparable({name: stored[name] for name in expected.row}) == expected.row
        told = {
            stall.event_id: (stall.began, stall.ended, stall.lasted, stall.cause, stall.closed_by, stall.bitrate_after)
            for stall in expected.stalls
        }
        seen = {
            row["event_id"]: (
                _at(row["started_at"]),
                _at(row["ended_at"]),
                row["duration_ms"],
                row["cause"],
                row["closed_by"],
                row["bitrate_after"],
            )
            for row in stalls
            if (row["org_id"], row["session_id"]) == name
        }
        assert seen == told
        assert all(length is None or length >= 0 for _, _, length, *_ in seen.values())
        assert 0 <= stored["watched_seconds"] * 1000 <= _span(stored)


def _span(row: dict[str, Any]) -> float:
    """Milliseconds from the first to the last event."""
    return float(_at(row["last_event_at"]) - _at(row["occurred_at"]))


def _at(moment: datetime | None) -> Any:  # noqa: ANN401 - milliseconds, or None
    return None if moment is None else round(moment.timestamp() * 1000)


_OF = "session_id IN (SELECT toUUID(arrayJoin({ids:Array(String)})))"
_SESSIONS = f"SELECT * FROM media_sessions_current WHERE {_OF}"  # noqa: S608 - two constants
_STALLS = f"SELECT * FROM media_buffering_current WHERE {_OF}"  # noqa: S608 - two constants


def _select(warehouse: Warehouse, statement: str, sessions: list[list[Event]]) -> list[dict[str, Any]]:
    ids = [str(session[0].session_id) for session in sessions]
    return list(warehouse.client.query_arrow(statement, {"ids": ids}).to_pylist())
