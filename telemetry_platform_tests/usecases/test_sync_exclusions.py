"""The list of excluded networks is brought up to date whole or not at all, and the log says how every try ended."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from telemetry_platform.contracts.exclusions import SyncMode, SyncStatus
from telemetry_platform.errors import ContractViolationError, TransientError
from telemetry_platform.processing.exclusion_reading import EXCLUSION_TYPE
from telemetry_platform.stores import exclusions, postgres
from telemetry_platform.stores.exclusions_feed import ExclusionsFeed
from telemetry_platform.usecases.ensure_keys import load_key_ring
from telemetry_platform.usecases.sync_exclusions import SyncFailedError, Syncing, sync_exclusions
from telemetry_platform_tests.exclusion_service import ACCOUNT, KEY, ListService, entry, list_service, settings_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from telemetry_platform.settings import Settings
    from telemetry_platform.stores.postgres import Connection
    from telemetry_platform.usecases.sync_exclusions import SyncReport

NOW = datetime(2026, 2, 17, 10, tzinfo=UTC)
FULL, DELTA = SyncMode.FULL, SyncMode.DELTA
MANY = tuple(f"203.0.{number}.0/24" for number in range(1, 13))


@pytest.fixture(scope="module")
def shared_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ListService]:
    with list_service(tmp_path_factory.mktemp("maxmind")) as found:
        yield found


@pytest.fixture
def service(shared_service: ListService) -> ListService:
    """With an empty list, asked for nothing yet."""
    shared_service.hold()
    shared_service.asked.clear()
    return shared_service


@pytest.fixture
def conn(engines: object, module_platform: Settings) -> Iterator[Connection]:
    """No list, and no sync yet; the tables' owner may empty them, nobody else."""
    assert engines
    owner = module_platform.postgres.owner_url
    assert owner is not None
    with postgres.connect(owner.get_secret_value(), autocommit=True) as connection:
        connection.execute("TRUNCATE privacy.privacy_exclusions, privacy.privacy_exclusion_sync_log")
        connection.execute("TRUNCATE privacy.privacy_exclusions_staged")
    with postgres.connect(module_platform.postgres, autocommit=True) as connection:
        yield connection


class Sync:
    """Runs syncs as a command does; the clock moves by an hour for each, waits are noted and not waited for."""

    def __init__(self, conn: Connection, settings: Settings, service: ListService) -> None:
        self.now = NOW
        self.waits: list[float] = []
        self.service = service
        feed = ExclusionsFeed(service.settings, lambda: 0.0)
        self.work = Syncing(conn, load_key_ring(conn, settings.keys), feed, lambda: self.now, self.waits.append)

    def __call__(self, mode: SyncMode = FULL, *, accept_shrink: bool = False) -> SyncReport:
        """The last report."""
        self.now += timedelta(hours=1)
        return sync_exclusions(self.work, mode, accept_shrink=accept_shrink)[-1]

    def of(self, *networks: str) -> SyncReport:
        """A full one of a list that holds these."""
        self.service.hold(*networks)
        return self()


@pytest.fixture
def sync(conn: Connection, module_platform: Settings, service: ListService) -> Sync:
    return Sync(conn, module_platform, service)


def log(conn: Connection) -> list[str]:
    """How the tries ended, the first one first."""
    return [row.status.value for row in reversed(exclusions.syncs(conn, limit=100))]


def trail(settings: Settings) -> list[dict[str, object]]:
    """Details of what the audit trail says of syncs."""
    assert settings.postgres.owner_url
    with postgres.connect(settings.postgres.owner_url.get_secret_value()) as owner:
        rows = owner.execute(
            "SELECT d.body, l.outcome FROM audit.audit_logs l JOIN audit.details d USING (seq) "
            "WHERE l.action = 'exclusions.synced' ORDER BY l.seq"
        ).fetchall()
    return [{**body, "outcome": outcome} for body, outcome in rows]


def test_a_full_sync_brings_adds_and_withdraws_and_keeps_the_history(sync: Sync, conn: Connection) -> None:
    first = sync.of("10.0.26.166/32", "203.0.113.0/24", "2001:db8:1::/48")
    assert (first.status, first.added, first.withdrawn, first.active) == (SyncStatus.SUCCEEDED, 3, 0, 3)
    second = sync.of("10.0.26.166/32", "203.0.113.0/24", "198.51.100.0/24")
    assert (second.added, second.withdrawn, second.active) == (1, 1, 3)
    third = sync.of("10.0.26.166/32", "203.0.113.0/24", "198.51.100.0/24", "2001:db8:1::/48")
    assert (third.added, third.withdrawn, third.active) == (1, 0, 4)
    rows = conn.execute(
        "SELECT listed_by, withdrawn_by, withdrawn_at - listed_at FROM privacy.privacy_exclusions "
        "WHERE network = '2001:db8:1::/48' ORDER BY exclusion_id"
    ).fetchall()
    assert rows == [(first.sync_id, second.sync_id, timedelta(hours=1)), (third.sync_id, None, None)]


def test_e61_an_empty_a_shrunken_and_no_list_leave_the_old_one_in_force(
    sync: Sync, conn: Connection, module_platform: Settings, service: ListService
) -> None:
    stored = [f"10.{number // 256}.{number % 256}.0/24" for number in range(812)]
    sync.of(*stored)
    before = exclusions.version(conn)
    said = len(trail(module_platform))

    sync.of()
    sync.of(*stored[:3])
    service.hold(*stored, answer=503)
    unavailable = sync()
    assert (unavailable.requests, sync.waits) == (4, sorted(sync.waits))
    service.hold(*stored, answer=401)
    refused = sync()

    assert refused.requests == 1
    assert log(conn)[1:] == ["suspicious_empty", "suspicious_shrink", "http_error", "auth_error"]
    assert exclusions.count_active(conn) == 812
    assert exclusions.version(conn) == before
    last = exclusions.syncs(conn, limit=1)[0]
    assert (last.http_status, last.error_code, last.active) == (401, "AUTHORIZATION_INVALID", 812)
    with pytest.raises(SyncFailedError, match="stays as it was"):
        refused.raise_for_failure()
    told = trail(module_platform)[said:]
    assert [(one["status"], one["outcome"]) for one in told] == [
        ("suspicious_empty", "failure"),
        ("suspicious_shrink", "failure"),
    ]


def test_a_true_shrink_is_let_through_by_somebody_who_is_recorded(
    sync: Sync, conn: Connection, module_platform: Settings, service: ListService
) -> None:
    sync.of(*MANY)
    service.hold(*MANY[:6])
    assert sync().status is SyncStatus.SUSPICIOUS_SHRINK
    assert sync(accept_shrink=True).withdrawn == 6
    assert exclusions.syncs(conn, limit=1)[0].accept_shrink
    assert trail(module_platform)[-1]["accept_shrink"] is True
    service.hold()
    assert sync().status is SyncStatus.SUSPICIOUS_EMPTY
    assert sync(accept_shrink=True).active == 0
    service.hold_entries([entry("0.0.0.0/0")])
    assert sync(accept_shrink=True).status is SyncStatus.SUSPICIOUS_EMPTY


def test_more_than_half_of_the_list_is_no_suspicion(sync: Sync) -> None:
    sync.of(*MANY)
    assert sync.of(*MANY[:7]).active == 7


def test_e62_of_a_dirty_list_what_is_good_comes_into_force_and_the_rest_is_counted(
    sync: Sync, conn: Connection, service: ListService
) -> None:
    unknown = {**entry("abc", "2026-01-01T00:00:00.5Z"), "exclusion_type": "new_law", "data_type": "email_hash"}
    service.hold_entries(
        [
            entry("10.0.26.166/32", "2020-01-08T18:58:38Z"),
            unknown,
            entry("203.0.113.77/24"),
            entry("0.0.0.0/0"),
            entry("::ffff:1.2.3.0/120"),
        ],
        extra=1,
    )
    report = sync()
    assert exclusions.active_networks(conn) == ["1.2.3.0/24", "10.0.26.166/32", "203.0.113.0/24"]
    assert (report.received, report.ignored, report.refused) == (5, 1, 1)
    row = exclusions.syncs(conn, limit=1)[0]
    assert row.warnings == {"unknown_type": 1, "host_bits": 1, "too_wide": 1, "embedded_ipv4": 1}


def test_a_delta_reaches_back_from_the_newest_entry_of_the_list_and_withdraws_nothing(
    sync: Sync, conn: Connection, service: ListService
) -> None:
    service.hold_entries([entry("10.0.0.0/24", "2026-02-01T12:00:00Z"), entry("10.0.1.0/24", "2026-01-01T00:00:00Z")])
    sync()
    service.hold("10.0.2.0/24", updated="2026-01-31T12:30:00Z")
    late = sync(DELTA)
    assert service.asked[-1].endswith("?updates_after=2026-01-31T12%3A00%3A00Z")
    assert (late.added, late.withdrawn, late.active) == (1, 0, 3)
    nothing = sync(DELTA)
    assert (nothing.status, nothing.added, nothing.active) == (SyncStatus.SUCCEEDED, 0, 3)
    # Time passes, and nothing is published: the cursor stays where the list is.
    sync.now += timedelta(days=300)
    sync(DELTA)
    assert service.asked[-1].endswith("?updates_after=2026-01-31T12%3A00%3A00Z")
    assert exclusions.syncs(conn, limit=1)[0].updates_after == datetime(2026, 1, 31, 12, tzinfo=UTC)


def test_an_entry_from_the_far_future_moves_no_cursor(sync: Sync, service: ListService) -> None:
    service.hold_entries([entry("10.0.0.0/24", "2026-02-01T12:00:00Z"), entry("10.0.1.0/24", "2099-01-01T00:00:00Z")])
    sync()
    sync(DELTA)
    assert service.asked[-1].endswith("?updates_after=2026-01-31T12%3A00%3A00Z")


def test_the_first_sync_is_a_full_one_whatever_was_asked_for(sync: Sync, service: ListService) -> None:
    service.hold("10.0.0.0/24")
    report = sync(DELTA)
    assert (report.mode, report.added, service.asked) == (FULL, 1, ["/privacy/exclusions"])


def test_a_moment_that_is_refused_leads_to_a_full_sync(sync: Sync, conn: Connection, service: ListService) -> None:
    sync.of("10.0.0.0/24")
    service.hold("10.0.0.0/24", "10.0.1.0/24", answer=400)
    refused = sync_exclusions(sync.work, DELTA)
    assert [report.status.value for report in refused] == ["timestamp_invalid", "http_error"]
    assert log(conn)[1:] == ["timestamp_invalid", "http_error"]
    assert "updates_after" in service.asked[-2]
    assert "updates_after" not in service.asked[-1]


def test_only_a_full_sync_can_shrink_the_list(sync: Sync, service: ListService) -> None:
    with pytest.raises(ContractViolationError, match="full"):
        sync(DELTA, accept_shrink=True)
    assert not service.asked


def test_one_sync_at_a_time(sync: Sync, conn: Connection, module_platform: Settings, service: ListService) -> None:
    service.hold("10.0.0.0/24")
    with postgres.connect(module_platform.postgres, autocommit=True) as other:
        with exclusions.only_sync(other), pytest.raises(TransientError, match="another sync"):
            sync()
        assert log(conn) == []
        assert not service.asked
        assert sync().succeeded
        with exclusions.only_sync(other):
            pass


def test_a_sync_that_died_between_staging_and_exchange_changes_nothing_and_is_told(
    sync: Sync, conn: Connection, module_platform: Settings
) -> None:
    sync.of("10.0.0.0/24", "10.0.1.0/24")
    with closing(postgres.connect(module_platform.postgres, autocommit=True)) as doomed, exclusions.only_sync(doomed):
        number = exclusions.begin(doomed, FULL, sync.now, accept_shrink=False, updates_after=None)
        exclusions.stage(doomed, [("192.0.2.0/24", None)])
        with pytest.raises(TransientError):
            exchange_and_die(conn, doomed, number, sync.now)
    assert exclusions.active_networks(conn) == ["10.0.0.0/24", "10.0.1.0/24"]
    assert log(conn) == ["succeeded", "running"]

    report = sync.of("10.0.0.0/24", "10.0.1.0/24", "10.0.2.0/24")
    assert (report.added, report.withdrawn) == (1, 0)
    assert log(conn) == ["succeeded", "interrupted", "succeeded"]
    assert conn.execute("SELECT count(*) FROM privacy.privacy_exclusions_staged").fetchone() == (0,)


def test_a_lost_connection_lets_the_next_sync_in(sync: Sync, conn: Connection, module_platform: Settings) -> None:
    with closing(postgres.connect(module_platform.postgres, autocommit=True)) as doomed, exclusions.only_sync(doomed):
        kill(conn, doomed)
        assert sync.of("10.0.0.0/24").succeeded


@pytest.mark.parametrize("key", ["wrong-key", KEY])
def test_neither_account_nor_key_rests_anywhere(
    sync: Sync, conn: Connection, service: ListService, module_platform: Settings, key: str
) -> None:
    service.hold("10.0.0.0/24")
    port = int(service.settings.url.rsplit(":", 1)[1].partition("/")[0])
    feed = ExclusionsFeed(settings_for(port, license_key=key), lambda: 0.0)
    ring = load_key_ring(conn, module_platform.keys)
    reports = sync_exclusions(Syncing(conn, ring, feed, lambda: sync.now, sync.waits.append), FULL)
    rows = conn.execute("SELECT l::text FROM privacy.privacy_exclusion_sync_log l").fetchall()
    told = f"{reports!r} {rows} {trail(module_platform)} {feed!r} {vars(service.settings)!r}"
    assert reports[0].succeeded is (key == KEY)
    assert KEY not in told
    assert "wrong-key" not in told
    assert ACCOUNT not in told


def exchange_and_die(conn: Connection, doomed: Connection, number: int, now: datetime) -> None:
    """The end of a sync, whose connection is lost before the commit."""
    with doomed.transaction():
        exclusions.exchange(doomed, number, now, exclusion_type=EXCLUSION_TYPE, withdraws=True)
        kill(conn, doomed)
        exclusions.finish(doomed, number, SyncStatus.SUCCEEDED, now)


def kill(conn: Connection, doomed: Connection) -> None:
    """End a connection as a server does that loses its client."""
    row = conn.execute("SELECT pg_terminate_backend(%s, 10000)", (doomed.info.backend_pid,)).fetchone()
    assert row == (True,)
