"""Pseudonym keys: made once, wrapped at rest, and never used when they may be out of date."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from telemetry_platform.contracts.consent import ConsentLevel
from telemetry_platform.contracts.pii import Domain
from telemetry_platform.errors import ConfigurationError, PermanentError, StaleKeysError
from telemetry_platform.stores import postgres, subjects
from telemetry_platform.stores.warehouse import open_warehouse
from telemetry_platform.usecases.ensure_keys import KeysReport, ensure_keys, load_key_ring
from telemetry_platform.usecases.first_keys import first_keys
from telemetry_platform.usecases.key_list import KeyList

if TYPE_CHECKING:
    from telemetry_platform.settings import Settings

NOW = datetime(2026, 2, 17, 10, tzinfo=UTC)


def test_keys_are_made_once(module_platform: Settings) -> None:
    with postgres.connect(module_platform.postgres) as connection:
        before = load_key_ring(connection, module_platform.keys)
        assert ensure_keys(connection, module_platform.keys, NOW) == KeysReport(len(Domain), 0)
        assert load_key_ring(connection, module_platform.keys) == before


def test_lost_keys_are_not_made_anew_where_rows_have_pseudonyms(platform: Settings) -> None:
    def lose_all() -> None:
        assert platform.postgres.owner_url is not None
        with postgres.connect(platform.postgres.owner_url.get_secret_value()) as owner:
            owner.execute("DELETE FROM privacy.key_epochs")
            owner.execute("DELETE FROM privacy.keks")

    lose_all()
    assert first_keys(platform, NOW, log_comment="tests") == KeysReport(len(Domain), len(Domain))
    assert first_keys(platform, NOW, log_comment="tests") == KeysReport(len(Domain), 0)
    with open_warehouse(platform.clickhouse) as warehouse:
        warehouse.client.command(
            "INSERT INTO staff_metrics (event_id, occurred_at, org_id, actor_hash, key_epoch) "
            "VALUES (generateUUIDv4(), now64(3), 'clinic-1', repeat('a', 64), 1)"
        )
    assert first_keys(platform, NOW, log_comment="tests") == KeysReport(len(Domain), 0)
    lose_all()
    with pytest.raises(PermanentError, match="1 under actor epoch 1"):
        first_keys(platform, NOW, log_comment="tests")


@pytest.mark.parametrize("domain", ["subject", "actor"])
def test_keys_of_some_domains_that_were_lost_are_not_made_anew(platform: Settings, domain: str) -> None:
    assert platform.postgres.owner_url is not None
    with postgres.connect(platform.postgres.owner_url.get_secret_value()) as owner:
        owner.execute("DELETE FROM privacy.key_epochs WHERE domain = %s", (domain,))
    with pytest.raises(PermanentError, match=f"none of {domain}"):
        first_keys(platform, NOW, log_comment="tests")


def test_who_has_decided_is_made_no_stranger(platform: Settings) -> None:
    with postgres.connect(platform.postgres) as connection:
        subjects.decide(connection, "clinic-1", "a" * 64, ConsentLevel.ESSENTIAL, None, 1_000, NOW)
    assert platform.postgres.owner_url is not None
    with postgres.connect(platform.postgres.owner_url.get_secret_value()) as owner:
        owner.execute("DELETE FROM privacy.key_epochs")
        owner.execute("DELETE FROM privacy.keks")
    with pytest.raises(PermanentError, match="1 persons have decided"):
        first_keys(platform, NOW, log_comment="tests")


def test_e65_a_dump_of_the_table_holds_no_key(module_platform: Settings) -> None:
    with postgres.connect(module_platform.postgres) as connection:
        ring = load_key_ring(connection, module_platform.keys)
        dump = connection.execute("SELECT wrapped, nonce FROM privacy.key_epochs").fetchall()
    for epoch in ring.epochs:
        assert all(epoch.key not in bytes(part) for row in dump for part in row)


def test_another_kek_is_refused_by_its_settings_name(module_platform: Settings) -> None:
    other = SecretStr(base64.b64encode(b"o" * 32).decode())
    wrong = module_platform.keys.model_copy(update={"kek": other, "kek_file": None})
    missing = module_platform.keys.model_copy(update={"kek": None, "kek_file": None})
    with postgres.connect(module_platform.postgres) as connection:
        for settings in (wrong, missing):
            with pytest.raises(ConfigurationError, match="TELEMETRY_KEYS__KEK"):
                load_key_ring(connection, settings)


def test_a_list_that_is_too_old_is_not_used(module_platform: Settings) -> None:
    now = 100.0
    keys = KeyList(module_platform.postgres, module_platform.keys, lambda: now)
    with pytest.raises(StaleKeysError):
        keys.ring()
    keys.refresh()
    ring = keys.ring()
    now += module_platform.keys.max_age_seconds + 1
    with pytest.raises(StaleKeysError):
        keys.ring()
    keys.refresh()
    assert keys.ring() is ring
