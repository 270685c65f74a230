"""What somebody learns who has a dump of everything and not the key-encryption key: who is who, of nobody."""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pyarrow as pa

from telemetry_platform.contracts.pii import Domain
from telemetry_platform.stores import postgres
from telemetry_platform.stores.warehouse import open_warehouse
from telemetry_platform.usecases.ensure_keys import load_key_ring
from telemetry_platform_tests.usecases import dumps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from telemetry_platform.embedded.platform import PlatformHandle
    from telemetry_platform.processing.pseudonyms import KeyRing
    from telemetry_platform.settings import Settings

USERS = [str(number) for number in range(1, 10_001)]
NOW = datetime.now(UTC)
_HASH = re.compile(r"\b(?:[0-9a-f]{64}|[0-9a-f]{40}|[0-9a-f]{32})\b")
_BYTES = re.compile(rb"\\\\x([0-9a-f]{2,})")


def store_everybody(settings: Settings, ring: KeyRing) -> None:
    """One row of each user where pseudonyms of persons rest: events, and what is remembered of them."""
    actors = [ring.pseudonym(Domain.ACTOR, 1, user) for user in USERS]
    rows = pa.table(
        {
            "occurred_at": pa.array([NOW] * len(USERS), pa.timestamp("ms", "UTC")),
            "org_id": pa.array(["clinic-1"] * len(USERS)),
            "actor_hash": pa.array(actors),
            "key_epoch": pa.array([1] * len(USERS), pa.uint32()),
        }
    )
    with open_warehouse(settings.clickhouse) as warehouse:
        warehouse.client.insert_arrow("analytics_events", rows)
    subjects = [ring.pseudonym(Domain.SUBJECT, 1, user) for user in USERS]
    with postgres.connect(settings.postgres) as conn:
        conn.execute(
            "INSERT INTO privacy.subjects (org_id, subject_hash, opted_out_at, changed_at, last_used_on) "
            "SELECT 'clinic-1', hash, now(), now(), current_date FROM unnest(%s::text[]) AS hash",
            [subjects],
        )


def test_e65_a_dump_without_the_kek_matches_none_of_ten_thousand_ids(
    engines: PlatformHandle, platform: Settings
) -> None:
    with postgres.connect(platform.postgres) as conn:
        ring = load_key_ring(conn, platform.keys)
    store_everybody(platform, ring)
    dump = dumps.pg_dump(engines, platform)
    stolen = set(_HASH.findall(dump.decode("utf-8", "replace") + dumps.all_of_clickhouse(platform)))
    assert len(stolen) >= 2 * len(USERS)
    salts = {bytes.fromhex(found.decode()) for found in _BYTES.findall(dump) if len(found) % 2 == 0}
    # Six keys with their nonces, and what tells the KEK by: the attacker has all that the tables of keys say.
    assert len(salts) >= 13
    names = [b"", b"kek-1", b"clinic-1", b"actor", b"1", b"actor:1", NOW.strftime("%Y-%m-%d").encode()]

    assert sum(1 for found in attack(names, salts) if found in stolen) == 0

    # With the keys the same search finds everybody, in both stores: it would have seen a match.
    keys = {epoch.key for epoch in ring.epochs}
    assert len({found for found in attack([], keys) if found in stolen}) == 2 * len(USERS)


def attack(names: Iterable[bytes], secrets: Iterable[bytes]) -> Iterable[str]:
    """Hashes of all ids, by every way that needs no key but what lies in the dump."""
    plain: tuple[Callable[[bytes], str], ...] = (
        lambda text: hashlib.sha256(text).hexdigest(),
        lambda text: hashlib.md5(text, usedforsecurity=False).hexdigest(),
        lambda text: hashlib.sha1(text, usedforsecurity=False).hexdigest(),
    )
    framed = [len(domain).to_bytes(4, "big") + domain for domain in (b"actor", b"subject")]
    salts = [*names, *secrets]
    for user in USERS:
        text = user.encode()
        messages = [text, *(start + len(text).to_bytes(4, "big") + text for start in framed)]
        for salt in salts:
            for digest in plain:
                yield digest(salt + text)
            yield hashlib.sha256(text + salt).hexdigest()
        for secret in secrets:
            for message in messages:
                yield hmac.digest(secret, message, "sha256").hex()
                # A key of 48 bytes is 32 and a tag.
                yield hmac.digest(secret[:32], message, "sha256").hex()
