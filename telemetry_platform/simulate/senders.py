"""Who sends: patients' browsers, and the Core API, which speaks of everybody.

Invariant: the Core API is a sender of its own tenant that names the tenant of each event; what it leaves unnamed is its
own.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from telemetry_platform.simulate.people import Clock

if TYPE_CHECKING:
    from collections.abc import Mapping

CORE_ORG = "sim-core"
"""The tenant of what belongs to no clinic: backups, health checks."""


class Sender(Protocol):
    """Whoever has a token and a clock."""

    @property
    def user_id(self) -> str:
        """Subject of the token."""

    @property
    def org_id(self) -> str:
        """Tenant of the token."""

    @property
    def roles(self) -> tuple[str, ...]:
        """Roles of the token."""

    @property
    def purposes(self) -> tuple[str, ...]:
        """What was agreed to by name."""

    @property
    def clock(self) -> Clock:
        """What the sender's clock is worth."""

    @property
    def max_touch_points(self) -> int | None:
        """What the browser says of its screen; None when it says nothing."""

    def headers(self, session_number: int) -> Mapping[str, str]:
        """What stands beside the event."""


@dataclass(frozen=True)
class Service:
    """A service of ours, with a right clock and without a browser."""

    user_id: str = "sim-core-api"
    org_id: str = CORE_ORG
    roles: tuple[str, ...] = ("service",)
    purposes: tuple[str, ...] = ()
    clock: Clock = field(default_factory=Clock)
    max_touch_points: int | None = None

    def headers(self, session_number: int) -> Mapping[str, str]:  # noqa: ARG002 - a service has no sessions
        """Nothing of a browser's."""
        return {"User-Agent": "core-api/1.0"}
