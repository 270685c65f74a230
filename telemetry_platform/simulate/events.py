"""An event on its way, the request that carries it, and what must rest of it.

Invariant: what must rest is said here in the simulator's own words, by whoever tells the event; nothing of it is
computed by the code that it judges.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID


@dataclass(frozen=True)
class Row:
    """What the stored row of an event must say.

    `columns` are values. `alike` are columns whose value nobody can foretell (pseudonyms, fingerprints): `scope:name`
    says that rows with the same name hold the same value, and no row with another name of the scope holds it.
    """

    columns: Mapping[str, Any] = field(default_factory=dict)
    alike: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Outgoing:
    """One event on its way. `key` is its identity within its sender's story; two copies share it.

    `event` is its type, as drops are counted by. `data` is what it says on the wire beside the envelope. `rows` are the
    rows that it leaves, by kind: a player's error leaves two. `drop` is why its consent does not suffice. `broken`
    names what is wrong with it (see `wire.BREAKAGES`). `fate` is what must become of it, known when the order of
    sending is.
    """

    kind: str
    key: str
    event: str
    org_id: str
    at: datetime
    data: Mapping[str, Any]
    level: int
    event_id: UUID | None = None
    session_id: UUID | None = None
    media_id: str = ""
    rows: Mapping[str, Row] = field(default_factory=dict)
    drop: str = ""
    derives_id: bool = False
    broken: str | None = None
    is_too_late: bool = False
    contradicts: bool = False
    fate: str = ""

    @property
    def is_recognised(self) -> bool:
        """Whether a copy is known for one: without an id, given or derived, each copy is an event of its own."""
        return self.event_id is not None or self.derives_id


@dataclass(frozen=True)
class Request:
    """One HTTP request: when it leaves (by a right clock) and what is in it, all of one kind."""

    send_at: datetime
    session_number: int
    events: tuple[Outgoing, ...]
    is_single: bool = False
    has_token: bool = True

    @property
    def kind(self) -> str:
        """The kind of its events."""
        return self.events[0].kind
