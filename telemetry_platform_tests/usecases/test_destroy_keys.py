"""Destruction in three recorded steps: what keeps a key, what a crash leaves, and an older dump that opens nothing."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from telemetry_platform.contracts.pii import Domain
from telemetry_platform.errors import ConfigurationError, PermanentError
from telemetry_platform.processing.pseudonyms import live_epochs
from telemetry_platform.stores import postgres
from telemetry_platform.stores.keys import key_states, known_epochs
from telemetry_platform.stores.warehouse import open_warehouse
from telemetry_platform.usecases import destroy_keys
from telemetry_platform.usecases.ensure_keys import load_key_ring
from telemetry_platform_tests.usecases import dumps
from telemetry_platform_tests.usecases.landing import audit_entry, entry, media_body, queue
from telemetry_platform_tests.usecases.old_keys import KEKS, actions, begin_at, rotate_at, with_keks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from telemetry_platform.embedded.platform import PlatformHandle
    from telemetry_platform.settings import KeySettings, Settings
    from telemetry_platform.stores.postgres import Connection

DAY = timedelta(days=1)
DOOMED = (Domain.ACTOR, 1)
USER = "u-42"


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def keys(module_platform: Settings, now: datetime) -> KeySettings:
    """Four epochs of actors, the first one closed 100 days ago, all under kek-a; no row under any of them."""
    settings = with_keks(module_platform.keys, "kek-a", "kek-b")
    began = now - 130 * DAY
    begin_at(module_platform, settings, began)
    with postgres.connect(module_platform.postgres) as conn:
        rotate_at(conn, settings, *(began + days * DAY for days in (28, 58, 88)))
    with open_warehouse(module_platform.clickhouse) as warehouse:
        warehouse.client.command("TRUNCATE TABLE analytics_events")
    return settings


@pytest.fixture
def conn(module_platform: Settings) -> Iterator[Connection]:
    with postgres.connect(module_platform.postgres) as connection:
        yield connection


def states(conn: Connection, now: datetime) -> dict[tuple[Domain, int], str]:
    return {(state.domain, state.epoch): state.word(now) for state in key_states(conn)}


def add_row(settings: Settings, actor_hash: str, epoch: int, at: datetime) -> None:
    with open_warehouse(settings.clickhouse) as warehouse:
        warehouse.client.command(
            "INSERT INTO analytics_events (event_id, occurred_at, org_id, actor_hash, key_epoch) VALUES "
            "(generateUUIDv4(), {at:DateTime64(3, 'UTC')}, 'clinic-1', {hash:String}, {epoch:UInt32})",
            {"at": at, "hash": actor_hash, "epoch": epoch},
        )


def hashes_at_rest(settings: Settings) -> set[str]:
    with open_warehouse(settings.clickhouse) as warehouse:
        return {str(row[0]) for row in warehouse.client.query("SELECT actor_hash FROM analytics_events")}


def look(conn: Connection, settings: Settings, now: datetime) -> destroy_keys.Outlook:
    return destroy_keys.outlook(conn, settings, now, log_comment="tests")


def test_e64_after_destruction_no_secret_and_no_older_dump_matches_a_row(  # noqa: PLR0913, PLR0917 - fixtures
    engines: PlatformHandle,
    module_platform: Settings,
    keys: KeySettings,
    conn: Connection,
    now: datetime,
    tmp_path: Path,
) -> None:
    row = load_key_ring(conn, keys).pseudonym(*DOOMED, USER)
    add_row(module_platform, row, 1, now - 110 * DAY)
    older = tmp_path / "older.dump"
    dumps.archive(engines, module_platform, older)
    stolen = hashes_at_rest(module_platform)
    assert row in stolen

    # Rows keep their key; when they have expired, it goes.
    seen = look(conn, module_platform, now)
    assert [(epoch.epoch, epoch.rows) for epoch in seen.due if epoch.domain is Domain.ACTOR] == [(1, 1), (2, 0), (3, 0)]
    assert DOOMED not in seen.doomed
    with open_warehouse(module_platform.clickhouse) as warehouse:
        warehouse.client.command("TRUNCATE TABLE analytics_events")
    told = len(actions(module_platform))
    doomed = look(conn, module_platform, now).doomed
    assert DOOMED in doomed
    destroy_keys.begin(conn, keys, doomed, now)
    destroy_keys.remove_bytes(conn, keys, now)
    new = with_keks(keys, "kek-b")
    assert set(destroy_keys.confirm(conn, new, "kek-a", by="somebody", now=now)) == set(doomed)
    assert {states(conn, now)[epoch] for epoch in doomed} == {"destroyed"}
    assert actions(module_platform)[told:] == ["key.destruction_begun", "key.bytes_removed", "key.destroyed"]
    assert live_epochs(load_key_ring(conn, new), Domain.ACTOR) == (4,)
    # Its number is known for ever: rows of a backup under it are no strangers, and no new key takes it.
    assert set(known_epochs(conn, Domain.ACTOR)) == {1, 2, 3, 4}

    with dumps.brought_back(engines, older, "telemetry_e64_restored") as restored:
        rested = restored.execute(
            "SELECT domain, epoch, wrapped, nonce FROM privacy.key_epochs ORDER BY domain, epoch"
        ).fetchall()
    secrets = current_secrets(engines, module_platform, new)
    assert not stolen & guesses(opened(rested, secrets), secrets)
    # The same attack with the old KEK finds the row: it looks at the right place.
    assert row in guesses(opened(rested, [base64.b64decode(KEKS["kek-a"])]), [])


def current_secrets(engines: PlatformHandle, settings: Settings, keys: KeySettings) -> list[bytes]:
    """All that whoever took over the installation today finds, as it stands there and decoded."""
    assert settings.api.token.secret is not None
    assert keys.kek is not None
    texts = [
        *engines.state.secrets().values(),
        settings.api.token.secret.get_secret_value(),
        settings.clickhouse.password.get_secret_value(),
        keys.kek.get_secret_value(),
        engines.state.kek_file.read_text(),
    ]
    plain = [text.strip().encode() for text in texts]
    return [*plain, *(base64.urlsafe_b64decode(text + b"=" * (-len(text) % 4)) for text in plain)]


def opened(rested: list[tuple[str, int, bytes, bytes]], secrets: list[bytes]) -> list[bytes]:
    """Keys that any secret opens: as it is, hashed, or cut, with any row's name as what it was wrapped with."""
    found = []
    for secret in secrets:
        for kek in {secret, hashlib.sha256(secret).digest(), secret[:32].ljust(32, b"\0")}:
            if len(kek) != 32:
                continue
            for domain, epoch, wrapped, nonce in rested:
                try:
                    found.append(AESGCM(kek).decrypt(bytes(nonce), bytes(wrapped), f"{domain}:{epoch}".encode()))
                except InvalidTag:
                    continue
    return found


def prefixed(text: str) -> bytes:
    return len(text.encode()).to_bytes(4, "big") + text.encode()


def guesses(keys: list[bytes], secrets: list[bytes]) -> set[str]:
    """Every pseudonym of the user that can be made of keys, of secrets, and of secrets with the dates of a year."""
    days = [f"{datetime(2026, 1, 1, tzinfo=UTC) + n * DAY:%Y-%m-%d}".encode() for n in range(365)]
    months = sorted({day[:7] + b"-01" for day in days})
    salts = [hmac.digest(secret, day, "sha256") for secret in secrets for day in (*days, *months)]
    message = prefixed("actor") + prefixed(USER)
    found = {hmac.digest(key, message, "sha256").hex() for key in (*keys, *secrets, *salts)}
    return found | {hashlib.sha256(salt + USER.encode()).hexdigest() for salt in (*keys, *secrets, *salts)}


def test_a_crash_between_the_steps_leaves_it_pending_and_the_next_call_goes_on(
    module_platform: Settings, keys: KeySettings, conn: Connection, now: datetime
) -> None:
    def broken(size: int) -> bytes:
        raise OSError(size)

    with pytest.raises(OSError, match="12"), postgres.connect(module_platform.postgres) as lost:
        destroy_keys.begin(lost, keys, [DOOMED], now, broken)
    assert states(conn, now)[DOOMED] == "closed"
    conn.commit()

    destroy_keys.begin(conn, keys, [DOOMED], now)
    assert states(conn, now)[DOOMED] == "destruction_pending"
    # Half-way, nobody uses it any more, whichever KEK he has.
    for settings in (keys, with_keks(keys, "kek-b")):
        assert 1 not in live_epochs(load_key_ring(conn, settings), Domain.ACTOR)
    with pytest.raises(PermanentError, match="still wrapped under kek-a"):
        destroy_keys.confirm(conn, with_keks(keys, "kek-b"), "kek-a", by="somebody", now=now)
    conn.rollback()

    assert destroy_keys.remove_bytes(conn, keys, now) == (DOOMED,)
    assert destroy_keys.remove_bytes(conn, keys, now) == ()
    assert states(conn, now)[DOOMED] == "destruction_pending"
    assert conn.execute(
        "SELECT wrapped, nonce FROM privacy.key_epochs WHERE domain = 'actor' AND epoch = 1"
    ).fetchone() == (None, None)
    with pytest.raises(ConfigurationError, match="kek-a is not destroyed: this command was given it"):
        destroy_keys.confirm(conn, keys, "kek-a", by="somebody", now=now)
    conn.rollback()
    assert look(conn, module_platform, now).pending[0].living_keks == ("kek-a",)
    assert destroy_keys.confirm(conn, with_keks(keys, "kek-b"), "kek-a", by="somebody", now=now) == (DOOMED,)
    with pytest.raises(PermanentError, match="its end was stated before"):
        destroy_keys.confirm(conn, with_keks(keys, "kek-b"), "kek-a", by="somebody", now=now)


def test_every_kek_that_ever_wrapped_a_key_must_end_before_it_is_beyond_reach(
    module_platform: Settings, keys: KeySettings, conn: Connection, now: datetime
) -> None:
    destroy_keys.begin(conn, keys, [(Domain.ACTOR, 2)], now)
    second = with_keks(keys, "kek-b", "kek-c")
    destroy_keys.begin(conn, second, [DOOMED], now)
    assert set(destroy_keys.remove_bytes(conn, second, now)) == {DOOMED, (Domain.ACTOR, 2)}
    third = with_keks(keys, "kek-c")
    # Older dumps hold epoch 1 under kek-a, too.
    assert destroy_keys.confirm(conn, third, "kek-b", by="somebody", now=now) == ()
    assert set(destroy_keys.confirm(conn, third, "kek-a", by="somebody", now=now)) == {DOOMED, (Domain.ACTOR, 2)}
    assert look(conn, module_platform, now).pending == ()


@pytest.mark.parametrize("epoch", [(Domain.ACTOR, 4), (Domain.SUBJECT, 1), (Domain.AUDIT_ACTOR, 1), (Domain.ACTOR, 9)])
def test_the_database_refuses_to_lose_a_key_that_is_needed(
    keys: KeySettings, conn: Connection, now: datetime, epoch: tuple[Domain, int]
) -> None:
    before = load_key_ring(conn, keys)
    with pytest.raises(PermanentError, match="may not be destroyed"):
        # Whatever the caller's clock says.
        destroy_keys.begin(conn, keys, [DOOMED, epoch], now + 9000 * DAY)
    conn.rollback()
    assert load_key_ring(conn, keys) == before


def test_dead_letters_and_entries_that_wait_keep_a_key_and_an_address_dies_by_the_calendar(
    platform: Settings, now: datetime
) -> None:
    keys = with_keks(platform.keys, "kek-a", "kek-b")
    began = now - 130 * DAY
    begin_at(platform, keys, began)
    with postgres.connect(platform.postgres) as conn:
        rotate_at(conn, keys, *(began + days * DAY for days in (28, 58, 88)))
        body = media_body("9f3a5a52-2b1a-4b86-8f0e-0a4a3a4d6f01", "heartbeat", now)
        queue(platform, [entry("media", body, now, "9f3a5a52-2b1a-4b86-8f0e-0a4a3a4d6f02"), audit_entry(1, now)])
        conn.execute(
            "INSERT INTO privacy.dead_letters (kind, stream, entry_id, batch_id, event_id, received_at, org_id, "
            "actor_hash, key_epoch, consent_level, reason, attempts, body, created_at, failed_at) VALUES "
            "('media', 's', '1-1', 'b', 'e', now(), 'clinic-1', %s, 2, 2, 'invalid_field', 1, '{}', now(), now())",
            ["a" * 64],
        )
        conn.commit()
        seen = look(conn, platform, now)
    assert {(epoch.domain, epoch.epoch): epoch.rows for epoch in seen.due} == {
        (Domain.ACTOR, 1): 1,
        (Domain.ACTOR, 2): 1,
        (Domain.ACTOR, 3): 0,
        (Domain.ADDRESS, 1): 0,
    }
    away = platform.model_copy(
        update={"clickhouse": platform.clickhouse.model_copy(update={"database": "no_such_database"})}
    )
    with postgres.connect(platform.postgres) as conn, pytest.raises(PermanentError, match="ClickHouse"):
        look(conn, away, now)
