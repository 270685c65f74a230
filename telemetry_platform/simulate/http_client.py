"""Browsers and services: every sender's requests in their order, many senders at once, with the retries of a real one.

Invariants: a request that was answered 503 or 429 is sent again as it was (same events, same ids), after the time that
the answer asks for; one whose connection broke may have been taken and is sent again all the same, and is counted,
because what became of its first copy nobody knows.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import httpx
import orjson

from telemetry_platform.contracts.registry import kinds
from telemetry_platform.errors import PermanentError, TransientError
from telemetry_platform.simulate.wire import body_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from telemetry_platform.simulate.events import Outgoing, Request
    from telemetry_platform.simulate.senders import Sender
    from telemetry_platform.simulate.story import Story
    from telemetry_platform.simulate.tokens import Signer

_CONNECTIONS = 12
_ATTEMPTS = 30
_LONGEST_WAIT_SECONDS = 5.0
_PAUSE_SECONDS = 0.2
_TIMEOUT_SECONDS = 60.0
# Shorter than the server's, so that no request meets a connection that the server is just closing.
_KEEPALIVE_SECONDS = 2.0
_WAIT = frozenset({HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS})


@dataclass(frozen=True)
class Answered:
    """One event of one request, and what the API said to it.

    `reason` is why it was dropped, or the field for which it was rejected.
    """

    sender: Sender
    request: int
    event: Outgoing
    status: str
    event_id: str | None
    reason: str | None


@dataclass
class Sending:
    """What was sent so far."""

    # Not shown: the interpreter writes the result of a main task down when it looks at signal handlers (3.11), and all
    # answers of a day take it seconds.
    answered: list[Answered] = field(default_factory=list, repr=False)
    requests: int = 0
    told_to_wait: int = 0
    unanswered: int = 0


@dataclass(frozen=True)
class Pace:
    """When requests leave: `speed` simulated seconds pass per second from `begin` on; 0 waits for nothing."""

    begin: datetime
    speed: float

    def seconds_until(self, moment: datetime, since_start: float) -> float:
        """How long to wait for a moment of the story."""
        if self.speed <= 0:
            return 0.0
        return max(0.0, (moment - self.begin).total_seconds() / self.speed - since_start)


async def send_stories(  # noqa: PLR0913 - what a run of browsers needs to know, by name
    stories: Sequence[Story],
    *,
    base_url: str,
    signer: Signer,
    pace: Pace,
    progress: Callable[[int], None],
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Sending:
    """Send everything; `progress` is told how many events were answered."""
    sending = Sending()
    room = asyncio.Semaphore(_CONNECTIONS)
    loop = asyncio.get_running_loop()
    started = loop.time()
    limits = httpx.Limits(max_connections=_CONNECTIONS, keepalive_expiry=_KEEPALIVE_SECONDS)
    async with httpx.AsyncClient(base_url=base_url, limits=limits, timeout=_TIMEOUT_SECONDS, trust_env=False) as client:

        async def play(story: Story) -> None:
            token = signer.token(story.sender, now())
            for request in story.requests:
                await asyncio.sleep(pace.seconds_until(request.send_at, loop.time() - started))
                async with room:
                    answers = await _post(client, story.sender, request, token, sending, now)
                _note(sending, story.sender, request, answers)
                progress(len(request.events))

        async with asyncio.TaskGroup() as group:
            for story in stories:
                group.create_task(play(story))
    return sending


async def _post(  # noqa: PLR0913, PLR0917 - one request with all that belongs to it
    client: httpx.AsyncClient,
    sender: Sender,
    request: Request,
    token: str,
    sending: Sending,
    now: Callable[[], datetime],
) -> list[dict[str, Any]]:
    """The answers to the events of one request, in their order."""
    headers = {**sender.headers(request.session_number), "Content-Type": "application/json"}
    if request.has_token:
        headers["Authorization"] = f"Bearer {token}"
    path = path_of(request.kind)
    for attempt in range(_ATTEMPTS):
        # Written anew for each attempt: `sent_at` is the moment of sending.
        body = orjson.dumps(body_of(request, sender, now()))
        try:
            response = await client.post(path, content=body, headers=headers)
        except httpx.TimeoutException:
            raise TransientError(f"the API gave no answer for {_TIMEOUT_SECONDS:.0f} s: look at its log") from None
        except httpx.ConnectError:
            await asyncio.sleep(min(_LONGEST_WAIT_SECONDS, _PAUSE_SECONDS * 2**attempt))
            continue
        except (httpx.NetworkError, httpx.RemoteProtocolError):
            sending.unanswered += 1
            await asyncio.sleep(_PAUSE_SECONDS)
            continue
        if response.status_code in _WAIT:
            sending.told_to_wait += 1
            await asyncio.sleep(_retry_after(response))
            continue
        return _answers(response, request)
    raise TransientError(f"the API took none of {_ATTEMPTS} attempts of a request: is it up? `telemetry doctor` says")


def path_of(kind: str) -> str:
    """Where a kind is posted."""
    endpoint = kinds()[kind].endpoint
    if endpoint is None:
        raise PermanentError(f"nobody posts {kind}: the platform makes these entries itself")
    return endpoint.path


def _retry_after(response: httpx.Response) -> float:
    text = response.headers.get("Retry-After", "1")
    return min(_LONGEST_WAIT_SECONDS, float(text)) if text.isdigit() else 1.0


def _answers(response: httpx.Response, request: Request) -> list[dict[str, Any]]:
    """One answer per event. Raises when the request was refused as a whole: the simulator sends no such request."""
    if response.status_code not in {HTTPStatus.ACCEPTED, HTTPStatus.UNPROCESSABLE_ENTITY}:
        raise PermanentError(
            f"the API answered {response.status_code} to a whole request: look at the API's log, and whether the "
            "simulator's secret, issuer and audience are the API's (TELEMETRY_API__TOKEN__...)"
        )
    found = orjson.loads(response.content)
    if request.is_single and "results" not in found:
        return [found if response.status_code == HTTPStatus.ACCEPTED else {"status": "rejected", "problem": found}]
    results: list[dict[str, Any]] = found.get("results", [])
    if len(results) != len(request.events):
        raise PermanentError("the API did not answer every event of a request: its contract is an answer per event")
    return results


def _note(sending: Sending, sender: Sender, request: Request, answers: list[dict[str, Any]]) -> None:
    sending.requests += 1
    for event, answer in zip(request.events, answers, strict=True):
        sending.answered.append(
            Answered(
                sender,
                sending.requests,
                event,
                status=str(answer.get("status", "")),
                event_id=answer.get("event_id"),
                reason=_reason(answer),
            )
        )


def _reason(answer: dict[str, Any]) -> str | None:
    """Why an event was dropped, or the first field that its problem names, or the problem's code."""
    problem: dict[str, Any] = answer.get("problem") or {}
    fields = [str(fault["field"]) for fault in problem.get("errors", ())]
    reason: str | None = answer.get("reason") or (fields[0] if fields else problem.get("code"))
    return reason
