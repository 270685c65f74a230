"""Tokens, addresses, bodies over raw sockets, and how the API behaves when a store does not."""

from __future__ import annotations

import json
import re
import socket
import time
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from telemetry_platform.api.app import create_app
from telemetry_platform.contracts.event_kind import Role
from telemetry_platform.contracts.registry import kinds
from telemetry_platform.errors import ConfigurationError
from telemetry_platform_tests.api.serving import MEDIA, Api, claims_of, event

if TYPE_CHECKING:
    from telemetry_platform.settings import Settings


def status_of(api: Api, token: str) -> int:
    return api.client.post(MEDIA, json=event(), headers={"Authorization": f"Bearer {token}"}).status_code


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": None},
        {"iss": None},
        {"aud": None},
        {"sub": None},
        {"org_id": None},
        {"exp": int(time.time()) - 60},
        {"iss": "somebody"},
        {"aud": "something"},
        {"sub": 7},
        {"sub": ""},
        {"org_id": 7},
        {"org_id": "x" * 300},
        {"org_id": "a\x00b"},
        {"org_id": "ana@example.com"},
        {"org_id": "203.0.113.9"},
        {"roles": "patient"},
        {"nbf": int(time.time()) + 600},
    ],
)
def test_a_token_without_what_is_demanded_is_refused(shared_api: Api, claims: dict[str, Any]) -> None:
    answer = shared_api.post(event(), **claims)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


def test_an_unsigned_token_is_refused(shared_api: Api) -> None:
    assert status_of(shared_api, jwt.encode(claims_of(shared_api.settings), "", algorithm="none")) == 401


def test_a_token_of_another_secret_or_none_is_refused(shared_api: Api) -> None:
    assert status_of(shared_api, jwt.encode(claims_of(shared_api.settings), "x" * 32, algorithm="HS256")) == 401
    for token in ("a.b.c", "x" * 9_000, "e30.e30.", "....", "bearer"):
        assert status_of(shared_api, token) == 401
    assert shared_api.client.post(MEDIA, json=event()).status_code == 401


@pytest.mark.parametrize("roles", [[], ["analyst"], ["service", "support"], ["root"]])
def test_a_role_that_may_not_post_is_refused(shared_api: Api, roles: list[str]) -> None:
    assert shared_api.post(event(), roles=roles).status_code == 403


def test_settings_that_cannot_be_right_stop_the_start(empty_platform: Settings) -> None:
    def configured(**changes: Any) -> Settings:  # noqa: ANN401 - values of settings
        token = empty_platform.api.token.model_copy(update=changes.pop("token", {}))
        return empty_platform.model_copy(
            update={"api": empty_platform.api.model_copy(update={"token": token, **changes})}
        )

    for wrong, named in (
        (configured(token={"secret": SecretStr("short")}), "TELEMETRY_API__TOKEN__SECRET"),
        (configured(token={"secret": None}), "TELEMETRY_API__TOKEN__JWKS_URL"),
        (configured(token={"jwks_url": "https://core.example/jwks"}), "exactly one"),
        (configured(host="0.0.0.0"), "TELEMETRY_API__HOST"),  # noqa: S104 - what must be refused
        (configured(token={"secret": None, "jwks_url": "http://core.example/jwks"}), "https"),
    ):
        with pytest.raises(ConfigurationError, match=named):
            create_app(wrong)


def raw_request(api: Api, head: list[str], body: bytes) -> bytes:
    """Send bytes as they are and read the answer's head."""
    auth = [f"{name}: {value}" for name, value in api.headers().items()]
    lines = [f"POST {MEDIA} HTTP/1.1", "Host: localhost", "Content-Type: application/json", *auth, *head]
    with socket.create_connection(("127.0.0.1", api.port), timeout=10) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        answer = b""
        while b"\r\n\r\n" not in answer:
            part = connection.recv(65536)
            if not part:
                break
            answer += part
    return answer


def test_e25_a_body_of_one_byte_too_many_is_refused(shared_api: Api) -> None:
    answer = shared_api.post(b" " * (1024 * 1024 + 1))
    assert answer.status_code == 413
    assert str(1024 * 1024) in answer.json()["detail"]
    assert shared_api.post(b" " * (1024 * 1024)).status_code == 400


def test_e25_a_chunked_body_without_a_length_is_refused_too(shared_api: Api) -> None:
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    answer = raw_request(shared_api, ["Transfer-Encoding: chunked"], chunk * 17)
    assert answer.startswith(b"HTTP/1.1 413")


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Encoding": "gzip"},
        {"Content-Encoding": "br"},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/json; charset=utf-16"},
        {"Content-Type": ""},
    ],
)
def test_other_types_and_compressed_bodies_are_refused(shared_api: Api, headers: dict[str, str]) -> None:
    assert shared_api.post(event(), headers).status_code == 415


def test_answers_carry_no_server_name_and_guard_the_browser(shared_api: Api) -> None:
    answer = shared_api.post(event())
    assert "server" not in answer.headers
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("default-src 'self'")


def test_unknown_routes_and_methods_are_problems(shared_api: Api) -> None:
    for answer, status in ((shared_api.client.get("/no/such"), 404), (shared_api.client.get(MEDIA), 405)):
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"


def test_health_names_each_part(shared_api: Api) -> None:
    assert shared_api.client.get("/health/live").json() == {"status": "alive"}
    ready = shared_api.client.get("/health/ready")
    assert ready.status_code == 200
    assert set(ready.json()["checks"]) == {"redis", "key_list", "queue_room", "decisions", "exclusions"}


def test_every_example_of_the_document_works_as_it_stands(shared_api: Api) -> None:
    document = shared_api.client.get("/openapi.json").json()
    posts = {
        path: item["post"]
        for path, item in document["paths"].items()
        if "events" in item.get("post", {}).get("tags", ())
    }
    assert {kind.endpoint.path for kind in kinds().values() if kind.endpoint} == set(posts)
    everybody = shared_api.headers(roles=[role.value for role in Role], purposes=["pose"]) | {"X-Consent-Level": "3"}
    for path, operation in posts.items():
        examples = operation["requestBody"]["content"]["application/json"]["examples"]
        for example in examples.values():
            answer = shared_api.client.post(path, json=example["value"], headers=everybody)
            assert answer.status_code == 202, example
            results = answer.json().get("results", [answer.json()])
            assert {result["status"] for result in results} == {"accepted"}


def test_the_docs_page_and_all_that_it_loads_come_from_our_own_origin(shared_api: Api) -> None:
    page = shared_api.client.get("/docs")
    assert page.status_code == 200
    assert "/openapi.json" in page.text
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    files = [address for address in loaded if address != "data:,"]
    assert len(files) >= 5
    for address in files:
        assert address.startswith("/"), address
        assert not address.startswith("//"), address
        answer = shared_api.client.get(address)
        assert answer.status_code == 200, address
        assert answer.content, address
    scripts = re.findall(r"<script\b([^>]*)>(.*?)</script>", page.text, re.DOTALL)
    assert scripts
    assert all("src=" in attributes and not inline for attributes, inline in scripts)


def test_the_policy_of_the_docs_page_allows_nothing_foreign_and_nothing_inline(shared_api: Api) -> None:
    policy = shared_api.client.get("/docs").headers["content-security-policy"]
    parts = {name: values for name, *values in (part.split() for part in policy.split(";"))}
    assert parts["default-src"] == ["'self'"]
    assert parts.pop("img-src") == ["'self'", "data:"]
    allowed = {value for values in parts.values() for value in values}
    assert allowed == {"'self'", "'none'"}
    assert "script-src" not in parts


keys = st.sampled_from(["events", "event", "data", "session_id", "timestamp", "x"])
scalars = st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20)
documents = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4))


@given(st.binary(max_size=300) | documents.map(lambda value: json.dumps(value).encode()))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_comes_is_refused_and_never_half_taken(untouched_api: Api, body: bytes) -> None:
    answer = untouched_api.post(body)
    assert 400 <= answer.status_code < 500
    assert answer.headers["content-type"].startswith("application/")
    assert untouched_api.entries("media") == []


def test_a_path_with_a_slash_too_many_is_not_found_and_names_no_host(shared_api: Api) -> None:
    for path in (f"{MEDIA}/", "/docs/", "/health/live/", "//evil.example/"):
        answer = shared_api.client.post(path, json=event(), headers={**shared_api.headers(), "Host": "evil.example"})
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
        assert "evil" not in f"{answer.text}{answer.headers}"
