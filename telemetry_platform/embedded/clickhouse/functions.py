"""SQL functions that outlive the process: the engine writes them to its folder and, unlike a server, never reads them.

Invariant: they are there before the first client is, since views and statements name them.
"""

from __future__ import annotations

from pathlib import Path

_FOLDER = "user_defined"
_MADE = "CREATE FUNCTION "


def remembered(address: str) -> tuple[str, ...]:
    """The statements that make the functions of a data directory again, in the order of their names."""
    folder = Path(address.partition("?")[0]) / _FOLDER
    texts = [path.read_text(encoding="utf-8") for path in sorted(folder.glob("function_*.sql"))]
    # Their files are there, and so a plain CREATE would be refused.
    return tuple(f"CREATE OR REPLACE FUNCTION {text.removeprefix(_MADE)}" for text in texts if text.startswith(_MADE))
