"""What readers of the trail are not shown: rows past their retention, details that were redacted, small groups."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from telemetry_platform.embedded.postgres import SUPERUSER
from telemetry_platform.errors import PlatformError
from telemetry_platform.stores.postgres import SQL, Identifier, Literal
from telemetry_platform_tests.api.serving import Api, serving
from telemetry_platform_tests.api.trail_reading import LOGS, SECURITY, fill, fill_security, get, trail_of, walk
from telemetry_platform_tests.stores.trail import entry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from telemetry_platform.embedded.platform import PlatformHandle
    from telemetry_platform.settings import Settings
    from telemetry_platform_tests.stores.trail import Trail

YEARS = {"audit.audit_logs": 7, "security.security_events": 3}


@pytest.fixture
def trail(engines: PlatformHandle, platform: Settings) -> Trail:
    return trail_of(engines, platform)


@pytest.fixture
def api(platform: Settings, trail: Trail) -> Iterator[Api]:
    fill(trail, "clinic-1", 1)
    with serving(platform, None) as running:
        yield running


def add_month(trail: Trail, table: str, begins: datetime) -> None:
    """The month's partition, as it was made when it was the present one."""
    ends = begins.replace(year=begins.year + begins.month // 12, month=begins.month % 12 + 1)
    schema, name = table.split(".")
    made = SQL("CREATE TABLE {} PARTITION OF {} FOR VALUES FROM ({}) TO ({})").format(
        Identifier(schema, f"{name}_{begins:%Y_%m}"), Identifier(schema, name), Literal(begins), Literal(ends)
    )
    with trail.connect("telemetry_owner") as owner:
        owner.execute(made)


def months_ago(months: int) -> datetime:
    now = datetime.now(UTC)
    year, month = divmod(now.year * 12 + now.month - 1 - months, 12)
    return datetime(year, month + 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(("beyond", "shown"), [(0, True), (1, False)])
def test_e41_a_month_past_its_retention_is_not_shown_though_it_is_there(
    api: Api, trail: Trail, beyond: int, *, shown: bool
) -> None:
    old = months_ago(YEARS["audit.audit_logs"] * 12 + beyond)
    add_month(trail, "audit.audit_logs", old)
    with trail.connect("telemetry_owner") as owner:
        owner.execute(
            "INSERT INTO audit.audit_logs (seq, event_id, occurred_at, recorded_at, actor_hash, key_epoch, actor_type, "
            "org_id, action, resource_type, outcome, prev_hash, row_hash) "
            "VALUES (900001, gen_random_uuid(), %(at)s, %(at)s, '', 0, 'system', 'clinic-1', 'plan.changed', 'plan', "
            "'success', repeat('0', 64), repeat('1', 64))",
            {"at": old.replace(day=28)},
        )
        # A walk ends at the trail's end, which the row that was put in by hand lies behind.
        owner.execute("UPDATE audit.head SET seq = 900001")
    assert [row["seq"] for row in walk(api, {"action": "plan.changed"})] == ([900_001] if shown else [])


@pytest.mark.parametrize(("beyond", "shown"), [(0, 2), (1, 1)])
def test_e41_security_events_are_not_shown_past_theirs(api: Api, trail: Trail, beyond: int, shown: int) -> None:
    old = months_ago(YEARS["security.security_events"] * 12 + beyond)
    add_month(trail, "security.security_events", old)
    fill_security(trail, "clinic-1", 1)
    with trail.connect("telemetry_owner") as owner:
        owner.execute(
            "INSERT INTO security.security_events (event_id, occurred_at, recorded_at, org_id, type, severity, "
            "actor_hash, key_epoch) "
            "VALUES (gen_random_uuid(), %(at)s, %(at)s, 'clinic-1', 'auth.failed', 'low', '', 0)",
            {"at": old.replace(day=28)},
        )
    assert len(get(api, SECURITY).json()["events"]) == shown


def test_details_that_were_redacted_read_so(api: Api, trail: Trail) -> None:
    fill(trail, "clinic-1", 1, action="plan.changed", details='{"fields": 3}')
    row = get(api, LOGS, {"action": "plan.changed"}).json()["logs"][0]
    assert (row["details"], row["details_redacted"]) == ({"fields": 3}, False)
    redaction = entry(action="audit.redacted", details=json.dumps({"seq": row["seq"]}))
    with trail.connect("telemetry_retention") as connection:
        connection.execute("SELECT audit.redact(%s, %s)", [row["seq"], json.dumps(redaction)])
    again = get(api, LOGS, {"action": "plan.changed"}).json()["logs"][0]
    assert (again["details"], again["details_redacted"]) == (None, True)
    assert again["row_hash"] == row["row_hash"]


def test_counts_name_nobody_and_no_small_group(trail: Trail) -> None:
    counts = "SELECT org_id, action, outcome, entries FROM audit.counts_by_day ORDER BY 1, 2"
    for number in range(5):
        fill(trail, "clinic-1", 2, action="seen.by_five", actor_hash=f"{number}" * 64)
    for number in range(4):
        fill(trail, "clinic-1", 9, action="seen.by_four", actor_hash=f"{number}" * 64)
    fill(trail, "clinic-2", 3, action="key.turned", actor_hash="", actor_type="system")
    # The day is not over: nothing yet.
    assert trail.rows(counts) == []
    with trail.connect("telemetry_owner", autocommit=False) as owner:
        # As it will be told tomorrow.
        owner.execute(tomorrow_of(owner.execute("SELECT pg_get_viewdef('audit.counts_by_day'::regclass)").fetchone()))
        found = owner.execute("SELECT org_id, action, outcome, entries FROM counts_tomorrow ORDER BY 1, 2").fetchall()
        owner.rollback()
    assert found == [("clinic-1", "seen.by_five", "success", 10), ("clinic-2", "key.turned", "success", 3)]


def tomorrow_of(view: tuple[str] | None) -> bytes:
    assert view is not None
    assert view[0].count("clock_timestamp()") == 1
    text = view[0].replace("clock_timestamp()", "clock_timestamp() + interval '1 day'")
    return f"CREATE TEMPORARY VIEW counts_tomorrow AS {text}".encode()


def test_who_may_see_counts_sees_nothing_else(trail: Trail) -> None:
    role = f"counts_{trail.database}"
    with trail.connect(SUPERUSER, autocommit=False) as connection:
        connection.execute(SQL("CREATE ROLE {} NOLOGIN").format(Identifier(role)))
        for grant in (
            "GRANT USAGE ON SCHEMA audit TO {}",
            "GRANT SELECT ON audit.counts_by_day TO {}",
            "GRANT EXECUTE ON FUNCTION audit.visible_from(regclass) TO {}",
            "SET ROLE {}",
        ):
            connection.execute(SQL(grant).format(Identifier(role)))
        assert connection.execute("SELECT count(*) FROM audit.counts_by_day").fetchone() == (0,)
        for table in ("audit_logs", "details", "event_index", "head"):
            with pytest.raises(PlatformError, match="42501"), connection.transaction():
                connection.execute(SQL("SELECT FROM {}").format(Identifier("audit", table)))
        connection.rollback()
