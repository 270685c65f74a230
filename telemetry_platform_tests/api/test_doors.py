"""Tokens, addresses, bodies over raw sockets, and how the API behaves when a store does not."""

from __future__ import annotations

import base64
import json
import socket
import time
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from telemetry_platform.api.app import create_app
from telemetry_platform.errors import ConfigurationError
from telemetry_platform_tests.api.serving import MEDIA, Api, claims_of, event, serving

if TYPE_CHECKING:
    from pathlib import Path

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


def jwk(key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey, kid: str) -> dict[str, Any]:
    algorithm: Any = jwt.algorithms.RSAAlgorithm if isinstance(key, rsa.RSAPublicKey) else jwt.algorithms.ECAlgorithm
    return {**algorithm.to_jwk(key, as_dict=True), "kid": kid}


def with_jwks(platform: Settings, file: Path) -> Settings:
    token = platform.api.token.model_copy(update={"secret": None, "jwks_file": file})
    return platform.model_copy(update={"api": platform.api.model_copy(update={"token": token})})


def test_the_algorithm_follows_the_key_and_not_the_token(empty_platform: Settings, tmp_path: Path) -> None:
    rsa_key = rsa.generate_private_key(65537, 2048)
    ec_key = ec.generate_private_key(ec.SECP256R1())
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps({"keys": [jwk(rsa_key.public_key(), "r"), jwk(ec_key.public_key(), "e")]}))
    configured = with_jwks(empty_platform, file)
    claims = claims_of(configured)
    with serving(configured) as api:
        for key, algorithm, kid in ((rsa_key, "RS256", "r"), (ec_key, "ES256", "e")):
            token = jwt.encode(claims, key, algorithm=algorithm, headers={"kid": kid})
            assert api.client.post(MEDIA, json=event(), headers={"Authorization": f"Bearer {token}"}).status_code == 202
        # Key confusion: the public key, which everybody has, taken for a shared secret.
        public = rsa_key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        assert status_of(api, forged(claims, public, {"alg": "HS256", "kid": "r"})) == 401
        assert status_of(api, jwt.encode(claims, rsa_key, algorithm="RS512", headers={"kid": "r"})) == 401
        assert status_of(api, jwt.encode(claims, rsa_key, algorithm="RS256", headers={"kid": "e"})) == 401
        assert status_of(api, jwt.encode(claims, rsa_key, algorithm="RS256", headers={"kid": "?"})) == 401


def forged(claims: dict[str, Any], secret: bytes, header: dict[str, str]) -> str:
    """An HS256 token signed with any bytes; the library would refuse a public key as a secret."""
    import hashlib
    import hmac

    def part(raw: bytes) -> bytes:
        return base64.urlsafe_b64encode(raw).rstrip(b"=")

    signed = part(json.dumps(header).encode()) + b"." + part(json.dumps(claims).encode())
    return (signed + b"." + part(hmac.digest(secret, signed, hashlib.sha256))).decode()


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


def test_e57_the_address_is_found_behind_trusted_proxies(empty_platform: Settings) -> None:
    trusted = empty_platform.api.model_copy(
        update={"trusted_proxies": (ip_network("127.0.0.0/8"), ip_network("10.0.0.0/8"))}
    )
    with serving(empty_platform.model_copy(update={"api": trusted})) as api:
        for forwarded in ("6.6.6.6, 203.0.113.9", "203.0.113.9, garbage", "6.6.6.6, 203.0.113.9, 10.0.0.9"):
            api.post(event(), {"X-Forwarded-For": forwarded, "Forwarded": "for=6.6.6.6", "X-Real-IP": "6.6.6.6"})
        assert [body["ip_truncated"] for body in api.bodies("media")] == ["203.0.113.0", "127.0.0.0", "203.0.113.0"]


def test_e57_without_trusted_proxies_no_header_is_believed(empty_platform: Settings) -> None:
    alone = empty_platform.api.model_copy(update={"trusted_proxies": ()})
    with serving(empty_platform.model_copy(update={"api": alone})) as api:
        api.post(event(), {"X-Forwarded-For": "6.6.6.6"})
        assert api.bodies("media")[0]["ip_truncated"] == "127.0.0.0"


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


def test_cors_is_an_allow_list(empty_platform: Settings) -> None:
    allowed = empty_platform.api.model_copy(update={"cors_origins": ("https://app.example",)})
    with serving(empty_platform.model_copy(update={"api": allowed})) as api:
        for origin, answer in (("https://app.example", "https://app.example"), ("https://evil.example", None)):
            asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
            found = api.client.options(MEDIA, headers=asked)
            assert found.headers.get("access-control-allow-origin") == answer


def test_health_names_each_part(shared_api: Api) -> None:
    assert shared_api.client.get("/health/live").json() == {"status": "alive"}
    ready = shared_api.client.get("/health/ready")
    assert ready.status_code == 200
    assert set(ready.json()["checks"]) == {"redis", "key_list", "queue_room"}


def test_every_example_of_the_document_works_as_it_stands(shared_api: Api) -> None:
    document = shared_api.client.get("/openapi.json").json()
    posts = {path: item["post"] for path, item in document["paths"].items() if "post" in item}
    assert MEDIA in posts
    for path, operation in posts.items():
        examples = operation["requestBody"]["content"]["application/json"]["examples"]
        for example in examples.values():
            answer = shared_api.client.post(path, json=example["value"], headers=shared_api.headers())
            assert answer.status_code == 202, example
            results = answer.json().get("results", [answer.json()])
            assert {result["status"] for result in results} == {"accepted"}


def test_the_docs_page_is_there(shared_api: Api) -> None:
    answer = shared_api.client.get("/docs")
    assert answer.status_code == 200
    assert "/openapi.json" in answer.text


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
