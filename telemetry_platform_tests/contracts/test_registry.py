"""What every kind and every table must declare, so that one more table is one more contract."""

from __future__ import annotations

from pathlib import Path

import pytest

from telemetry_platform.contracts import events
from telemetry_platform.contracts.columns import BESIDE_BODY, FROM_DRAIN
from telemetry_platform.contracts.consent import ConsentLevel, LegalBasis
from telemetry_platform.contracts.erasure import ExpiresOnly, SweptBy
from telemetry_platform.contracts.event_kind import EventKind, Store, Table
from telemetry_platform.contracts.registry import kinds, kinds_in, tables

TABLES = sorted(tables().values(), key=lambda table: table.name)
KINDS = sorted(kinds().values(), key=lambda kind: kind.name)


def test_the_kinds_are_found_by_listing_their_files() -> None:
    files = {path.stem for path in Path(events.__path__[0]).glob("*.py")} - {"__init__"}
    assert len(KINDS) == len(files)
    assert {kind.name for kind in kinds_in(Store.POSTGRES)} >= {"audit"}
    assert set(tables()) >= {
        "analytics_events",
        "media_events",
        "media_sessions",
        "media_buffering_events",
        "error_events",
        "api_metrics",
        "staff_metrics",
    }


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_table_keeps_its_promises_by_columns_that_it_has(table: Table) -> None:
    names = [column.name for column in table.columns]
    assert len(names) == len(set(names))
    assert table.retention.column in names
    assert set(table.key) <= set(names)
    assert table.description.endswith(".")
    assert len(table.retention.why) > 20
    match table.erasure:
        case SweptBy(column):
            assert column in names
            assert {"actor_hash", "key_epoch"} <= set(names), "a pseudonym without its epoch cannot be swept"
        case ExpiresOnly(why):
            assert len(why) > 10


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_no_column_is_named_like_something_raw(table: Table) -> None:
    raw = {"user_id", "actor_id", "ip", "ip_address", "email", "user_agent", "city", "latitude", "longitude", "url"}
    assert not raw & {column.name for column in table.columns}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_kind_that_needs_no_consent_says_on_what_basis_it_is_kept(kind: EventKind) -> None:
    consent_based = {LegalBasis.CONSENT, LegalBasis.EXPLICIT_CONSENT}
    if kind.consent is None:
        assert kind.table.legal_basis not in consent_based
    elif kind.consent >= ConsentLevel.ANALYTICS:
        assert {table.legal_basis for table in (kind.table, *kind.derived)} <= consent_based


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_an_entry_carries_every_column_of_its_table_exactly_once(kind: EventKind) -> None:
    names = {column.name for column in kind.table.columns}
    if kind.store is Store.CLICKHOUSE:
        assert "batch_id" in names, "a replay is recognised by its batch"
        assert not BESIDE_BODY & FROM_DRAIN


def test_derived_tables_name_the_log_that_they_are_folded_from() -> None:
    for kind in KINDS:
        for table in kind.derived:
            assert table.derived_from == kind.table.name
            assert table.final


def test_a_base_outlives_no_promise_of_what_is_folded_from_it() -> None:
    media = kinds()["media"]
    assert media.table.retention.sentence == "90 days after occurred_at"
    assert [table.retention.sentence for table in media.derived] == [
        "2 years after occurred_at",
        "1 year after occurred_at",
    ]


def test_the_audit_trail_is_kept_for_at_least_six_years() -> None:
    retention = tables()["audit.audit_logs"].retention
    assert (retention.unit, retention.amount >= 6) == ("year", True)


def test_a_ttl_comes_a_month_after_the_retention_job() -> None:
    ttl = tables()["media_sessions"].retention.ttl
    assert ttl == "toDateTime(occurred_at) + INTERVAL 2 YEAR + INTERVAL 1 MONTH"
