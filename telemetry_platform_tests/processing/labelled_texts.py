"""The labelled texts: what must vanish from each, and what must stay.

One JSON object a line: `gone` are the parts that may not be found in what the scrubber leaves, `stays` those that must.
All are made up. The two `stated_*` files hold what the scrubber does not do, and says so.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

_FOLDER = Path(__file__).parent / "labelled"


@dataclass(frozen=True)
class Labelled:
    """One text."""

    label: str
    text: str
    gone: tuple[str, ...]
    stays: tuple[str, ...]

    def missed(self, clean: str) -> tuple[str, ...]:
        """What is left of what must vanish."""
        return tuple(part for part in self.gone if part in clean)

    def lost(self, clean: str) -> tuple[str, ...]:
        """What is lost of what must stay."""
        return tuple(part for part in self.stays if part not in clean)


def labelled(file: str) -> tuple[Labelled, ...]:
    """The texts of one file."""
    lines = (_FOLDER / f"{file}.jsonl").read_text().splitlines()
    return tuple(
        Labelled(found["class"], found["text"], tuple(found["gone"]), tuple(found["stays"]))
        for found in map(json.loads, lines)
    )


PROMISED = ("contacts", "harmless", "hidden", "names", "numbers", "secrets", "stacks", "urls")
"""Files without a miss and without a false positive."""
