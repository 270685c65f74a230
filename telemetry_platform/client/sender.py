"""The queue of a client, and the thread that empties it.

A batch leaves the queue when the API has answered for it, or when it is given up: then it is counted as lost.
"""

from __future__ import annotations

import logging
import random
import secrets
import threading
import time
from collections import deque
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self
from uuid import uuid4

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from telemetry_platform.client.events import Event

_log = logging.getLogger(__name__)
_MOST_EVENTS = 500
_REFUSED_WHOLE = frozenset({400, 413, 422})
_RETRIED = frozenset({401, 408, 429})
_LONGEST_PAUSE = 60.0


@dataclass
class Counts:
    """What became of the events so far."""

    accepted: int = 0
    dropped: int = 0
    rejected: int = 0
    lost: int = 0


@dataclass(frozen=True)
class _Kept:
    path: str
    body: dict[str, Any]


def _letters() -> str:
    """A random part of a producer's name: letters only, since digits in a row are refused as somebody's id."""
    return "".join(secrets.choice("bcdfghjkmnpqrstvwxz") for _ in range(5))


def _text(value: object) -> object:
    return value.isoformat(timespec="milliseconds") if isinstance(value, datetime) else value


class Client:
    """Takes events of a service, and sends them in the background until it is closed."""

    def __init__(  # noqa: PLR0913 - a client has that many settings, all but two with a default
        self,
        url: str,
        token: str | Callable[[], str],
        *,
        producer: str = "service",
        consent_level: int | None = None,
        most_kept: int = 10_000,
        most_attempts: int = 8,
        every_seconds: float = 2.0,
        first_pause: float = 0.5,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """Start the thread; each client numbers as a producer of its own, so that a restart leaves no gap."""
        self.counts = Counts()
        self._token = token
        self._producer = f"{producer}-{_letters()}-{_letters()}"
        self._consent_level = consent_level
        self._most_kept, self._most_attempts = most_kept, most_attempts
        self._every, self._first_pause = every_seconds, first_pause
        self._http = httpx.Client(base_url=url, timeout=10, transport=transport)
        self._queue: deque[_Kept] = deque()
        self._numbers: dict[str, int] = {}
        self._changed = threading.Condition()
        self._closing = self._flushing = self._sending = False
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="telemetry-client", daemon=True)
        self._thread.start()

    def send(self, event: Event) -> bool:
        """Take an event; False when there is no room or the client is closed, and then it is counted as lost."""
        values = {part.name: _text(getattr(event, part.name)) for part in fields(event)}
        body = {name: value for name, value in values.items() if value is not None}
        body.setdefault("event_id", str(uuid4()))
        body.setdefault("timestamp", _text(datetime.now(UTC)))
        with self._changed:
            if self._closing or len(self._queue) >= self._most_kept:
                self.counts.lost += 1
                return False
            if event.numbered:
                number = self._numbers[event.path] = self._numbers.get(event.path, 0) + 1
                body |= {"producer": self._producer, "producer_seq": number}
            self._queue.append(_Kept(event.path, body))
            if len(self._queue) >= _MOST_EVENTS:
                self._changed.notify_all()
        return True

    def flush(self, timeout: float = 10.0) -> bool:
        """Wait until all that was taken has been answered or given up; False when that took too long."""
        deadline = time.monotonic() + timeout
        with self._changed:
            self._flushing = True
            self._changed.notify_all()
            while self._queue or self._sending:
                if not self._changed.wait(max(0.0, deadline - time.monotonic())):
                    return False
            return True

    def close(self, timeout: float = 10.0) -> None:
        """Send what there is, and stop; what cannot be sent in time is counted as lost."""
        with self._changed:
            self._closing = True
        self.flush(timeout)
        self._stop.set()
        with self._changed:
            self._changed.notify_all()
        self._thread.join(timeout)
        with self._changed:
            self._lose(len(self._queue), "the client was closed")
            self._queue.clear()
        self._http.close()

    def __enter__(self) -> Self:
        """The client itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def _run(self) -> None:
        while not self._stop.is_set():
            with self._changed:
                if not self._queue:
                    self._flushing = False
                if not (self._flushing or self._closing or len(self._queue) >= _MOST_EVENTS):
                    self._changed.wait(self._every)
                batch = self._take()
            if batch:
                try:
                    self._deliver(batch)
                except Exception as error:  # noqa: BLE001 - the thread's edge: a fault costs its batch, not the thread
                    self._lose(len(batch), f"a fault of {type(error).__name__}")
            elif self._closing:
                self._stop.wait(0.05)
            with self._changed:
                self._sending = False
                self._changed.notify_all()

    def _take(self) -> list[_Kept]:
        """The oldest events of one kind; called with the lock."""
        batch: list[_Kept] = []
        while self._queue and len(batch) < _MOST_EVENTS and (not batch or self._queue[0].path == batch[0].path):
            batch.append(self._queue.popleft())
        self._sending = bool(batch)
        return batch

    def _deliver(self, batch: list[_Kept]) -> None:
        for attempt in range(self._most_attempts):
            answer = self._post(batch)
            if (
                answer is not None
                and answer.status_code not in _RETRIED
                and answer.status_code < httpx.codes.INTERNAL_SERVER_ERROR
            ):
                self._settle(batch, answer)
                return
            if attempt + 1 == self._most_attempts or self._stop.wait(self._pause(attempt, answer)):
                break
        self._lose(len(batch), f"the API did not take them: {answer.status_code if answer else 'no answer'}")

    def _post(self, batch: list[_Kept]) -> httpx.Response | None:
        token = self._token if isinstance(self._token, str) else self._token()
        headers = {"Authorization": f"Bearer {token}"}
        if self._consent_level is not None:
            headers["X-Consent-Level"] = str(self._consent_level)
        try:
            return self._http.post(batch[0].path, json={"events": [kept.body for kept in batch]}, headers=headers)
        except httpx.HTTPError:
            return None

    def _pause(self, attempt: int, answer: httpx.Response | None) -> float:
        asked = answer.headers.get("Retry-After", "") if answer is not None else ""
        if asked.isdecimal():
            return min(_LONGEST_PAUSE, float(asked))
        return min(_LONGEST_PAUSE, self._first_pause * float(2**attempt)) * random.uniform(0.5, 1)  # noqa: S311 - no secret

    def _settle(self, batch: list[_Kept], answer: httpx.Response) -> None:
        found = answer.json() if answer.headers.get("Content-Type", "").startswith("application/") else {}
        results = found.get("results") if isinstance(found, dict) else None
        if results is not None:
            for result in results:
                setattr(self.counts, result["status"], getattr(self.counts, result["status"]) + 1)
        elif answer.status_code in _REFUSED_WHOLE and len(batch) > 1:
            # Too large or unreadable as a whole: each half by itself, so that one event costs no other.
            self._deliver(batch[: len(batch) // 2])
            self._deliver(batch[len(batch) // 2 :])
        else:
            self._lose(len(batch), f"the API refused them: {answer.status_code}")

    def _lose(self, number: int, why: str) -> None:
        if number:
            self.counts.lost += number
            _log.warning("%d telemetry events were lost: %s", number, why)
