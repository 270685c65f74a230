"""A platform in which everything happened that an archive is about, and archives with something changed in them."""

from __future__ import annotations

import json
import zipfile
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from telemetry_platform.contracts.evidence import MANIFEST, SIGNATURE, Period
from telemetry_platform.contracts.own_actions import TRAIL_READ
from telemetry_platform.contracts.pii import Domain
from telemetry_platform.contracts.trail_filters import Tenants
from telemetry_platform.stores import postgres
from telemetry_platform.stores.warehouse import open_warehouse
from telemetry_platform.usecases import destroy_keys
from telemetry_platform.usecases.checkpoint_trail import checkpoint
from telemetry_platform.usecases.evidence.make import Made, make
from telemetry_platform.usecases.own_actions import ActedBy, Requested
from telemetry_platform.usecases.read_trail import Reader, record_reading
from telemetry_platform.usecases.verify_audit import verify
from telemetry_platform_tests.stores.trail import Trail, entry
from telemetry_platform_tests.usecases.erased_person import ask, carry_out, ring_of, with_a_past
from telemetry_platform_tests.usecases.expiring import patient, put, run
from telemetry_platform_tests.usecases.holding import hold, release
from telemetry_platform_tests.usecases.landing import drain_all, just_now, media_body, queue, quick
from telemetry_platform_tests.usecases.landing import entry as landing_entry
from telemetry_platform_tests.usecases.old_keys import with_keks
from telemetry_platform_tests.usecases.test_anchor_trail import age

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from telemetry_platform.processing.signing import Signer
    from telemetry_platform.settings import Settings

ANA, READER, HELD = "ana popescu@example.com", "officer@example.com", "another person"
ORG = "clinic-1"


def lived(settings: Settings, trail: Trail) -> Settings:
    """Let it all happen; the settings of a process afterwards, whose key-encryption key is another one."""
    age(trail)
    settings = settings.model_copy(update={"keys": with_keks(settings.keys, "kek-a", "kek-b")})
    with_a_past(settings)
    settings = _destroy(settings)
    trail.append(
        entry(), entry(details='{"text": "of another system"}'), entry(action="audit.read", details='{"x": 1}')
    )
    # From here on a drain of its own writes.
    trail.give_lease(seconds=0)
    _erase(quick(settings))
    release(settings, hold(settings, HELD).hold.hold_id)
    with open_warehouse(settings.clickhouse) as warehouse:
        put(warehouse, "consent_drops", *[datetime.now(UTC)] * 3, kind="media", reason="consent_too_low")
    run(patient(settings), dry_run=True)
    run(patient(settings))
    _read(settings)
    see(settings)
    verify(settings, datetime.now(UTC))
    return settings


def _erase(settings: Settings) -> None:
    actor = ring_of(settings).pseudonym(Domain.ACTOR, 4, ANA)
    body = media_body(str(uuid4()), "heartbeat", just_now(), position_seconds=1.0)
    queue(settings, [landing_entry("media", body, just_now(), str(uuid4()), actor_hash=actor, key_epoch=4)])
    drain_all(settings)
    ask(settings, ANA)
    carry_out(settings)


def _destroy(settings: Settings) -> Settings:
    now, after = datetime.now(UTC), with_keks(settings.keys, "kek-b")
    with postgres.connect(settings.postgres) as conn:
        doomed = destroy_keys.outlook(conn, settings, now, log_comment="tests").doomed
        destroy_keys.begin(conn, settings.keys, doomed, now)
        destroy_keys.remove_bytes(conn, settings.keys, now)
        destroy_keys.confirm(conn, after, "kek-a", by="an operator", now=now)
    return settings.model_copy(update={"keys": after})


def _read(settings: Settings) -> None:
    reader = Reader(READER, ORG, Requested("GET", "/v1/audit/logs", 200))
    with postgres.connect(settings.postgres) as conn:
        told = {"filters": ["action"], "rows": 3, "until_seq": 20}
        record_reading(
            conn, ring_of(settings), TRAIL_READ, datetime.now(UTC), reader, tenants=Tenants(ORG), details=told
        )


def see(settings: Settings) -> None:
    """Sign where the trail ends."""
    checkpoint(settings, datetime.now(UTC))


def these_days() -> Period:
    """Yesterday to tomorrow: whatever a test did is in it, around midnight too."""
    today = datetime.now(UTC).date()
    return Period(today - timedelta(days=1), today + timedelta(days=1))


def made(settings: Settings, out: Path, period: Period | None = None) -> Made:
    """An archive."""
    return make(settings, period or these_days(), out, now=datetime.now(UTC), by=ActedBy("operator", "staff"))


def lines(path: Path, name: str) -> list[dict[str, Any]]:
    """The rows of one file."""
    with zipfile.ZipFile(path) as archive:
        return [json.loads(line) for line in archive.read(name).splitlines()]


def changed(
    path: Path,
    changes: Mapping[str, Callable[[bytes], bytes | None]],
    *,
    signer: Signer | None = None,
    manifest: Callable[[dict[str, Any]], None] = lambda _: None,
) -> Path:
    """A copy with files changed, added (an empty one is given), or removed (None).

    With a `signer`, whoever changed it has that key and made a manifest that fits, changed by `manifest`.
    """
    with zipfile.ZipFile(path) as archive:
        bodies: dict[str, bytes | None] = {name: archive.read(name) for name in archive.namelist()}
    for name, change in changes.items():
        bodies[name] = change(bodies.get(name) or b"")
    if signer is not None:
        document = json.loads(bodies[MANIFEST] or b"")
        document["key_id"] = signer.key_id
        document["files"] = [
            {
                "name": name,
                "sha256": sha256(body).hexdigest(),
                "size": len(body),
                "rows": body.count(b"\n") if name.endswith(".jsonl") else None,
            }
            for name, body in bodies.items()
            if body is not None and name not in {MANIFEST, SIGNATURE}
        ]
        manifest(document)
        bodies[MANIFEST] = json.dumps(document).encode()
        bodies[SIGNATURE] = signer.sign(bodies[MANIFEST] or b"")
    out = path.with_name(f"{uuid4().hex}.zip")
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, body in bodies.items():
            if body is not None:
                archive.writestr(name, body)
    return out
