"""When Redis takes a request and its answer is lost: the client is told so, and sending again counts nothing twice."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

import pytest
from pydantic import SecretStr

from telemetry_platform_tests.api.relay import relay
from telemetry_platform_tests.api.serving import event, serving

if TYPE_CHECKING:
    from telemetry_platform.settings import Settings


@pytest.mark.parametrize("level", ["1", "2"])
def test_a_lost_answer_is_told_as_unknown_and_the_retry_has_the_same_ids(empty_platform: Settings, level: str) -> None:
    parts = urlsplit(empty_platform.redis.url.get_secret_value())
    assert parts.hostname is not None
    assert parts.port is not None
    with relay(parts.hostname, parts.port) as between:
        user = parts.netloc.rpartition("@")[0]
        url = urlunsplit(parts._replace(netloc=f"{user}@127.0.0.1:{between.port}"))
        changed = empty_platform.redis.model_copy(update={"url": SecretStr(url)})
        with serving(empty_platform.model_copy(update={"redis": changed})) as api:
            sent = {"events": [event("session_start"), event("error", data={"error_code": "E1"})]}
            # The pins of both sessions are known before, so that the transaction is what is cut off.
            assert api.post(sent, {"X-Consent-Level": level}).status_code == 202
            between.mutes_at = b"MULTI"
            answer = api.post(sent, {"X-Consent-Level": level})
            between.mutes_at, between.is_mute = None, False
            assert (answer.status_code, answer.json()["code"]) == (503, "outcome_unknown")
            assert "not known" in answer.json()["detail"]
            assert int(answer.headers["retry-after"]) > 0
            assert api.post(sent, {"X-Consent-Level": level}).status_code == 202
            for kind, number in {"1": {"drops": 2, "errors": 1}, "2": {"media": 2, "errors": 1}}[level].items():
                entries = api.entries(kind)
                ids = [entry["event_id"] for entry in entries]
                # Three times the same: taken, taken without an answer, taken again.
                assert ids == ids[:number] * 3
                assert len(set(ids)) == number
                first, unanswered, again = (entries[at]["producer"] for at in (0, number, -1))
                # The request whose outcome is unknown is no gap in the numbers of the next one.
                assert first == unanswered != again
