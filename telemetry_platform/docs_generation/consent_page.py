"""docs/consent.md: what becomes of each kind of event at each level, by network and privacy signal.

The table is computed by the gate itself from the contracts; a test posts every row of it to the API.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from telemetry_platform.contracts.consent import ConsentLevel, DropReason
from telemetry_platform.contracts.registry import kinds
from telemetry_platform.docs_generation import markdown
from telemetry_platform.processing.gate import permission

if TYPE_CHECKING:
    from collections.abc import Iterator

    from telemetry_platform.contracts.event_kind import EventKind

_INTRODUCTION = """\
The level of a request is the lowest of what its header `X-Consent-Level` states, what the person decided (recorded
by `PUT /v1/privacy/consent`), and 2 where a privacy signal counts. Nothing raises it. The level that counted is
stored with every row, and every drop is counted by kind, level and reason in `consent_drops`, in `/metrics`
(`telemetry_consent_drops_total`) and on the asset of that table."""

_RULES = """\
- The header counts only as exactly one line of one ASCII digit from 0 to 3. Everything else is level 1, never an
  error: no header, two of them, `4`, `-1`, `+3`, ` 3`, `2.0`, `true`, `[2]`, `٣`.
- A decision is made by the person of the token, for nobody else, and never in the future; the newest counts,
  whatever order they arrive in; of two of one moment the lower. Without a decision the header alone counts. A
  decision speaks of purposes too, when it names them, and one that does not leaves them as they were; until the
  first that does, the token's claim `purposes` counts.
- `Sec-GPC: 1`, exactly, caps its own request at level 2. With a valid token it is also remembered as an opt-out of
  sale, and caps that person's later requests, from every browser, until they decide on level 3 after it. `Sec-GPC:
  0`, `true` and the like are nothing. `DNT` is no signal here: no law names it, and browsers have given it up.
  `/.well-known/gpc.json` says that the signal is honoured.
- A network on the exclusion list forces level 0 for the request, whoever asks, and is not remembered (a privacy
  signal that comes from there with a valid token is): security and audit records are kept and nothing else. Until a
  list has been loaded once, nothing but those two is taken (503).
- An event is judged once, by what is true when it is received. What was accepted before a withdrawal stays, and
  what a page that does not know of the withdrawal sends after it is dropped (`recorded_decision`), in every
  process: decisions lie in PostgreSQL, and in Redis as the copy that requests are judged by. While Redis does not
  hold the whole copy, no person is judged (503).
- Kinds whose consent is "not applicable" are posted by services about their own work, or belong to the trail; each
  has its legal basis in the [data dictionary](data-dictionary.md). The access record of a view is a part of the
  trail, written by the API itself, at every level.
- What no check can show afterwards: that a row obeyed a decision. A decision lies under the person's subject hash,
  a row under the actor's pseudonym, and nothing connects the two. The check `consent_is_respected` proves of each
  row that its own level allows it."""


@dataclass(frozen=True)
class Row:
    """One line of the truth table: a request, and what becomes of its event."""

    kind: str
    event: str
    """Type of the event; empty for kinds without types, and for all types that need the same."""
    level: ConsentLevel
    is_excluded: bool
    gpc: bool
    purposes: frozenset[str]
    kept_at: ConsentLevel | None
    """The level that is stored; None when it is dropped."""
    reason: DropReason | None


def rows() -> Iterator[Row]:
    """Every kind that is posted, at every level, from either network, with and without the signal."""
    for kind in kinds().values():
        if kind.endpoint is None:
            continue
        for event, purposes in product(_events(kind), _purposes(kind)):
            for excluded, gpc, level in product((False, True), (False, True), ConsentLevel):
                allowed = permission(level, gpc=gpc, excluded=excluded, purposes=purposes)
                reason = allowed.refusal(kind.needs(event), kind.purpose, is_kept_always=kind.is_kept_always)
                kept = allowed.level if reason is None else None
                yield Row(kind.name, event, level, excluded, gpc, purposes, kept, reason)


def _events(kind: EventKind) -> tuple[str, ...]:
    """One type for each level that types of this kind need."""
    needed: dict[ConsentLevel | None, str] = {kind.needs(""): ""}
    needed |= {level: event for event, level in kind.consent_of.items()}
    return tuple(needed.values())


def _purposes(kind: EventKind) -> tuple[frozenset[str], ...]:
    return (frozenset(),) if kind.purpose is None else (frozenset({kind.purpose}), frozenset())


def render() -> str:
    """The page."""
    table = markdown.table(
        ("kind", "network", "Sec-GPC", *(f"level {int(level)}" for level in ConsentLevel)), _lines(list(rows()))
    )
    return markdown.page("Consent", _INTRODUCTION, ("## Rules", _RULES, "## Truth table", _LEGEND, table))


_LEGEND = """\
A number is the level that the row is stored with; a word is the reason of the drop. "n/a": consent is not applicable,
the event is kept. Levels are what the header states, of a person who never decided anything."""


def _lines(found: list[Row]) -> Iterator[tuple[str, ...]]:
    width = len(ConsentLevel)
    for start in range(0, len(found), width):
        line = found[start : start + width]
        first = line[0]
        network, gpc = "excluded" if first.is_excluded else "any", "1" if first.gpc else ""
        yield (_name(first), network, gpc, *map(_verdict, line))


def _name(row: Row) -> str:
    purpose = kinds()[row.kind].purpose
    name = f"{row.kind}, {row.event}" if row.event else row.kind
    if purpose is None:
        return name
    return f"{name}, {'with' if purpose in row.purposes else 'without'} the purpose `{purpose}`"


def _verdict(row: Row) -> str:
    if row.reason is not None:
        return f"`{row.reason.value}`"
    return "n/a" if kinds()[row.kind].consent is None else str(int(row.kept_at or 0))
