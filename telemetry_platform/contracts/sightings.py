"""What the API itself sees at its doors and tells security: each sort of sighting with its type and how bad it is.

Invariants: a sighting says what was refused or noticed, never what was sent: `details` has the keys listed here and no
others. It belongs to a person only where their token was verified; what a refused token claims is nobody's word.
"""

from __future__ import annotations

from dataclasses import dataclass

DETECTED = "attack.detected"
"""The type of the security events that detection makes of sightings and of what services post."""

DETAILS = frozenset({"count", "last_at", "status", "token"})
"""How many of a sort one entry stands for and when the last of them was seen, the status of the answer, and a keyed
fingerprint of a verified token, whose key is of the day and in Redis only."""


@dataclass(frozen=True)
class Sighting:
    """One sort: the event's type and severity."""

    type: str
    severity: str
    description: str


AUTH_REFUSED = Sighting("auth.refused", "low", "401: no bearer token, or one that is not valid here")
TOKEN_EXPIRED = Sighting("token.expired", "info", "401: the token was valid once; mostly a page that was left open")
SIGNATURE_INVALID = Sighting(
    "token.signature_invalid", "medium", "401: the token was signed by another key, or its algorithm is not the key's"
)
ACCESS_REFUSED = Sighting("access.refused", "low", "403: the verified token has no role that may ask this")
RATE_LIMITED = Sighting("rate.limited", "low", "429: more without a valid token than the limits of the address allow")
INGEST_BUSY = Sighting("ingest.busy", "info", "somebody with a verified token sent very many requests within seconds")
DATA_EXPORTED = Sighting(
    "data.exported", "info", "somebody took records out: an export of the trail, the rows held about a person"
)
TOKEN_ELSEWHERE = Sighting(
    "token.elsewhere", "info", "a verified token was used from a second network: one event for each of the networks"
)


def sightings() -> tuple[Sighting, ...]:
    """All of them."""
    return tuple(value for value in globals().values() if isinstance(value, Sighting))
