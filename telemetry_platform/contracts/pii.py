"""Field treatments: what must happen to a value before it leaves the API process.

Every field of a payload carries exactly one treatment. A field without one does not load (see `columns.py`), so that
nobody can add a field and forget to decide.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Domain(StrEnum):
    """Key domain of a pseudonym: HMAC-SHA-256 over length-prefixed (domain, id) with a key of (domain, epoch)."""

    ACTOR = "actor"
    AUDIT_ACTOR = "audit_actor"
    SUBJECT = "subject"
    MEDIA = "media"
    RESOURCE = "resource"
    ADDRESS = "address"


ROTATING_DOMAINS = frozenset({Domain.ACTOR, Domain.AUDIT_ACTOR, Domain.ADDRESS})
"""Domains with an epoch; the others have one key for ever, under epoch 1."""


@dataclass(frozen=True)
class Kept:
    """Stored as it came, after validation: the value cannot identify a person."""


@dataclass(frozen=True)
class KeptBeside(Kept):
    """Kept as it came, but in no column of the event's table: it says how the event came, and of whom nothing."""


@dataclass(frozen=True)
class Hashed:
    """Replaced by its pseudonym (64 hex), whatever it looks like."""

    domain: Domain


@dataclass(frozen=True)
class Scrubbed:
    """Free text: e-mails, addresses, tokens, phone numbers and long ids are replaced before anything else sees it."""


@dataclass(frozen=True)
class PathReduced:
    """A URL or path: only allow-listed segments stay, the others become `:x`; no query, no fragment."""


@dataclass(frozen=True)
class NotStored:
    """Used while the request is processed (clock correction, device hints) and then forgotten."""


Treatment = Kept | Hashed | Scrubbed | PathReduced | NotStored
