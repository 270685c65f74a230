"""Whose rows a reader may see: the one place that decides it.

Invariant: the tenant is the token's. Another one, or all of them, is for the role admin, and asked for by name: an
admin who says nothing reads their own tenant like everybody else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from telemetry_platform.api.problems import ProblemError
from telemetry_platform.contracts.event_kind import Role
from telemetry_platform.contracts.trail_filters import Tenants

if TYPE_CHECKING:
    from telemetry_platform.api.tokens import Caller


def tenants_of(caller: Caller, *, org_id: str | None = None, all_orgs: bool = False) -> Tenants:
    """Whose rows are read. Raises ProblemError (403) when that takes the role admin."""
    if not all_orgs and org_id in {None, caller.org_id}:
        return Tenants(caller.org_id)
    if Role.ADMIN not in caller.roles:
        raise ProblemError(
            403, "forbidden", "other tenants than the token's are read with the role admin", caller=caller
        )
    return Tenants(None if all_orgs else org_id)
