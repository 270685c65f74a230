"""Sessions as support looks at them: of a person, with an error, or one by its id; always of one tenant.

Invariants: the tenant stands in every statement; a pseudonym travels beside a statement and never in its text or its
parameters, which logs keep; sessions are read through the view that shows each once.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from telemetry_platform import sql_files
from telemetry_platform.errors import ContractViolationError
from telemetry_platform.stores.tenant_keys import tenant_key

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from uuid import UUID

    from telemetry_platform.stores.warehouse import Warehouse

    Row = dict[str, Any]

_PSEUDONYM = re.compile(r"[0-9a-f]{64}", re.ASCII)
MOST_EVENTS = 5_000
"""Of one session: a view of a day with a stall every ten seconds has no more."""
_LIMITS = {"max_execution_time": 20}


def of_person(  # noqa: PLR0913 - whose, of when, how many
    warehouse: Warehouse, org_id: str, pseudonyms: Sequence[str], *, since: datetime, until: datetime, most: int
) -> list[Row]:
    """The sessions of whoever has these pseudonyms, newest first. Raises ContractViolationError for what is none."""
    if not pseudonyms or not all(_PSEUDONYM.fullmatch(one) for one in pseudonyms):
        raise ContractViolationError("a pseudonym is 64 hex digits: nothing else may be looked for")
    statement = sql_files.statements(sql_files.read("clickhouse/queries/select_sessions_of_person.sql"))[0]
    parameters = {"org": org_id, "since": since, "until": until, "most": most}
    found = warehouse.client.query_arrow(statement, parameters, _LIMITS, {"persons": "\n".join(pseudonyms)})
    return list(found.to_pylist())


def with_error(  # noqa: PLR0913 - whose, of when, how many
    warehouse: Warehouse, org_id: str, code: str, *, since: datetime, until: datetime, most: int
) -> list[Row]:
    """The sessions in which an error of this code was reported, the newest first."""
    parameters = {"org": org_id, "code": code, "since": since, "until": until, "most": most}
    return list(warehouse.query("select_sessions_with_error", parameters, settings=_LIMITS).to_pylist())


def one(warehouse: Warehouse, org_id: str, session_id: UUID) -> Row | None:
    """A session of the tenant; None where there is none."""
    parameters = {"org": org_id, "session": str(session_id)}
    found = warehouse.query("select_support_session", parameters, settings=_LIMITS).to_pylist()
    return dict(found[0]) if found else None


def timeline(warehouse: Warehouse, org_id: str, session_id: UUID, *, since: datetime) -> list[Row]:
    """Its events on its own clock; none where they have expired. `since` is a moment before its first event."""
    keys = {"sessions": [tenant_key(org_id, session_id)]}
    parameters = {"since": since, "most": MOST_EVENTS}
    return list(warehouse.query("select_support_timeline", parameters, keys, settings=_LIMITS).to_pylist())


def stalls(warehouse: Warehouse, org_id: str, session_id: UUID) -> list[Row]:
    """Its stalls, in order."""
    parameters = {"org": org_id, "session": str(session_id)}
    return list(warehouse.query("select_support_stalls", parameters, settings=_LIMITS).to_pylist())
