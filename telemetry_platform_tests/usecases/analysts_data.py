"""Some of everything that analysts look at, each row twice: sessions, stalls, requests, errors, staff, motion."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from telemetry_platform_tests.usecases.rollup_making import at, put, rebuild, session

if TYPE_CHECKING:
    from telemetry_platform.usecases.drain.stores import DrainStores

DAY = datetime.now(UTC).date() - timedelta(days=40)
"""All data lie on this day and the next; tests differ by tenant."""
NEXT = DAY + timedelta(days=1)


def fill(stores: DrainStores) -> None:
    """Store it, and rebuild the rollups of both days."""
    people = range(1, 21)
    watched = [
        # Ten from AT, six from DE, four from CH: DE goes with CH, since four could be told from the total.
        session(
            n, at(DAY), ttfb_ms=100.0 * n, stall_count=1, country_code="AT" if n <= 10 else "DE" if n <= 16 else "CH"
        )
        for n in people
    ]
    stalls = [
        {
            **_person(n),
            "session_id": session(n, at(DAY))["session_id"],
            "event_id": session(n, at(DAY))["session_id"],
            "occurred_at": at(DAY),
            "device_type": "mobile",
            "cause": "rebuffer",
            "duration_ms": 200.0 * n,
            "fold_version": 1,
        }
        for n in people
    ]
    requests = [
        {"org_id": "clinic-1", "occurred_at": at(DAY), "method": "GET", "route": "/x", "duration_ms": 10.0 * n}
        | {"status": 500 if n == 1 else 200, "event_id": session(n, at(DAY))["session_id"]}
        for n in range(1, 4)
    ]
    failed = [
        {**_person(n), "occurred_at": at(DAY), "source": "player", "fingerprint": "f", "error_code": "E"}
        | {"event_id": session(n, at(DAY))["session_id"]}
        for n in range(1, 8)
    ]
    worked = [
        {**_person(n), "occurred_at": at(DAY), "team_id": "t", "metric": "calls", "unit": "count", "value": 1.0 * n}
        | {"event_id": session(n, at(DAY))["session_id"]}
        for n in range(1, 7)
    ]
    # One session of a day and ninety-nine of the next: the mean of two means would be far off.
    apart = [session(1000, at(DAY), ttfb_ms=1000.0, org_id="e10")]
    apart += [session(n, at(NEXT), ttfb_ms=100.0, org_id="e10") for n in range(1001, 1100)]
    given_rows = {
        "media_sessions": [*watched, *apart],
        "media_buffering_events": stalls,
        "api_metrics": requests,
        "error_events": failed,
        "staff_metrics": worked,
    }
    for table, rows in given_rows.items():
        for _ in range(2):
            put(stores, table, rows)
        for day in (DAY, NEXT):
            rebuild(stores, table, day)
    stores.warehouse.client.command(
        "INSERT INTO pose_sessions (org_id, session_id, started_at, ended_at, actor_hash, key_epoch, exercise_id, "
        "left_knee_min_deg, left_knee_max_deg) SELECT 'clinic-1', generateUUIDv4(number), {at:DateTime64(3, 'UTC')}, "
        "{at:DateTime64(3, 'UTC')}, toString(number), 1, if(number < 6, 'squat', 'bend'), 10 + number, 90 "
        "FROM numbers(8)",
        {"at": at(DAY)},
    )


def _person(number: int) -> dict[str, Any]:
    return {"org_id": "clinic-1", "actor_hash": f"{number:064x}", "key_epoch": 1}
