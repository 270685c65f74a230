"""The certificate of an erasure: what was erased, what is kept and why, and what is out of reach; JSON, and to read.

Invariant: counts, epochs, dates and a random reference: never an id, never a pseudonym. What could not be counted makes
no certificate.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from telemetry_platform.contracts.held import places
from telemetry_platform.contracts.held_copies import copies
from telemetry_platform.contracts.pii import Domain
from telemetry_platform.contracts.records.erasures import SCRATCH
from telemetry_platform.usecases.erase.sweep import LETTERS, SECURITY, swept

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from telemetry_platform.stores.erasure_counts import TableCount
    from telemetry_platform.stores.erasures import Erasure, Tombstone
    from telemetry_platform.stores.keys import KeyState

NOTHING_FOUND, ERASED = "nothing found", "erased"
_STAYS = "stays: "
_NOTES = (
    "Rows were rewritten away, not marked, and no old part of a table is left in its folder.",
    "Detached parts and parts of backups are not seen from here.",
    "Session pins in Redis hold a pseudonym and expire two days after the session began.",
    "What arrives late, or comes back with a backup, is dropped by the tombstone until the date below.",
    "Rows under a key that was destroyed are no longer attributable to anybody, and were not looked for.",
)


def certificate(
    erasure: Erasure,
    counts: Mapping[str, TableCount],
    stones: Sequence[Tombstone],
    keys: Sequence[KeyState],
    backup_days: int,
) -> dict[str, Any]:
    """The document of an erasure whose tables are all counted."""
    names = [*(table.name for table, _ in swept()), LETTERS, SECURITY]
    tables = [
        {
            "table": name,
            "erased": counts[name].erased,
            "unlinked": counts[name].unlinked,
            "survivors": counts[name].survivors,
        }
        for name in names
        # Of copies that a hold had kept, only those that there were: most persons were never held.
        if name not in copies() or counts[name].erased or counts[name].survivors
    ]
    found = sum(count.erased + count.unlinked for count in counts.values())
    return {
        "reference": str(erasure.erasure_id),
        "org_id": erasure.org_id,
        "result": ERASED if found else NOTHING_FOUND,
        "requested_at": _text(erasure.requested_at),
        "erased_at": _text(erasure.erased_at),
        "tables": tables,
        "kept": [
            {"table": place.table, "why": place.on_erasure.removeprefix(_STAYS)}
            for place in places()
            if place.on_erasure.startswith(_STAYS) and place.table not in {SECURITY, SCRATCH.name}
        ],
        "epochs": {
            "reached": sorted(stone.epoch for stone in stones),
            "out_of_reach": [
                {
                    "epoch": key.epoch,
                    "active_from": _text(key.active_from),
                    "active_until": _text(key.active_until),
                    "key": "destroyed" if key.is_destroyed else "being destroyed",
                }
                for key in keys
                if key.domain is Domain.ACTOR and key.destruction_begun_at is not None
            ],
        },
        "tombstone_until": max((_text(stone.until) or "" for stone in stones), default=""),
        "backups_clear_on": (erasure.erased_at + timedelta(days=backup_days + 1)).date().isoformat(),
        "notes": list(_NOTES),
    }


def unreached(erasure: Erasure, stones: Sequence[Tombstone], keys: Sequence[KeyState]) -> list[int]:
    """Epochs that began by the erasure, whose keys exist, and under which it has no pseudonym of the person.

    They began while a hold kept it back: only whoever has the id can make them, by asking again.
    """
    reached = {stone.epoch for stone in stones}
    return [
        key.epoch
        for key in keys
        if key.domain is Domain.ACTOR
        and key.destruction_begun_at is None
        and key.active_from <= erasure.erased_at
        and key.epoch not in reached
    ]


def uncounted(counts: Mapping[str, TableCount]) -> list[str]:
    """Tables that were not counted at the end: without them there is no certificate."""
    names = [*(table.name for table, _ in swept()), LETTERS, SECURITY]
    return [name for name in names if name not in counts or counts[name].survivors is None]


def readable(found: Mapping[str, Any]) -> str:
    """The certificate to read, as Markdown."""
    lines = [
        f"# Erasure {found['reference']}",
        "",
        f"Tenant {found['org_id']}. Asked for {found['requested_at']}. Result: {found['result']}.",
        f"What was received or began by {found['erased_at']} is gone:",
        "",
        "| table | erased | without the person | left |",
        "| --- | --- | --- | --- |",
        *(f"| {row['table']} | {row['erased']} | {row['unlinked']} | {row['survivors']} |" for row in found["tables"]),
        "",
        "Kept:",
        *(f"- {row['table']}: {row['why']}" for row in found["kept"]),
        "",
        f"Key epochs reached: {', '.join(map(str, found['epochs']['reached'])) or 'none'}.",
        *(
            f"No longer attributable: epoch {row['epoch']} ({row['active_from']} to {row['active_until']}), its key is "
            f"{row['key']}."
            for row in found["epochs"]["out_of_reach"]
        ),
        f"The tombstone stands until {found['tombstone_until']}; backups are clear on {found['backups_clear_on']}.",
        "",
        *(f"- {note}" for note in found["notes"]),
    ]
    return "\n".join(lines) + "\n"


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
