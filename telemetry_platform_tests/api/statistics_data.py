"""What tests of the statistics ask about: random sessions, requests, errors, figures of staff; and how they ask."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from telemetry_platform.usecases.rollups.touched import rebuild_due
from telemetry_platform_tests.usecases.rollup_making import put, session

if TYPE_CHECKING:
    import httpx

    from telemetry_platform.usecases.drain.stores import DrainStores
    from telemetry_platform_tests.api.serving import Api

NOW = datetime.now(UTC)
TODAY = NOW.replace(hour=0, minute=0, second=0, microsecond=0)
DAY = timedelta(days=1)
MEDIUM = "b" * 64
PLAIN = (
    "SELECT ifNull(toString({{dimension}}), '') AS value, count() AS sessions, avg(ttfb_ms) AS ttfb, "
    "count(ttfb_ms) AS ttfb_n, "
    "avg(load_ms) AS load, countIf(state = 'completed') / count() AS completed, "
    "countIf(fatal_error) / count() AS failed, "
    "sum(avg_bitrate * watched_seconds) / sumIf(watched_seconds, avg_bitrate IS NOT NULL) AS bitrate, "
    "avg(buffering_count) AS buffering, quantileExact(0.95)(ttfb_ms) AS p95 FROM media_sessions_current "
    "WHERE org_id = 'clinic-1' AND NOT is_bot AND occurred_at >= {since:DateTime64(3)} "
    "AND occurred_at < {until:DateTime64(3)} GROUP BY value"
)


def views(chance: random.Random) -> list[dict[str, Any]]:
    """Three hundred views of nine days by sixty people, some without a figure, and a country with two people."""
    found = []
    for number in range(300):
        moment = TODAY - chance.randrange(1, 9) * DAY + timedelta(seconds=chance.randrange(86_400))
        person = number % 60
        country = "IS" if person < 2 else chance.choice(["RO", "DE", None])
        known = chance.random() < 0.8
        found.append(
            session(number + 1, moment)
            | {
                "actor_hash": f"{person:064x}",
                "country_code": country,
                "device_type": chance.choice(["mobile", "desktop"]),
                "connection_type": chance.choice(["4g", "wifi", None]),
                "browser_family": chance.choice(["Chrome", "Firefox"]),
                "media_id": MEDIUM if number % 3 else "c" * 64,
                "state": chance.choice(["completed", "abandoned"]),
                "fatal_error": chance.random() < 0.1,
                "ttfb_ms": round(chance.uniform(20, 3000), 3) if known else None,
                "load_ms": round(chance.uniform(100, 9000), 3) if known else None,
                "startup_ms": round(chance.uniform(100, 9000), 3) if known else None,
                "watched_seconds": round(chance.uniform(1, 600), 2),
                "avg_bitrate": chance.choice([None, 800_000.0, 2_500_000.0]),
                "buffering_count": chance.choice([None, 0, 3]),
                "completion": 0.5,
            }
        )
    return found


def fill(stores: DrainStores) -> None:
    """Store it all, and rebuild the rollups from it."""
    put(stores, "media_sessions", views(random.Random(5)))  # noqa: S311 - the same views in every run
    # Another tenant, and one whose days have one view and 99: the mean of means would be 550.
    put(stores, "media_sessions", [session(900, TODAY - 2 * DAY) | {"org_id": "clinic-2", "ttfb_ms": 5.0}])
    days = [session(1000, TODAY - 3 * DAY) | {"org_id": "clinic-3", "ttfb_ms": 1000.0}]
    days += [session(1001 + n, TODAY - 2 * DAY) | {"org_id": "clinic-3", "ttfb_ms": 100.0} for n in range(99)]
    put(stores, "media_sessions", [day | {"state": "abandoned"} for day in days])
    moment = TODAY - DAY + timedelta(hours=3)
    put(
        stores,
        "api_metrics",
        [
            {"event_id": UUID(int=n), "org_id": "clinic-1", "occurred_at": moment, "route": "/plans/{id}",
             "method": "GET", "duration_ms": float(n), "status_code": 500 if n % 10 == 0 else 200}
            for n in range(1, 101)
        ],
    )  # fmt: skip
    put(
        stores,
        "error_events",
        [
            {"event_id": UUID(int=n), "org_id": "clinic-1", "occurred_at": moment, "source": "app",
             "fingerprint": "f1" if n < 20 else "f2", "error_code": "=HYPERLINK", "actor_hash": f"{n % 7:064x}",
             "key_epoch": 1}
            for n in range(21)
        ],
    )  # fmt: skip
    put(
        stores,
        "staff_metrics",
        [
            {"event_id": UUID(int=n), "org_id": "clinic-1", "occurred_at": moment,
             "team_id": "t1" if n < 12 else "t2", "metric": "notes", "unit": "count", "value": float(n),
             "actor_hash": f"{n:064x}", "key_epoch": 1}
            for n in range(14)
        ],
    )  # fmt: skip
    # Both at 03:30 of Bucharest's clock, which is set back between them.
    twice = [datetime(2026, 10, 25, hour, 30, tzinfo=UTC) for hour in (0, 1)]
    put(stores, "media_sessions", [session(2000 + n, twice[n]) | {"org_id": "clinic-5"} for n in range(2)])
    stores.warehouse.client.command(
        "INSERT INTO pose_sessions (org_id, session_id, started_at, ended_at, actor_hash, key_epoch, frames, "
        "duration_ms) VALUES ('clinic-1', {session:UUID}, {at:DateTime64(3)}, {at:DateTime64(3)}, 'a', 1, 3, 2000)",
        {"session": str(UUID(int=1)), "at": moment},
    )
    rebuild_due(stores, now=NOW, budget=timedelta(minutes=2))


def ask(api: Api, path: str, *, accept: str = "application/json", tag: str = "", **given: Any) -> httpx.Response:  # noqa: ANN401 - parameters
    claims = {name: given.pop(name) for name in ("roles", "org_id_of") if name in given}
    token = api.token(
        sub="reader-1", roles=claims.get("roles", ["support"]), org_id=claims.get("org_id_of", "clinic-1")
    )
    headers = {"Authorization": f"Bearer {token}", "Accept": accept} | ({"If-None-Match": tag} if tag else {})
    return api.client.get(path, params=given, headers=headers)


def stretch(days: int = 8) -> dict[str, str]:
    return {"from": f"{TODAY - days * DAY:%Y-%m-%dT%H:%M:%SZ}", "to": f"{TODAY:%Y-%m-%dT%H:%M:%SZ}"}
