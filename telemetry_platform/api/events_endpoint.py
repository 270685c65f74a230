"""`POST` of events: one endpoint per kind, made from its contract.

It is an ASGI application of its own and not a FastAPI function: the body is checked by rules of ours (duplicate keys,
depth, one bad event among good ones), and the framework's own reading would cost more than all of our work on it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from telemetry_platform.api import body as bodies
from telemetry_platform.api import refusals
from telemetry_platform.api.compliance import Doors, Incoming, admit
from telemetry_platform.api.front import say
from telemetry_platform.api.problems import MEDIA_TYPE, ProblemError, of_rejection
from telemetry_platform.errors import PlatformError, QueueFullError, UnknownOutcomeError
from telemetry_platform.processing.json_reading import JsonFaultError, may_need_repair, read_json
from telemetry_platform.processing.payload_reading import Rejection
from telemetry_platform.usecases.accept_frames import TooManyFramesError

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import Receive, Scope, Send

    from telemetry_platform.api.metrics import ApiMetrics
    from telemetry_platform.contracts.event_kind import Endpoint
    from telemetry_platform.usecases.accept_events import Accepted, EventAcceptor
    from telemetry_platform.usecases.accept_frames import FrameAcceptor
    from telemetry_platform.usecases.key_list import KeyList

_JSON = "application/json"
_RETRY_SECONDS = {True: "5", False: "2"}


class EventsEndpoint:
    """Takes one event or a batch of one kind. `now_ms` is the server's clock, by which all limits are judged."""

    def __init__(  # noqa: PLR0913, PLR0917 - what an endpoint is made of
        self,
        endpoint: Endpoint,
        acceptor: EventAcceptor | FrameAcceptor,
        doors: Doors,
        keys: KeyList,
        metrics: ApiMetrics,
        now_ms: Callable[[], int],
        *,
        max_body_bytes: int,
        max_events: int,
    ) -> None:
        self.template = endpoint.path
        self._endpoint = endpoint
        self._acceptor = acceptor
        self._doors = doors
        self._keys = keys
        self._metrics = metrics
        self._now_ms = now_ms
        self._max_body_bytes = max_body_bytes
        self._max_events = min(max_events, endpoint.max_events)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        headers: dict[bytes, list[bytes]] = {}
        for name, value in scope["headers"]:
            headers.setdefault(name, []).append(value)
        peer, server = scope.get("client"), scope.get("server")
        request = Incoming(
            method=scope["method"],
            peer=peer[0] if peer else None,
            server=server[0] if server else None,
            headers=headers,
            received_at=self._now_ms(),
        )
        try:
            status, kind, answer = await self._answer(request, receive)
            extra: dict[str, str] = {}
        except bodies.ClientGoneError:
            return
        except ProblemError as problem:
            self._metrics.refuse(self.template, problem.code)
            if problem.cause is not None:
                say(problem.cause)
            refusals.refused(request, self.template, problem, self._doors)
            status, kind, answer, extra = problem.status, MEDIA_TYPE, problem.document(), problem.headers
        raw = orjson.dumps(answer)
        pairs = [(b"content-type", kind.encode()), (b"content-length", b"%d" % len(raw))]
        pairs += [(name.lower().encode(), value.encode()) for name, value in extra.items()]
        await send({"type": "http.response.start", "status": status, "headers": pairs})
        await send({"type": "http.response.body", "body": raw})

    async def _answer(self, request: Incoming, receive: Receive) -> tuple[int, str, dict[str, Any]]:
        """Status, media type and document. Raises ProblemError for what costs the whole request."""
        try:
            admission = await admit(
                request,
                self._endpoint,
                self._doors,
                is_gated=self._acceptor.kind.consent is not None,
                is_kept_always=self._acceptor.kind.is_kept_always,
            )
            bodies.check_headers(request.headers, self._max_body_bytes)
            raw = await bodies.read_body(receive, self._max_body_bytes)
            toll, most = admission.toll, self._max_events
            events, is_batch = bodies.events_of(read_json(raw), most if toll is None else min(most, toll.max_events))
            if toll is not None:
                await toll.further(len(events))
            accepted = await self._acceptor.accept(
                admission.submission, events, self._keys.ring(), may_need_repair=may_need_repair(raw)
            )
        except JsonFaultError as fault:
            raise ProblemError(400, fault.code, str(fault)) from None
        except TooManyFramesError as error:
            raise ProblemError(422, error.code, str(error), faults=error.faults) from None
        except PlatformError as error:
            raise _unavailable(error) from None
        self._metrics.count(self._acceptor.kind.name, admission.submission.permission.level, accepted)
        return _many(accepted) if is_batch or accepted.several else _one(accepted)


def _unavailable(error: PlatformError) -> ProblemError:
    """503, which says whether anything was taken; the message names parts and settings of ours: it stays in our log."""
    full = isinstance(error, QueueFullError)
    code = "queue_full" if full else "store_unavailable"
    detail = "nothing of the request was taken: send it again, with the same event ids"
    if isinstance(error, UnknownOutcomeError):
        code = "outcome_unknown"
        detail = (
            "it is not known whether the request was taken: send it again, with the same event ids; what was taken "
            "already is recognised and not counted twice"
        )
    return ProblemError(503, code, detail, headers={"Retry-After": _RETRY_SECONDS[full]}, cause=error)


def _one(accepted: Accepted) -> tuple[int, str, dict[str, Any]]:
    (result,) = accepted.results
    if isinstance(result, Rejection):
        return result.status, MEDIA_TYPE, of_rejection(result)
    return 202, _JSON, result


def _many(accepted: Accepted) -> tuple[int, str, dict[str, Any]]:
    results = [
        {"status": "rejected", **dict(result.names), "problem": of_rejection(result)}
        if isinstance(result, Rejection)
        else result
        for result in accepted.results
    ]
    any_taken = any(result["status"] != "rejected" for result in results)
    return (202 if any_taken else 422), _JSON, {"results": results}
