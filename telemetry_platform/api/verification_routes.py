"""`GET /v1/audit/verification`: whether the trail is whole, by the verifications that were made of it.

Invariant: the answer is of the whole trail, names no tenant and nobody, and is in the trail before its first byte.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.requests import Request  # noqa: TC002 - FastAPI reads the annotation when the route is made

from telemetry_platform.api.trail_answers import PROBLEMS
from telemetry_platform.contracts.own_actions import VERIFICATION_READ
from telemetry_platform.processing.trail_standing import CheckpointState, Standing
from telemetry_platform.usecases.trail_standing import TrailStanding, read_standing

if TYPE_CHECKING:
    from telemetry_platform.api.trail_reader import TrailReader

PATH = "/v1/audit/verification"


class TrailEnd(BaseModel):
    """The newest row of the trail."""

    seq: Annotated[int, Field(description="its place: as many rows were ever written")]
    row_hash: Annotated[str, Field(description="its hash; 64 zeros before the first row")]
    recorded_at: Annotated[datetime | None, Field(description="when it was written")]


class LastCheckpoint(BaseModel):
    """What the end of the trail was at a moment, signed."""

    number: int
    seq: Annotated[int, Field(description="the trail's end then")]
    taken_at: datetime
    age_seconds: float
    key_id: Annotated[str, Field(description="the key that signed it")]


class VerificationResult(BaseModel):
    """One verification."""

    verified_at: datetime
    from_seq: Annotated[int, Field(description="first place that was looked at")]
    to_seq: Annotated[int, Field(description="last place that was looked at")]
    rows: Annotated[int, Field(description="rows whose hash was computed anew")]
    anchors: Annotated[int, Field(description="dropped partitions that were walked over, by their signed anchors")]
    checkpoints: Annotated[int, Field(description="signed checkpoints that were compared")]
    newest_checkpoint: Annotated[int | None, Field(description="number of the newest checkpoint that was seen")]
    ok: Annotated[bool, Field(description="whether the trail was whole")]
    first_bad_seq: Annotated[int | None, Field(description="first place that is not as it was written")]
    reason: Annotated[str | None, Field(description="what is wrong there")]


class TrailState(BaseModel):
    """How the trail stands."""

    state: Annotated[
        Standing,
        Field(
            description="whole; broken, until a full verification finds it whole; late: the last one is over two hours "
            "old, or there is no current checkpoint; unknown: there was none"
        ),
    ]
    head: TrailEnd
    unverified_rows: Annotated[int, Field(description="rows behind the last place that was found whole")]
    checkpoint_state: Annotated[
        CheckpointState,
        Field(
            description="of the newest checkpoint: current; old: over ten minutes; none there; not_set: this process "
            "knows no folder; unreadable; not_believed: no key that counts has signed it"
        ),
    ]
    checkpoint: Annotated[LastCheckpoint | None, Field(description="the newest one, outside the database")]
    last_incremental: VerificationResult | None
    last_full: VerificationResult | None
    last_failure: Annotated[VerificationResult | None, Field(description="the newest that did not find it whole")]


def router(reader: TrailReader) -> APIRouter:
    """The route."""
    routes = APIRouter()

    @routes.get(
        PATH,
        summary="Whether the audit trail is whole",
        description=(
            "The end of the trail and the results of the last verifications, of all tenants' rows, since the trail is "
            "one. Roles: compliance, admin."
        ),
        responses={code: PROBLEMS[code] for code in (401, 403, 503)},
        openapi_extra={"security": [{"token": []}]},
    )
    async def verification(request: Request) -> TrailState:
        session = reader.begin(request, await reader.caller(request), PATH)
        found = await reader.read(lambda: read_standing(reader.guarded.settings, session.now))
        await reader.record(session, VERIFICATION_READ, tenants=None, details={})
        return _state(found, session.now)

    return routes


def _state(found: TrailStanding, now: datetime) -> TrailState:
    def told(row: object) -> VerificationResult | None:
        return None if row is None else VerificationResult.model_validate(row)

    seen = found.checkpoint
    return TrailState(
        checkpoint_state=found.checkpoint_state,
        checkpoint=None
        if seen is None
        else LastCheckpoint(
            number=seen.number,
            seq=seen.seq,
            taken_at=seen.taken_at,
            age_seconds=(now - seen.taken_at).total_seconds(),
            key_id=seen.key_id,
        ),
        state=found.standing,
        head=TrailEnd.model_validate(found.head),
        unverified_rows=found.unverified_rows,
        last_incremental=told(found.last_incremental),
        last_full=told(found.last_full),
        last_failure=told(found.last_failure),
    )
