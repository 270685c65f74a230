"""Rotation on the real database: added once whoever runs, known before it is active; KEKs change while all work."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from telemetry_platform.contracts.pii import Domain
from telemetry_platform.errors import ConfigurationError, PermanentError, StaleKeysError
from telemetry_platform.processing.key_health import faults
from telemetry_platform.processing.key_rotation import EpochSpan
from telemetry_platform.stores import postgres
from telemetry_platform.stores.keys import WrappedKey, add_key, kek_states, key_states
from telemetry_platform.usecases.ensure_keys import ensure_keys, load_key_ring
from telemetry_platform.usecases.key_list import KeyList
from telemetry_platform.usecases.rotate_keys import rotate, rotate_kek
from telemetry_platform_tests.usecases.old_keys import actions, begin_at, rotate_at, with_keks

if TYPE_CHECKING:
    from telemetry_platform.settings import KeySettings, Settings

DAY = timedelta(days=1)


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def keys(module_platform: Settings, now: datetime) -> KeySettings:
    """Keys that began 100 days ago, under kek-a."""
    settings = with_keks(module_platform.keys, "kek-a")
    begin_at(module_platform, settings, now - 100 * DAY)
    return settings


def spans(settings: Settings, domain: Domain) -> list[EpochSpan]:
    with postgres.connect(settings.postgres) as conn:
        return [
            EpochSpan(state.domain, state.epoch, state.active_from, state.active_until)
            for state in key_states(conn)
            if state.domain is domain
        ]


def test_two_processes_at_once_add_one_epoch_and_a_long_pause_is_caught_up(
    module_platform: Settings, keys: KeySettings, now: datetime
) -> None:
    told = len(actions(module_platform))

    def once(_: int) -> int:
        with postgres.connect(module_platform.postgres) as conn:
            return len(rotate(conn, keys, now).added)

    with ThreadPoolExecutor(4) as pool:
        added = list(pool.map(once, range(4)))
    assert sorted(added) == [0, 0, 0, 2]
    first, second = spans(module_platform, Domain.ACTOR)
    assert first.active_until == second.active_from
    assert now + timedelta(minutes=10) <= second.active_from <= now + timedelta(minutes=20)
    assert [span.epoch for span in spans(module_platform, Domain.AUDIT_ACTOR)] == [1]
    assert actions(module_platform)[told:] == ["key.rotated", "key.rotated"]
    with postgres.connect(module_platform.postgres) as conn:
        ring = load_key_ring(conn, keys)
    edge = round(second.active_from.timestamp() * 1000)
    assert [ring.epoch_at(Domain.ACTOR, edge - 1), ring.epoch_at(Domain.ACTOR, edge)] == [1, 2]


def test_a_rotation_that_fails_half_way_leaves_nothing(
    module_platform: Settings, keys: KeySettings, now: datetime
) -> None:
    told = actions(module_platform)
    left = iter((b"n" * 12, b"k" * 32))

    def run_dry(size: int) -> bytes:
        return next(left, b"")[:size]  # the second epoch gets no bytes, and the database refuses it

    with pytest.raises((PermanentError, ValueError)), postgres.connect(module_platform.postgres) as conn:
        rotate(conn, keys, now, random_bytes=run_dry)
    assert [span.active_until for span in spans(module_platform, Domain.ACTOR)] == [None]
    assert actions(module_platform) == told


@pytest.mark.parametrize(
    ("domain", "epoch", "ahead", "said"),
    [
        (Domain.ACTOR, 2, timedelta(minutes=9), "ten minutes before"),
        (Domain.ACTOR, 3, timedelta(hours=1), "without gaps"),
        (Domain.SUBJECT, 2, timedelta(hours=1), "one key for ever"),
    ],
)
def test_the_database_refuses_an_epoch_that_makes_no_sense(  # noqa: PLR0913, PLR0917 - fixtures and cases
    module_platform: Settings, keys: KeySettings, now: datetime, domain: Domain, epoch: int, ahead: timedelta, said: str
) -> None:
    assert keys.kek_id == "kek-a"
    with postgres.connect(module_platform.postgres) as conn:
        told_by = kek_states(conn)[0].check_value
        key = WrappedKey(domain, epoch, b"w" * 48, b"n" * 12, "kek-a", now + ahead, None, now)
        with pytest.raises(PermanentError, match=said):
            add_key(conn, key, told_by)


def test_a_closed_epochs_list_is_healthy_and_a_forgotten_one_is_not(
    module_platform: Settings, keys: KeySettings, now: datetime
) -> None:
    with postgres.connect(module_platform.postgres) as conn:
        rotate_at(conn, keys, *(now - ago * DAY for ago in (72, 42, 12)))
    every = [span for domain in Domain for span in spans(module_platform, domain)]
    assert faults(every, now) == ()
    assert {fault.domain for fault in faults(every, now + 30 * DAY)} == {Domain.ACTOR, Domain.ADDRESS}


def test_a_kek_is_changed_while_processes_with_the_old_one_with_both_and_with_the_new_one_work(
    module_platform: Settings, keys: KeySettings, now: datetime
) -> None:
    seconds = 100.0
    both, new = with_keks(keys, "kek-a", "kek-b"), with_keks(keys, "kek-b")
    old_process = KeyList(module_platform.postgres, keys, lambda: seconds)
    ready_process = KeyList(module_platform.postgres, both, lambda: seconds)
    old_process.refresh()
    ready_process.refresh()
    before = old_process.ring()
    with postgres.connect(module_platform.postgres) as conn:
        with pytest.raises(ConfigurationError, match="NEXT_KEK_FILE"):
            rotate_kek(conn, keys, now)
        report = rotate_kek(conn, both, now)
        assert (report.kek_id, report.previous, report.keys) == ("kek-b", "kek-a", len(Domain))
        with pytest.raises(ConfigurationError, match="no next key-encryption key"):
            rotate_kek(conn, both, now)
        assert load_key_ring(conn, new) == load_key_ring(conn, both) == before

    ready_process.refresh()
    assert ready_process.ring() == before
    with pytest.raises(ConfigurationError, match="'kek-b', which this process was not given"):
        old_process.refresh()
    assert old_process.ring() == before
    seconds += keys.max_age_seconds + 1
    with pytest.raises(StaleKeysError):
        old_process.ring()
    assert actions(module_platform)[-1] == "kek.rotated"


def test_a_kek_that_comes_back_or_takes_anothers_name_is_refused(
    module_platform: Settings, keys: KeySettings, now: datetime
) -> None:
    with postgres.connect(module_platform.postgres) as conn:
        rotate_kek(conn, with_keks(keys, "kek-a", "kek-b"), now)
        with pytest.raises(PermanentError, match="was retired"):
            rotate_kek(conn, with_keks(keys, "kek-b", "kek-a"), now)
        conn.rollback()
        renamed = with_keks(keys, "kek-b", "kek-a").model_copy(update={"next_kek_id": "kek-z"})
        with pytest.raises(PermanentError, match="under the name kek-a"):
            rotate_kek(conn, renamed, now)
        conn.rollback()
        taken = with_keks(keys, "kek-b", "kek-c").model_copy(update={"next_kek_id": "kek-a"})
        with pytest.raises(PermanentError, match="belongs to another"):
            rotate_kek(conn, taken, now)
        conn.rollback()
        assert load_key_ring(conn, with_keks(keys, "kek-b")).epochs


def test_a_start_with_a_kek_that_does_not_fit_says_which_setting(
    module_platform: Settings, keys: KeySettings, now: datetime
) -> None:
    wrong = with_keks(keys, "kek-b").model_copy(update={"kek_id": "kek-a"})
    with postgres.connect(module_platform.postgres) as conn:
        for start in (lambda: load_key_ring(conn, wrong), lambda: ensure_keys(conn, wrong, now)):
            with pytest.raises(ConfigurationError, match="TELEMETRY_KEYS__KEK"):
                start()
            conn.rollback()
