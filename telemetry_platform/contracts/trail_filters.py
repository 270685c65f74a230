"""What may be asked of the audit trail and the security events: whose rows, and which of them.

Invariant: a filter always says whose rows it means. `Tenants` is made in one place (`api/tenants.py`), which asks the
token, so that no reader can forget the tenant.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True)
class Tenants:
    """Whose rows: one tenant's, or everybody's (None), which is for the role admin."""

    org_id: str | None

    @property
    def are_all(self) -> bool:
        """Whether rows of every tenant are meant."""
        return self.org_id is None


class _Filter:
    """What both filters share."""

    def values(self) -> dict[str, Any]:
        """Every filter by its name; None where it does not matter."""
        return {name: value for name, value in asdict(self).items() if name != "tenants"}  # type: ignore[call-overload]  # both are dataclasses

    @property
    def names(self) -> tuple[str, ...]:
        """The filters that matter, by name: what the trail may say of a reading."""
        return tuple(sorted(name for name, value in self.values().items() if value is not None))


@dataclass(frozen=True)
class LogFilter(_Filter):
    """Which rows of the audit trail; times are half-open: from the first, before the second.

    `persons` are all pseudonyms of one person, who may have acted or been acted upon.
    """

    tenants: Tenants
    occurred_from: datetime | None = None
    occurred_to: datetime | None = None
    recorded_from: datetime | None = None
    recorded_to: datetime | None = None
    action: str | None = None
    outcome: str | None = None
    resource_type: str | None = None
    actor_type: str | None = None
    actor_hash: str | None = None
    resource_id_hash: str | None = None
    seq_from: int | None = None
    seq_to: int | None = None
    persons: tuple[str, ...] | None = field(default=None, repr=False)


@dataclass(frozen=True)
class SecurityFilter(_Filter):
    """Which security events; times are half-open."""

    tenants: Tenants
    occurred_from: datetime | None = None
    occurred_to: datetime | None = None
    type: str | None = None
    severity: str | None = None
    rule_id: str | None = None
