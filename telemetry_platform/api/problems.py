"""RFC 9457 problem documents: what is wrong, in which field, and never what was sent."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from telemetry_platform.api.tokens import Caller
    from telemetry_platform.contracts.sightings import Sighting
    from telemetry_platform.errors import PlatformError
    from telemetry_platform.processing.payload_reading import FieldFault, Rejection

MEDIA_TYPE = "application/problem+json"


class ProblemError(Exception):
    """Ends a request with a problem document. `cause` is what our log says about it, and no client sees.

    `seen` is what security is told where the status does not say it, `caller` whose verified token was refused.
    """

    def __init__(  # noqa: PLR0913 - the members of a problem document
        self,
        status: int,
        code: str,
        detail: str,
        *,
        faults: tuple[FieldFault, ...] = (),
        headers: Mapping[str, str] | None = None,
        cause: PlatformError | None = None,
        seen: Sighting | None = None,
        caller: Caller | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail
        self.faults = faults
        self.headers = dict(headers or {})
        self.cause = cause
        self.seen = seen
        self.caller = caller

    def document(self) -> dict[str, Any]:
        """The answer's body."""
        return document(self.status, self.code, self.detail, self.faults)


def document(status: int, code: str, detail: str, faults: tuple[FieldFault, ...] = ()) -> dict[str, Any]:
    """The document itself; `code` is for programs, `errors` name the fields."""
    found: dict[str, Any] = {
        "type": f"urn:telemetry:problem:{code}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
    }
    if faults:
        found["errors"] = [{"field": fault.field, "message": fault.message, "code": fault.code} for fault in faults]
    return found


def of_rejection(rejection: Rejection) -> dict[str, Any]:
    """The document of one rejected event."""
    return document(rejection.status, rejection.code, rejection.detail, rejection.faults)
