"""The manifest of an evidence archive as bytes, which are signed as they are, and back.

Invariant: what is read back is checked as what came from outside: the signature is looked at before anything that the
manifest says is believed, and its bytes, not what was read of them, are what the signature is over.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

import orjson
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from telemetry_platform.contracts import evidence
from telemetry_platform.contracts.audit_chain import Position
from telemetry_platform.contracts.evidence import Entry, Manifest, Stretch, period
from telemetry_platform.contracts.retention_runs import ChainState
from telemetry_platform.errors import ContractViolationError
from telemetry_platform.processing.trail_rows import rfc3339

_Hash = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
_Count = Annotated[int, Field(ge=0)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class _Place(_Part):
    seq: _Count
    row_hash: _Hash | Literal[""]

    def position(self) -> Position:
        return Position(self.seq, self.row_hash)


class _Stretch(_Part):
    start: _Place
    end: _Place
    unseen: _Count


class _Runs(_Part):
    first_number: _Count
    first_prev_hash: _Hash
    last_number: _Count
    last_hash: _Hash


class _Period(_Part):
    first_day: date
    last_day: date
    begins: AwareDatetime
    ends: AwareDatetime


class _File(_Part):
    name: str
    sha256: _Hash
    size: _Count
    rows: _Count | None


class _Manifest(_Part):
    format: Literal["telemetry-evidence/1"]
    archive_id: str
    period: _Period
    generated_at: AwareDatetime
    platform_version: str
    key_id: str
    trail_head: _Place
    newest_checkpoint: dict[str, Any] | None
    trail: _Stretch | None
    retention: _Runs | None
    red: list[str]
    files: list[_File]


def write(manifest: Manifest) -> bytes:
    """The file `manifest.json`."""
    stretch, runs = manifest.stretch, manifest.runs
    document = {
        "format": evidence.FORMAT,
        "archive_id": manifest.archive_id,
        "period": {
            "first_day": manifest.period.first_day,
            "last_day": manifest.period.last_day,
            "begins": rfc3339(manifest.period.begins),
            "ends": rfc3339(manifest.period.ends),
        },
        "generated_at": rfc3339(manifest.generated_at),
        "platform_version": manifest.platform_version,
        "key_id": manifest.key_id,
        "trail_head": _place(manifest.trail_head),
        "newest_checkpoint": manifest.newest_checkpoint,
        "trail": stretch and {"start": _place(stretch.start), "end": _place(stretch.end), "unseen": stretch.unseen},
        "retention": runs,
        "red": list(manifest.red),
        "files": manifest.files,
    }
    return orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def read(body: bytes) -> Manifest:
    """What a manifest says. Raises ContractViolationError for one that this release cannot read."""
    try:
        found = _Manifest.model_validate_json(body)
    except ValidationError as error:
        where = ".".join(map(str, error.errors(include_input=False)[0]["loc"]))
        raise ContractViolationError(
            f"{evidence.MANIFEST} is no manifest of the format {evidence.FORMAT} ({where or 'no JSON'})"
        ) from None
    trail, runs = found.trail, found.retention
    return Manifest(
        archive_id=found.archive_id,
        period=period(found.period.first_day, found.period.last_day),
        generated_at=found.generated_at,
        platform_version=found.platform_version,
        key_id=found.key_id,
        trail_head=found.trail_head.position(),
        newest_checkpoint=found.newest_checkpoint,
        stretch=None if trail is None else Stretch(trail.start.position(), trail.end.position(), trail.unseen),
        runs=None if runs is None else ChainState(**runs.model_dump()),
        red=tuple(found.red),
        files=tuple(Entry(**file.model_dump()) for file in found.files),
    )


def _place(position: Position) -> dict[str, Any]:
    return {"seq": position.seq, "row_hash": position.row_hash}


def key_id_of(body: bytes) -> str:
    """The key that a manifest says it is signed by, before anything else of it is believed; empty when it says none."""
    try:
        found = orjson.loads(body)["key_id"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return ""
    return found if isinstance(found, str) and found.isalnum() else ""
