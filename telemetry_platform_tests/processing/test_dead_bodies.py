"""Bodies of dead letters name nobody, and can be replayed."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import orjson
import pytest

from telemetry_platform.contracts.registry import kinds
from telemetry_platform.processing.dead_bodies import scrubbed_body
from telemetry_platform_tests.usecases.landing import an_id, media_body

BODY = media_body(an_id("session"), "heartbeat", datetime(2026, 2, 17, 10, tzinfo=UTC), resolution="720p")


def scrubbed(body: bytes) -> str:
    return scrubbed_body(kinds()["media"], body)


def test_e18_what_columns_may_hold_stays_as_it_is() -> None:
    body = BODY | {"position_seconds": "abc"}
    assert json.loads(scrubbed(json.dumps(body).encode())) == body


@pytest.mark.parametrize("kept", [{"browser_family": "Samsung Internet"}, {"current_bitrate": 4_000_000_000}])
def test_our_own_names_and_figures_within_their_bounds_stay(kept: dict[str, object]) -> None:
    assert json.loads(scrubbed(json.dumps(BODY | kept).encode())) == BODY | kept


@pytest.mark.parametrize(
    "changes",
    [
        {"session_id": "ana@example.com"},
        {"ip_truncated": "203.0.113.9"},
        {"user_id": "ana@example.com"},
        {"ana@example.com": 1},
        {"data": {"note": ["ana@example.com", "203.0.113.9"]}},
        {"error_message": "User ana@example.com failed from 203.0.113.9"},
        {"phone": 40_721_234_567},
        {"phone": 40_721_234_567.0},
        {"position_seconds": 40_721_234_567},
        {"bitrate_before": 40_721_234_567},
        {"media_id": "Ana Popescu"},
        {"media_id": "ana_popescu"},
        {"media_type": "Ana Popescu"},
        {"name": "Ana Popescu"},
        {"Ana Popescu": 1},
    ],
)
def test_what_could_name_a_person_does_not_rest(changes: dict[str, object]) -> None:
    text = scrubbed(json.dumps(BODY | changes).encode())
    for secret in ("ana@example.com", "203.0.113.9", "40721234567", "opescu"):
        assert secret not in text
    assert json.loads(text)["resolution"] == "720p"


def test_a_body_that_is_no_json_is_scrubbed_as_text() -> None:
    assert scrubbed(b'{"mail": "ana@example.com", \xff\0') == '{"mail": "[email]", ��'


def test_json_in_a_column_is_json_afterwards() -> None:
    properties = {"note": "mail ana@example.com", "token": "abc", "plan": "token: 1", "count": 3}
    text = scrubbed_body(kinds()["analytics"], json.dumps({"properties": orjson.dumps(properties).decode()}).encode())
    assert json.loads(json.loads(text)["properties"]) == {
        "note": "mail [email]",
        "token": "[value]",
        "plan": "token: [secret]",
        "count": 3,
    }


def test_what_the_payload_takes_stays_whatever_it_looks_like() -> None:
    body = {"error_code": "0x80004005", "fingerprint": "0123456789abcdef0123456789abcdef", "app_version": "4.2.1"}
    assert json.loads(scrubbed_body(kinds()["errors"], json.dumps(body).encode())) == body


def test_a_long_body_stays_whole() -> None:
    properties = {f"p{number}": "x" * 4_000 for number in range(32)}
    body = {"properties": orjson.dumps(properties).decode()}
    assert json.loads(scrubbed_body(kinds()["analytics"], json.dumps(body).encode())) == body
