"""What persons say of their own consent, and what this installation says of privacy signals.

`PUT /v1/privacy/consent` records a decision of whoever's token it is: nobody decides for somebody else, and the body
cannot name anybody. Invariant: the answer comes after every API process judges by the decision; when that cannot be
said, the answer is 503, and sending it again is safe. A privacy signal that comes with a decision is remembered too.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, Field, ValidationError
from starlette.requests import Request  # noqa: TC002 - FastAPI reads the annotation when the route is made

from telemetry_platform.api.compliance import actor_type
from telemetry_platform.api.guarded import unavailable
from telemetry_platform.api.problems import ProblemError
from telemetry_platform.contracts.consent import ConsentLevel
from telemetry_platform.contracts.decision import ConsentDecision, example
from telemetry_platform.contracts.event_kind import Role
from telemetry_platform.errors import PlatformError
from telemetry_platform.processing import gate
from telemetry_platform.processing.payload_reading import FieldFault
from telemetry_platform.usecases.own_actions import Requested
from telemetry_platform.usecases.record_consent import Decision, Person, record_decision, record_signal

if TYPE_CHECKING:
    from telemetry_platform.api.guarded import Guarded
    from telemetry_platform.contracts.subject import SubjectState
    from telemetry_platform.stores.postgres import Connection
    from telemetry_platform.stores.subjects import Recorded

PATH = "/v1/privacy/consent"
_ROLES = frozenset({Role.PATIENT, Role.STAFF})
_GPC_SINCE = "2026-11-25"
_FIELDS = ", ".join(ConsentDecision.model_fields)
_PROBLEMS: dict[int | str, dict[str, Any]] = {
    400: {"description": "the body is no JSON"},
    401: {"description": "no valid token"},
    403: {"description": "the token is not a patient's or a member's of staff: nobody decides for somebody else"},
    422: {"description": "the decision is not what it must be, or lies in the future; `errors` names the fields"},
    503: {"description": "it is not sure that the decision counts already: send it again"},
}
_BODY = {
    "required": True,
    "content": {
        "application/json": {
            "schema": ConsentDecision.model_json_schema(),
            "example": example("2026-02-17T10:00:05Z"),
        }
    },
}


class DecisionThatCounts(BaseModel):
    """The decision that now counts: the one that was sent, or one that was made later."""

    level: Annotated[int | None, Field(description="what is allowed at most, whatever a header claims")]
    decided_at: Annotated[str | None, Field(description="when it was decided, RFC 3339")]
    purposes: Annotated[
        list[str] | None, Field(description="what is agreed to by name; null: the token's claim counts")
    ]
    opted_out_of_sale: Annotated[
        bool, Field(description="a privacy signal caps the level at 2 until level 3 is decided")
    ]


class GlobalPrivacyControl(BaseModel):
    """The support resource of the Global Privacy Control specification."""

    gpc: Annotated[bool, Field(description="true: the signal Sec-GPC is honoured")] = True
    lastUpdate: Annotated[str, Field(description="since when, a date")] = _GPC_SINCE  # noqa: N815 - the specification's name


def router(guarded: Guarded) -> APIRouter:
    """The routes."""
    routes = APIRouter()

    @routes.put(
        PATH,
        summary="Record what the caller decided",
        description=(
            "For the person of the token alone. The newest decision counts, whatever order they arrive in, and caps "
            "X-Consent-Level from the next request on, in every process. Roles: patient, staff."
        ),
        responses=_PROBLEMS,
        openapi_extra={"requestBody": _BODY, "security": [{"token": []}]},
    )
    async def decide(request: Request) -> DecisionThatCounts:
        caller = await guarded.caller(request, _ROLES)
        now = guarded.now_ms()
        decision = read_decision(await guarded.json_object(request), now)
        ring = guarded.ring()
        person = Person(caller.org_id, caller.actor_id, actor_type(caller, _ROLES))
        asked = Requested("PUT", PATH, 200, guarded.ip_truncated(request))
        moment = datetime.fromtimestamp(now / 1000, UTC)
        has_signal = gate.is_gpc(guarded.incoming(request).headers.get(b"sec-gpc", []))

        def store(connection: Connection) -> Recorded:
            if has_signal:
                record_signal(connection, ring, person, moment)
            return record_decision(connection, ring, person, decision, moment, asked)

        state = (await guarded.work(store)).state
        try:
            await guarded.doors.subjects.publish(caller.org_id, person.subject_hash(ring), state)
        except PlatformError as error:
            raise unavailable(error) from None
        return _answer(state)

    @routes.get("/.well-known/gpc.json", summary="That the Global Privacy Control signal is honoured")
    async def gpc() -> GlobalPrivacyControl:
        return GlobalPrivacyControl()

    return routes


def read_decision(body: dict[str, Any], now: int) -> Decision:
    """The decision; `now` in milliseconds. Raises ProblemError (422) that names the fields and repeats nothing."""
    try:
        given = ConsentDecision.model_validate(body, strict=True)
    except ValidationError as error:
        raise _refused(error) from None
    decided_at = round(given.decided_at.timestamp() * 1000)
    # Not even by a little: what is stamped ahead would win over a withdrawal, or an erasure, that comes a moment later.
    if decided_at > now:
        fault = FieldFault("decided_at", "must not lie in the future of the server's clock", "in_the_future")
        raise ProblemError(422, "invalid_decision", "the decision is not what it must be", faults=(fault,))
    purposes = None if given.purposes is None else frozenset(given.purposes)
    return Decision(ConsentLevel(given.level), purposes, decided_at)


def _refused(error: ValidationError) -> ProblemError:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    faults = tuple(
        # The name of a field that nobody knows is the client's own text.
        FieldFault("", f"only {_FIELDS} are known", "unknown_field")
        if each["type"] == "extra_forbidden"
        else FieldFault(".".join(map(str, each["loc"])), each["msg"], each["type"])
        for each in found
    )
    return ProblemError(422, "invalid_decision", "the decision is not what it must be", faults=faults)


def _answer(state: SubjectState) -> DecisionThatCounts:
    return DecisionThatCounts(
        level=None if state.level is None else int(state.level),
        decided_at=None if state.decided_at is None else _text(state.decided_at),
        purposes=None if state.purposes is None else sorted(state.purposes),
        opted_out_of_sale=state.is_opted_out,
    )


def _text(milliseconds: int) -> str:
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
