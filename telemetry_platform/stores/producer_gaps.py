"""What producers numbered and nobody drained: entries that were lost between the API and the stores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from telemetry_platform import sql_files

if TYPE_CHECKING:
    from collections.abc import Mapping

    from telemetry_platform.stores.postgres import Connection


@dataclass(frozen=True)
class Gaps:
    """Numbers that are missing in a stream, and of how many producers."""

    missing: int
    producers: int


def lasting_gaps(conn: Connection, *, older_than_seconds: float) -> Mapping[str, Gaps]:
    """By stream, the gaps that are older than that; younger ones may still close by themselves."""
    rows = conn.execute(
        sql_files.read("postgres/queries/select_lasting_gaps.sql").encode(), {"seconds": older_than_seconds}
    ).fetchall()
    return {stream: Gaps(int(missing), int(producers)) for stream, missing, producers in rows}
