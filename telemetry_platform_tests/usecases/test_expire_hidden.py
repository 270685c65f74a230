"""What has expired is seen by nobody, also before a run has removed it: on the real engines, merges stopped."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from telemetry_platform.processing.calendar_cutoff import cut_off
from telemetry_platform.stores import dead_letters, postgres
from telemetry_platform.usecases.ensure_keys import load_key_ring
from telemetry_platform.usecases.expire.visible import visible_from
from telemetry_platform.usecases.report_access import AccessReport, pseudonyms, read_access
from telemetry_platform.usecases.retention_policy import in_force
from telemetry_platform_tests.contracts.test_live_reads import LIVE
from telemetry_platform_tests.usecases.erased_person import ORG
from telemetry_platform_tests.usecases.expiring import both, count, days_ago, put
from telemetry_platform_tests.usecases.expiring_records import SAMPLES

if TYPE_CHECKING:
    from telemetry_platform.processing.pseudonyms import KeyRing
    from telemetry_platform.settings import Settings

USER = "u-9"
_HOUR = timedelta(hours=1)


def _ring(settings: Settings) -> KeyRing:
    with postgres.connect(settings.postgres) as conn:
        return load_key_ring(conn, settings.keys)


def _report(settings: Settings, ring: KeyRing) -> AccessReport:
    return read_access(settings, ring, org_id=ORG, user_id=USER, now=datetime.now(UTC), rows=10)


def test_e41_no_view_shows_a_row_from_before_the_cut_off(module_platform: Settings) -> None:
    policy, now = in_force(module_platform), datetime.now(UTC)
    with both(module_platform) as (warehouse, _):
        for view, table in LIVE.items():
            boundary = cut_off(policy[table.name], now)
            warehouse.client.command("SYSTEM STOP MERGES {table:Identifier}", {"table": table.name})
            # One part; the one row has just expired, the other will in an hour.
            put(warehouse, table.name, boundary - timedelta(milliseconds=1), boundary + _HOUR)
            assert count(warehouse, table.name) == 2, table.name
            assert count(warehouse, view) == 1, view


def test_e41_an_access_report_shows_nothing_that_has_expired(module_platform: Settings) -> None:
    ring = _ring(module_platform)
    (actor, *_) = next(iter(pseudonyms(ring, ORG, USER).by_domain.values()))
    with both(module_platform) as (warehouse, _):
        before = {one.place.table: one.count for one in _report(module_platform, ring).held}
        put(warehouse, "analytics_events", days_ago(731), days_ago(1), actor_hash=actor)
        put(warehouse, "media_buffering_events", days_ago(366), days_ago(1), actor_hash=actor)
    assert module_platform.postgres.owner_url is not None
    with postgres.connect(module_platform.postgres.owner_url.get_secret_value(), autocommit=True) as owner:
        for days in (31, 1):
            SAMPLES["privacy.dead_letters"](owner, days_ago(days))
        owner.execute("UPDATE privacy.dead_letters SET actor_hash = %s", (actor,))
    after = {one.place.table: one for one in _report(module_platform, ring).held}
    for table in ("analytics_events", "media_buffering_events", "privacy.dead_letters"):
        assert after[table].count == before[table] + 1, table
        rows = after[table].rows
        assert rows is not None
        assert len(rows) == after[table].count
        first = after[table].first
        assert first is not None
        assert first > days_ago(2).strftime("%Y-%m-%d"), table


def test_a_dead_letter_of_31_days_is_neither_shown_nor_queued_again(platform: Settings) -> None:
    assert platform.postgres.owner_url is not None
    with postgres.connect(platform.postgres.owner_url.get_secret_value(), autocommit=True) as owner:
        for days in (30.1, 29.9):
            SAMPLES["privacy.dead_letters"](owner, days_ago(days))
        old, young = (row[0] for row in owner.execute("SELECT id FROM privacy.dead_letters ORDER BY id").fetchall())
    with postgres.connect(platform.postgres) as conn:
        assert dead_letters.waiting_ids(conn) == [young]
        assert [letter.id for letter in dead_letters.waiting(conn, limit=10)] == [young]
        assert sum(dead_letters.waiting_counts(conn).values()) == 1
        assert dead_letters.find(conn, old) is None
        assert dead_letters.find(conn, young) is not None


def test_what_goes_by_months_is_shown_until_its_month_has_expired(platform: Settings) -> None:
    shown = visible_from(platform, datetime(2026, 11, 26, 3, tzinfo=UTC))
    assert shown["security.security_events"] == datetime(2023, 11, 1, tzinfo=UTC)
    assert shown["audit.audit_logs"] == datetime(2019, 11, 1, tzinfo=UTC)
    assert shown["media_events"] == datetime(2026, 8, 28, 3, tzinfo=UTC)
    assert "audit.details" not in shown
