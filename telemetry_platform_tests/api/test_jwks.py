"""Public keys of tokens: from a file or a URL, for one algorithm each, believed no longer than they are published."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from telemetry_platform.api.jwks import JwksFile, JwksUrl
from telemetry_platform.api.problems import ProblemError
from telemetry_platform.api.tokens import TokenVerifier
from telemetry_platform.errors import TransientError
from telemetry_platform_tests.api.serving import MEDIA, Api, claims_of, event, serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from telemetry_platform.settings import Settings


def status_of(api: Api, token: str) -> int:
    return api.client.post(MEDIA, json=event(), headers={"Authorization": f"Bearer {token}"}).status_code


def jwk(key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey, kid: str) -> dict[str, Any]:
    algorithm: Any = jwt.algorithms.RSAAlgorithm if isinstance(key, rsa.RSAPublicKey) else jwt.algorithms.ECAlgorithm
    return {**algorithm.to_jwk(key, as_dict=True), "kid": kid}


def with_jwks(platform: Settings, **source: Any) -> Settings:  # noqa: ANN401 - values of settings
    token = platform.api.token.model_copy(update={"secret": None, **source})
    return platform.model_copy(update={"api": platform.api.model_copy(update={"token": token})})


def test_the_algorithm_follows_the_key_and_not_the_token(empty_platform: Settings, tmp_path: Path) -> None:
    rsa_key = rsa.generate_private_key(65537, 2048)
    ec_key = ec.generate_private_key(ec.SECP256R1())
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps({"keys": [jwk(rsa_key.public_key(), "r"), jwk(ec_key.public_key(), "e")]}))
    configured = with_jwks(empty_platform, jwks_file=file)
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


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = float(int(time.time()))

    def __call__(self) -> float:
        return self.now


class Provider(HTTPServer):
    """An identity provider that publishes keys, and counts how often it is asked."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.keys: list[dict[str, Any]] = []
        self.asked = 0
        self.url = f"http://127.0.0.1:{self.server_port}/jwks.json"


class _Answer(BaseHTTPRequestHandler):
    server: Provider

    def do_GET(self) -> None:
        self.server.asked += 1
        body = json.dumps({"keys": self.server.keys}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that the library calls it by
        """Say nothing."""


@contextmanager
def provider(*keys: dict[str, Any]) -> Iterator[Provider]:
    with Provider() as running:
        running.keys = list(keys)
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        try:
            yield running
        finally:
            running.shutdown()
            thread.join(10)


def signed(settings: Settings, key: ec.EllipticCurvePrivateKey, kid: str) -> str:
    return jwt.encode(claims_of(settings, exp=int(time.time()) + 7200), key, algorithm="ES256", headers={"kid": kid})


def test_keys_behind_a_url_are_fetched_once_whatever_ids_are_made_up(empty_platform: Settings) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    with provider(jwk(key.public_key(), "e")) as published:
        with serving(with_jwks(empty_platform, jwks_url=published.url)) as api:
            # Whatever tokens come: the process itself looks whether its keys are old.
            deadline = time.monotonic() + 20
            while not published.asked:
                assert time.monotonic() < deadline
                time.sleep(0.02)
            assert status_of(api, signed(api.settings, key, "e")) == 202
            for number in range(5):
                assert status_of(api, signed(api.settings, key, f"made-up-{number}")) == 401
        assert published.asked == 1


def test_a_new_key_is_found_after_a_minute(empty_platform: Settings) -> None:
    old, new = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    clock = Clock()

    async def play(published: Provider) -> None:
        keys = JwksUrl(published.url, clock)
        verifier = TokenVerifier(keys, empty_platform.api.token, clock)
        header = [b"Bearer " + signed(empty_platform, new, "new").encode()]
        with pytest.raises(ProblemError):
            await verifier.verify(header)
        published.keys.append(jwk(new.public_key(), "new"))
        clock.now += 59
        with pytest.raises(ProblemError):
            await verifier.verify(header)
        clock.now += 1
        assert (await verifier.verify(header)).actor_id == "user-1"

    with provider(jwk(old.public_key(), "old")) as published:
        asyncio.run(play(published))
        assert published.asked == 2


def test_a_key_that_was_withdrawn_is_refused_after_ten_minutes(empty_platform: Settings, tmp_path: Path) -> None:
    withdrawn, other = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    both = [jwk(withdrawn.public_key(), "withdrawn"), jwk(other.public_key(), "other")]
    file = tmp_path / "jwks.json"
    header = [b"Bearer " + signed(empty_platform, withdrawn, "withdrawn").encode()]

    async def play(keys: JwksFile | JwksUrl, published: Provider, clock: Clock) -> None:
        verifier = TokenVerifier(keys, empty_platform.api.token, clock)
        await keys.renew()
        await verifier.verify(header)
        file.write_text(json.dumps({"keys": both[1:]}))
        published.keys = both[1:]
        clock.now += 599
        await keys.renew()
        await verifier.verify(header)
        clock.now += 61
        await keys.renew()
        with pytest.raises(ProblemError) as refused:
            await verifier.verify(header)
        assert refused.value.status == 401

    with provider() as published:
        for make in (lambda clock: JwksFile(file, clock), lambda clock: JwksUrl(published.url, clock)):
            file.write_text(json.dumps({"keys": both}))
            published.keys = both
            clock = Clock()
            asyncio.run(play(make(clock), published, clock))


def test_a_document_that_cannot_be_read_is_said_and_what_is_known_stays(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    file = tmp_path / "jwks.json"
    file.write_text(json.dumps({"keys": [jwk(key.public_key(), "e")]}))
    clock = Clock()
    keys = JwksFile(file, clock)
    file.write_text("{}")
    clock.now += 600
    with pytest.raises(TransientError, match="TELEMETRY_API__TOKEN__JWKS_FILE"):
        asyncio.run(keys.renew())
    assert keys.find("e") is not None
