"""What the platform does itself and says so in the audit trail: each action with the closed set of what it may tell.

Invariant: a detail is a count, a name of ours, a date or a random reference; never an id of a person, raw or hashed. An
action that is not listed here cannot be recorded.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class OwnAction:
    """One action: its name in the trail, the kind of thing that it is done to, and the keys that `details` may have."""

    name: str
    resource_type: str
    description: str
    details: frozenset[str] = frozenset()


KEY_ROTATED = OwnAction(
    "key.rotated",
    "key",
    "An epoch was added to a domain, to be active later.",
    frozenset({"domain", "epoch", "kek_id"}),
)
KEK_ROTATED = OwnAction(
    "kek.rotated", "kek", "All surviving keys were wrapped under a new KEK.", frozenset({"kek_id", "previous", "keys"})
)
KEY_DESTRUCTION_BEGUN = OwnAction(
    "key.destruction_begun",
    "key",
    "Step 1 of 3: the surviving keys were wrapped under a new KEK, those of the doomed epochs were not.",
    frozenset({"epochs", "kek_id", "previous", "why"}),
)
KEY_BYTES_REMOVED = OwnAction(
    "key.bytes_removed",
    "key",
    "Step 2 of 3: the wrapped bytes of the doomed epochs were removed.",
    frozenset({"epochs"}),
)
KEY_DESTROYED = OwnAction(
    "key.destroyed",
    "key",
    "Step 3 of 3: somebody stated that the old KEK is destroyed wherever it was kept.",
    frozenset({"epochs", "previous"}),
)
CONSENT_DECIDED = OwnAction(
    "consent.decided",
    "consent",
    "A person decided what they agree to, or a privacy signal of theirs was remembered.",
    frozenset({"level", "purposes", "decided_at", "source"}),
)
EXCLUSIONS_SYNCED = OwnAction(
    "exclusions.synced",
    "privacy_exclusions",
    "The list of excluded networks was exchanged, or a new one was refused.",
    frozenset({"mode", "status", "added", "withdrawn", "active", "accept_shrink"}),
)
ERASURE_REQUESTED = OwnAction(
    "erasure.requested",
    "erasure",
    "An erasure was asked for; the tombstone stands.",
    frozenset({"erasure_id", "status"}),
)
ERASURE_CERTIFIED = OwnAction(
    "erasure.certified",
    "erasure",
    "An erasure came to its end and has its certificate.",
    frozenset({"erasure_id", "status", "erased", "unlinked", "survivors"}),
)
ACCESS_REPORTED = OwnAction(
    "access.reported",
    "person",
    "Somebody was shown what is held about a person (right of access).",
    frozenset({"tables", "rows"}),
)
RESTORE_CHECKED = OwnAction(
    "restore.checked",
    "database",
    "Tombstones were applied again to restored data.",
    frozenset({"tombstones", "erased", "accept_lost"}),
)
CANARY_RUN = OwnAction(
    "canary.run",
    "installation",
    "Marks were sent through and looked for at rest.",
    frozenset({"marks", "hits", "planted"}),
)


def own_actions() -> tuple[OwnAction, ...]:
    """All of them."""
    return tuple(value for value in globals().values() if isinstance(value, OwnAction))
