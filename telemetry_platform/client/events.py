"""What a service tells: one class per kind, with the field names of the API. Fields that are None are not sent.

These classes check nothing: the API does, with the contracts, and its answer names the field.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Event:
    """What every kind has."""

    path: ClassVar[str]
    numbered: ClassVar[bool] = False
    """The kind carries `producer` and `producer_seq`, by which a gap is seen."""
    timestamp: datetime | None = None
    """None is the moment of sending it to the client."""
    event_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class ApiMetric(Event):
    """One request that an API answered."""

    path = "/v1/api/metrics"
    method: str
    route: str
    status_code: int
    duration_ms: float
    org_id: str | None = None
    request_bytes: int | None = None
    response_bytes: int | None = None
    instance: str | None = None


@dataclass(frozen=True, kw_only=True)
class StaffMetric(Event):
    """One figure of one member of staff."""

    path = "/v1/staff/metrics"
    org_id: str
    staff_user_id: str
    team_id: str
    metric: str
    value: float
    unit: str
    period_start: datetime


@dataclass(frozen=True, kw_only=True)
class ErrorReport(Event):
    """One fault of an application; the platform scrubs message and stack."""

    path = "/v1/errors/report"
    source: str = "app"
    error_code: str
    message: str
    stack: str | None = None
    url: str | None = None
    http_status: int | None = None
    fatal: bool = False
    app_version: str | None = None


@dataclass(frozen=True, kw_only=True)
class _OfAPerson(Event):
    numbered = True
    org_id: str | None = None
    actor_id: str | None = None
    method: str | None = None
    route: str | None = None
    client_address: str | None = None
    user_agent: str | None = None
    details: dict[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class AuditEvent(_OfAPerson):
    """Who did what to which resource."""

    path = "/v1/audit/events"
    actor_type: str
    action: str
    outcome: str
    resource_type: str
    resource_id: str | None = None
    status_code: int | None = None


@dataclass(frozen=True, kw_only=True)
class SecurityEvent(_OfAPerson):
    """Something that whoever guards the service should know of."""

    path = "/v1/security/events"
    type: str
    severity: str
    rule_id: str | None = None
