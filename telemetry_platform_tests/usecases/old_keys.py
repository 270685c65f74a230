"""Keys with a past: fresh databases whose first epochs began long ago, and key-encryption keys to change between."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from pydantic import SecretStr

from telemetry_platform.stores import postgres
from telemetry_platform.usecases.ensure_keys import ensure_keys
from telemetry_platform.usecases.rotate_keys import rotate

if TYPE_CHECKING:
    from datetime import datetime

    from telemetry_platform.settings import KeySettings, Settings
    from telemetry_platform.stores.postgres import Connection

KEKS = {f"kek-{letter}": base64.b64encode(letter.encode() * 32).decode() for letter in "abcdef"}


def with_keks(keys: KeySettings, current: str, following: str | None = None) -> KeySettings:
    """The settings of a process that was given these."""
    return keys.model_copy(
        update={
            "kek_file": None,
            "kek": SecretStr(KEKS[current]),
            "kek_id": current,
            "next_kek_file": None,
            "next_kek": None if following is None else SecretStr(KEKS[following]),
            "next_kek_id": following,
        }
    )


def begin_at(settings: Settings, keys: KeySettings, began: datetime) -> None:
    """Forget the keys that there are; every domain's first epoch begins then."""
    assert settings.postgres.owner_url is not None
    with postgres.connect(settings.postgres.owner_url.get_secret_value()) as owner:
        owner.execute("DELETE FROM privacy.key_epochs")
        owner.execute("DELETE FROM privacy.keks")
    with postgres.connect(settings.postgres) as conn:
        ensure_keys(conn, keys, began)


def rotate_at(conn: Connection, keys: KeySettings, *moments: datetime) -> None:
    for moment in moments:
        rotate(conn, keys, moment)


def actions(settings: Settings) -> list[str]:
    """What the trail says of keys, oldest first."""
    assert settings.postgres.read_url is not None
    with postgres.connect(settings.postgres.read_url.get_secret_value()) as conn:
        rows = conn.execute(
            "SELECT action FROM audit.audit_logs WHERE action LIKE 'key.%' OR action LIKE 'kek.%' ORDER BY seq"
        )
        return [action for (action,) in rows.fetchall()]
