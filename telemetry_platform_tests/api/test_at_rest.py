"""From a request to its row: what was posted, what the drain made of it, and what rests in the tables."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet

from telemetry_platform.stores import postgres
from telemetry_platform.stores.warehouse import open_warehouse
from telemetry_platform_tests.api.serving import Api, at, serving
from telemetry_platform_tests.usecases.landing import drain_all, quick

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from telemetry_platform.settings import Settings

ERRORS, ANALYTICS, AUDIT = "/v1/errors/report", "/v1/analytics/events", "/v1/audit/events"
SERVICE: dict[str, Any] = {"roles": ["service"], "sub": "core-api"}
# What JSON escapes, and what only looks like it.
BOOM = r"boom\u0000x \ud800 \\u0000"
STORED = "boom\N{REPLACEMENT CHARACTER}x \N{REPLACEMENT CHARACTER} \\u0000"


@pytest.fixture
def now_api(empty_platform: Settings) -> Iterator[Api]:
    """A server with the machine's clock, which believes a proxy on loopback: its events can be drained."""
    proxied = empty_platform.api.model_copy(update={"trusted_proxies": (ip_network("127.0.0.0/8"),)})
    with serving(quick(empty_platform.model_copy(update={"api": proxied})), None) as running:
        yield running


def raw(event: dict[str, Any]) -> bytes:
    """The event as JSON, with the marks where texts and keys shall hold what no store can keep."""
    return json.dumps(event).encode().replace(b"BOOM", BOOM.encode())


def rows(settings: Settings, query: str, **values: str) -> list[tuple[Any, ...]]:
    with open_warehouse(settings.clickhouse) as warehouse:
        return [tuple(row) for row in warehouse.client.query(query, values)]


def test_e20_nul_in_texts_and_keys_is_replaced_at_rest_and_literal_text_stays(now_api: Api) -> None:
    moment = at(0, datetime.now(UTC))
    report = {
        "source": "app",
        "error_code": "E20",
        "timestamp": moment,
        "message": "BOOM",
        "stack": "at BOOM",
        "BOOM": 1,
    }
    view = {"kind": "page_view", "timestamp": moment, "route": "/home", "properties": {"plan": "BOOM", "BOOM": "plan"}}
    audited = {
        "event_id": str(uuid4()),
        "timestamp": moment,
        "actor_type": "staff",
        "action": "plan.read",
        "resource_type": "plan",
        "outcome": "success",
        "details": {"note": "BOOM", "BOOM": {"BOOM": ["BOOM", 1]}},
    }
    for path, event, claims in ((ERRORS, report, {}), (ANALYTICS, view, {}), (AUDIT, audited, SERVICE)):
        answer = now_api.post_to(path, raw(event), **claims)
        assert answer.status_code == 202, answer.text
    (entry,) = now_api.bodies("audit")
    assert STORED in json.loads(entry["details"])["note"]
    for kind in ("errors", "analytics", "audit"):
        assert now_api.metric(f'telemetry_sanitised_events_total{{kind="{kind}"}}') == 1

    counts = drain_all(now_api.settings).tables
    assert {table: (one.stored, one.dead_lettered) for table, one in counts.items()} == {
        "error_events": (1, 0),
        "analytics_events": (1, 0),
        "audit.audit_logs": (1, 0),
    }
    assert rows(now_api.settings, "SELECT message, stack FROM error_events WHERE error_code = 'E20'") == [
        (STORED, f"at {STORED}")
    ]
    ((properties,),) = rows(now_api.settings, "SELECT properties FROM analytics_events")
    assert json.loads(properties)["plan"] == STORED
    assert "\0" not in properties
    assert now_api.settings.postgres.read_url is not None
    with postgres.connect(now_api.settings.postgres.read_url.get_secret_value()) as conn:
        ((details,),) = conn.execute("SELECT body FROM audit.details").fetchall()
    assert details["note"] == STORED
    assert "\0" not in json.dumps(details, ensure_ascii=False)


def with_geo(settings: Settings, path: Path) -> Settings:
    return settings.model_copy(update={"geo": settings.geo.model_copy(update={"database": path})})


def ipv4_database(path: Path) -> Path:
    writer = MMDBWriter(ip_version=4, database_type="GeoLite2-City")
    writer.insert_network(IPSet(["198.51.100.0/24"]), {"country": {"iso_code": "RO"}})
    writer.to_db_file(str(path))
    return path


def test_e59_no_state_of_the_geo_database_costs_an_event(now_api: Api, tmp_path: Path) -> None:
    garbage = tmp_path / "garbage.mmdb"
    garbage.write_bytes(b"\x8f\x00\x11garbage\xff")
    files = {
        "absent": (tmp_path / "absent.mmdb", None),
        "garbage": (garbage, None),
        "folder": (tmp_path, None),
        "ipv4": (ipv4_database(tmp_path / "ipv4.mmdb"), "RO"),
    }
    moment = at(0, datetime.now(UTC))
    for state, (path, country) in files.items():
        # An address that the database has, a private one, and IPv6.
        addresses = ("198.51.100.7", "10.0.0.1", "2001:db8:85a3::7")
        for number, address in enumerate(addresses):
            sent = {"source": "app", "error_code": f"{state}-{number}", "timestamp": moment}
            assert now_api.post_to(ERRORS, sent, {"X-Forwarded-For": address}).status_code == 202
        report = drain_all(with_geo(now_api.settings, path))
        assert (report.tables["error_events"].stored, report.geo.ok) == (3, False)
        found = rows(
            now_api.settings,
            "SELECT ip_truncated, country_code, region FROM error_events "
            "WHERE startsWith(error_code, {state:String}) ORDER BY error_code",
            state=f"{state}-",
        )
        assert found == [("198.51.100.0", country, None), ("10.0.0.0", None, None), ("2001:db8:85a3::", None, None)]
