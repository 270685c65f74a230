"""Marks: values that nobody else has, in the shapes of personal data, each with where it may stay.

Invariant: a mark is new in every run, so that what is found was sent by this run. What a contract keeps as it is (a
session's id, the tenant) may stay in the columns of that name and nowhere else; everything else must vanish.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING
from uuid import UUID

from telemetry_platform.contracts.event_kind import Store
from telemetry_platform.contracts.pii import Kept
from telemetry_platform.contracts.registry import tables

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Mark:
    """One value: `where` it was sent, `spellings` of it that are looked for, and where it may stay.

    Places are `store table.column`, where `*` stands for anything.
    """

    where: str
    spellings: tuple[str, ...] = field(repr=False)
    may_stay: tuple[str, ...] = ()

    def may_be_in(self, place: str) -> bool:
        """Whether that place is one of its own."""
        return any(fnmatchcase(place, pattern) for pattern in self.may_stay)


def kept_as(column: str, *also: str) -> tuple[str, ...]:
    """Places of a value that contracts keep as it is, under this column's name."""
    words = {Store.CLICKHOUSE: "ClickHouse", Store.POSTGRES: "PostgreSQL"}
    found = [
        f"{words[table.store]} *.{table.name}.{column}"
        for table in tables().values()
        for carried in table.carried
        if carried.name == column and isinstance(carried.treatment, Kept)
    ]
    # What the planner remembers of a column's most common values.
    return (*found, *also, "PostgreSQL *.pg_catalog.pg_statistic.*")


@dataclass
class Marks:
    """All marks of a run; `random` gives that many random bytes."""

    random: Callable[[int], bytes]
    made: list[Mark] = field(default_factory=list)

    def add(self, where: str, *spellings: str, may_stay: tuple[str, ...] = ()) -> None:
        """Look for a value that somebody else made."""
        self.made.append(Mark(where, spellings, may_stay))

    def token(self, where: str) -> str:
        """A word: what makes any text unique."""
        return self._one(where, f"c{self._hex(8)}")

    def user_id(self, where: str) -> str:
        """Of a person, a medium, a team."""
        return self._one(where, f"u-{self._hex(8)}")

    def email(self, where: str) -> str:
        """Its name is looked for, too."""
        name = f"maria.c{self._hex(8)}"
        self.add(where, f"{name}@example.org", name)
        return f"{name}@example.org"

    def ipv4(self, where: str) -> str:
        """Of the range for benchmarks, which nobody has; three digits at its end, so that none is part of another."""
        second, third, fourth = self.random(3)
        return self._one(where, f"198.{18 + second % 2}.{100 + third % 156}.{100 + fourth % 155}")

    def ipv6(self, where: str) -> str:
        """Of the range for documentation; its last 80 bits are what must vanish."""
        return self._one(where, "2001:db8:" + ":".join(f"{0x1000 | part:x}" for part in self._parts(6)))

    def phone(self, where: str) -> str:
        """With spaces, as people write it, looked for without them, too."""
        digits = "".join(str(byte % 10) for byte in self.random(9))
        spaced = f"+40 7{digits[:2]} {digits[2:5]} {digits[5:]}"
        self.add(where, spaced, spaced.replace(" ", ""))
        return spaced

    def uuid(self, where: str, *may_stay: str) -> str:
        """Of a session or an event."""
        text = str(UUID(bytes=self.random(16), version=4))
        self.add(where, text, text.replace("-", ""), may_stay=may_stay)
        return text

    def _one(self, where: str, value: str) -> str:
        self.add(where, value)
        return value

    def _hex(self, size: int) -> str:
        return self.random(size).hex()

    def _parts(self, count: int) -> list[int]:
        raw = self.random(2 * count)
        return [int.from_bytes(raw[2 * place : 2 * place + 2]) & 0xEFFF for place in range(count)]
