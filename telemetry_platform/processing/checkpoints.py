"""Checkpoints as they rest: one line of JSON each, signed; and whether a row of them is unbroken."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import orjson

from telemetry_platform.contracts.audit_chain import GENESIS, Anchor, Checkpoint
from telemetry_platform.processing.audit_chain import anchor_form, checkpoint_digest, checkpoint_form

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from telemetry_platform.processing.signing import PublicKey, Signer


class CheckpointError(Exception):
    """A checkpoint that cannot be believed; the message says which and why."""


@dataclass(frozen=True)
class Follows:
    """Where the next checkpoint must go on: its number, and the digest of the one before."""

    number: int = 1
    previous: str = GENESIS


def signed(checkpoint: Checkpoint, signer: Signer) -> Checkpoint:
    """The checkpoint under this key."""
    named = replace(checkpoint, key_id=signer.key_id)
    return replace(named, signature=signer.sign(checkpoint_form(named)))


def signed_anchor(anchor: Anchor, signer: Signer) -> Anchor:
    """The anchor under this key."""
    named = replace(anchor, key_id=signer.key_id)
    return replace(named, signature=signer.sign(anchor_form(named)))


def is_signed_anchor(anchor: Anchor, keys: Mapping[str, PublicKey]) -> bool:
    """Whether a key that counts has signed it."""
    key = keys.get(anchor.key_id)
    return key is not None and key.has_signed(anchor_form(anchor), anchor.signature)


def write_checkpoint(checkpoint: Checkpoint) -> bytes:
    """One line."""
    return orjson.dumps(
        {
            "number": checkpoint.number,
            "previous": checkpoint.previous,
            "seq": checkpoint.seq,
            "head_hash": checkpoint.head_hash,
            "count": checkpoint.count,
            "taken_at": checkpoint.taken_at.astimezone(UTC).isoformat(),
            "resumes_at": checkpoint.resumes_at,
            "key_id": checkpoint.key_id,
            "signature": base64.b64encode(checkpoint.signature).decode(),
        }
    )


def read_checkpoint(line: bytes) -> Checkpoint:
    """A line as it was written. Raises CheckpointError for anything else."""
    try:
        found = orjson.loads(line)
        taken_at = datetime.fromisoformat(found["taken_at"])
        if taken_at.tzinfo is None:
            raise CheckpointError("a file among the checkpoints is none")
        return Checkpoint(
            int(found["number"]),
            str(found["previous"]),
            int(found["seq"]),
            str(found["head_hash"]),
            int(found["count"]),
            taken_at,
            str(found["key_id"]),
            base64.b64decode(found["signature"], validate=True),
            None if found["resumes_at"] is None else int(found["resumes_at"]),
        )
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, binascii.Error):
        raise CheckpointError("a file among the checkpoints is none") from None


def verified(
    checkpoints: Iterable[Checkpoint], keys: Mapping[str, PublicKey], after: Follows | None = None
) -> Iterator[Checkpoint]:
    """The checkpoints, one by one, as long as they can be believed.

    Raises CheckpointError at one that no key that counts has signed, whose number or predecessor is not the one that
    must come, or that goes back in the trail. `after` None: the first one is taken as it is.
    """
    expected, seq = after, 0
    for one in checkpoints:
        skips = one.resumes_at is not None and expected is not None and one.number > expected.number
        if expected is not None and one.number != expected.number and not skips:
            raise CheckpointError(f"checkpoint {expected.number} is missing")
        if expected is not None and one.previous != expected.previous:
            raise CheckpointError(f"checkpoint {one.number} does not follow the one before it")
        key = keys.get(one.key_id)
        if key is None:
            raise CheckpointError(f"checkpoint {one.number} is signed by an unknown key, {one.key_id}")
        if not key.has_signed(checkpoint_form(one), one.signature):
            raise CheckpointError(f"checkpoint {one.number} is not what was signed")
        if one.seq < seq and one.resumes_at is None:
            raise CheckpointError(f"checkpoint {one.number} goes back in the trail")
        expected, seq = Follows(one.number + 1, checkpoint_digest(one)), one.seq
        yield one


@dataclass(frozen=True)
class Resumption:
    """After a restore the trail went on from a place: checkpoints up to this one saw rows behind it that are lost."""

    number: int
    resumes_at: int


def is_superseded(checkpoint: Checkpoint, resumptions: Iterable[Resumption]) -> bool:
    """Whether what the checkpoint saw is lost by a restore that somebody stated, and cannot be looked at any more."""
    return any(one.number > checkpoint.number and checkpoint.seq > one.resumes_at for one in resumptions)
