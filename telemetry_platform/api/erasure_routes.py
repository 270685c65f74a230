"""`/v1/privacy/erasures`: ask for an erasure, and read how far it has come and its certificate.

For the compliance role of the token's tenant. Invariants: the id is in the body only, never in a path or an answer;
202 means that the tombstone stands, so that nothing from before comes in any more.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID  # noqa: TC003 - FastAPI reads the annotation when the route is made

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request  # noqa: TC002 - FastAPI reads the annotation when the route is made

from telemetry_platform.api.front import say
from telemetry_platform.api.guarded import unavailable
from telemetry_platform.api.problems import ProblemError
from telemetry_platform.contracts.event_kind import Role
from telemetry_platform.errors import PlatformError
from telemetry_platform.processing.payload_reading import FieldFault
from telemetry_platform.stores import erasures, postgres
from telemetry_platform.usecases.erase.certificate import readable
from telemetry_platform.usecases.erase.request import Asked, request_erasure
from telemetry_platform.usecases.own_actions import ActedBy, Requested
from telemetry_platform.usecases.restored import copy_tombstones

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from telemetry_platform.api.guarded import Guarded
    from telemetry_platform.stores.erasures import Erasure
    from telemetry_platform.stores.postgres import Connection
    from telemetry_platform.usecases.erase.request import Taken

PATH = "/v1/privacy/erasures"
_ROLES = frozenset({Role.COMPLIANCE})
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    400: {"description": "the body is no JSON"},
    401: {"description": "no valid token"},
    403: {"description": "the token is not one of the role compliance"},
    422: {"description": "the body is not what it must be; `errors` names the fields"},
    503: {"description": "it is not sure that the tombstone counts already: send it again, it is taken once"},
}
_NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"description": "no erasure of this tenant has that id"}}


class ErasureRequest(BaseModel):
    """Who is to be forgotten."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)

    user_id: Annotated[str, Field(min_length=1, max_length=256, description="the id as tokens have it, byte for byte")]


class ErasureState(BaseModel):
    """How far an erasure has come: requested, held, erasing, erased, certified or failed."""

    erasure_id: Annotated[str, Field(description="random reference")]
    status: Annotated[str, Field(description="held: a legal hold keeps it back; certified: nothing is left")]
    requested_at: str
    erased_at: Annotated[str, Field(description="what was received or began by then is erased")]
    waits_for: Annotated[str, Field(description="what the latest try waited for; empty when nothing")]
    certified_at: str | None
    certificate: Annotated[dict[str, Any] | None, Field(description="counts by table, what is kept and why, epochs")]
    document: Annotated[str | None, Field(description="the certificate to read, as Markdown")]


_BODY = {
    "required": True,
    "content": {
        "application/json": {"schema": ErasureRequest.model_json_schema(), "example": {"user_id": "user-1"}},
    },
}


def router(guarded: Guarded) -> APIRouter:
    """The routes."""
    routes = APIRouter()

    @routes.post(
        PATH,
        status_code=202,
        summary="Ask for the erasure of a person",
        description=(
            "Of the token's tenant, under every key that still exists. What was queued before is drained, then every "
            "registered table and the dead letters are swept; a tombstone drops what arrives late. Asked for twice, it "
            "is one erasure. Role: compliance."
        ),
        responses=_PROBLEMS,
        openapi_extra={"requestBody": _BODY, "security": [{"token": []}]},
    )
    async def ask(request: Request) -> ErasureState:
        caller = await guarded.caller(request, _ROLES)
        user_id = read_user_id(await guarded.json_object(request))
        ring, now = guarded.ring(), datetime.fromtimestamp(guarded.now_ms() / 1000, UTC)
        seen = Requested("POST", PATH, 202, guarded.ip_truncated(request))
        asked = Asked(ActedBy(caller.actor_id, "staff"), seen)
        days = guarded.settings.privacy.backup_days

        def take(connection: Connection) -> Taken:
            return request_erasure(
                connection, ring, now, org_id=caller.org_id, user_id=user_id, backup_days=days, asked=asked
            )

        taken = await guarded.work(take)
        await _publish(guarded, taken)
        await _copy(guarded, now)
        return state_of(taken.erasure)

    @routes.get(
        f"{PATH}/{{erasure_id}}",
        summary="How far an erasure has come, and its certificate",
        description="Of the token's tenant. Role: compliance.",
        responses={**{code: _PROBLEMS[code] for code in (401, 403, 503)}, **_NOT_FOUND},
        openapi_extra={"security": [{"token": []}]},
    )
    async def look(request: Request, erasure_id: UUID) -> ErasureState:
        caller = await guarded.caller(request, _ROLES)
        found = await guarded.work(lambda connection: erasures.find(connection, erasure_id, caller.org_id))
        if found is None:
            raise ProblemError(404, "not_found", "no erasure of this tenant has that id")
        return state_of(found)

    return routes


async def _publish(guarded: Guarded, taken: Taken) -> None:
    """Let every process judge the person as erased; a repeated request does it again."""
    if taken.state is None:
        return
    try:
        await guarded.doors.subjects.publish(taken.erasure.org_id, taken.subject_hash, taken.state)
    except PlatformError as error:
        raise unavailable(error) from None


async def _copy(guarded: Guarded, now: datetime) -> None:
    """Keep a copy of the tombstones outside the databases; a folder that cannot be used is said, and tried again."""
    folder = guarded.settings.privacy.tombstone_copy
    try:
        await asyncio.to_thread(_copy_now, guarded, folder, now)
    except PlatformError as error:
        say(error)


def _copy_now(guarded: Guarded, folder: Path | None, now: datetime) -> None:
    with postgres.lent(guarded.pool) as connection:
        copy_tombstones(connection, folder, now)


def read_user_id(body: dict[str, Any]) -> str:
    """The id. Raises ProblemError (422) that names the field and repeats nothing."""
    try:
        user_id = ErasureRequest.model_validate(body, strict=True).user_id
    except ValidationError as error:
        raise _refused(
            FieldFault("user_id" if each["loc"][0] == "user_id" else "", each["msg"], each["type"])
            for each in error.errors(include_url=False, include_context=False, include_input=False)
        ) from None
    return user_id


def _refused(faults: Iterable[FieldFault]) -> ProblemError:
    return ProblemError(422, "invalid_body", "the body is not what it must be", faults=tuple(faults))


def state_of(erasure: Erasure) -> ErasureState:
    """What is told of an erasure."""
    return ErasureState(
        erasure_id=str(erasure.erasure_id),
        status=erasure.status,
        requested_at=_text(erasure.requested_at),
        erased_at=_text(erasure.erased_at),
        waits_for=erasure.waits_for,
        certified_at=None if erasure.certified_at is None else _text(erasure.certified_at),
        certificate=None if erasure.certificate is None else dict(erasure.certificate),
        document=None if erasure.certificate is None else readable(erasure.certificate),
    )


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
