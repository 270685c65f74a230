"""What a token says beside who: purposes; and where it may be missing, what counts as none."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from pydantic import SecretStr

from telemetry_platform.api.jwks import JwksUrl
from telemetry_platform.api.tokens import SecretKey, TokenVerifier
from telemetry_platform.settings import Settings, TokenSettings
from telemetry_platform_tests.api.serving import claims_of
from telemetry_platform_tests.api.test_failures import unused_port

if TYPE_CHECKING:
    from telemetry_platform.api.tokens import Caller

SECRET = "a development secret that is long enough"
EXPECTED = TokenSettings.model_validate({"secret": SecretStr(SECRET)})


def signed(**claims: Any) -> str:  # noqa: ANN401 - JSON values
    return jwt.encode(claims_of(Settings(), **claims), SECRET, algorithm="HS256")


def verifier() -> TokenVerifier:
    return TokenVerifier(SecretKey(SECRET), EXPECTED, time.time)


def optional(authorization: list[bytes]) -> Caller | None:
    return asyncio.run(verifier().verify_optional(authorization))


@pytest.mark.parametrize(
    ("claim", "purposes"),
    [
        (["pose"], {"pose"}),
        (["pose", "research", "pose"], {"pose", "research"}),
        ([], set()),
        (None, set()),
        ("pose", set()),
        ({"pose": True}, set()),
        (["pose", 7, None, ["x"], "", "x" * 33], {"pose"}),
    ],
)
def test_purposes_are_a_list_of_short_texts_and_nothing_else_costs_the_token(claim: object, purposes: set[str]) -> None:
    caller = asyncio.run(verifier().verify([f"Bearer {signed(purposes=claim)}".encode()]))
    assert caller.purposes == purposes


def test_where_a_token_may_be_missing_one_that_is_not_valid_counts_as_none() -> None:
    valid = signed().encode()
    caller = optional([b"Bearer " + valid])
    assert caller is not None
    assert caller.actor_id == "user-1"
    foreign = jwt.encode(claims_of(Settings()), "x" * 32, algorithm="HS256").encode()
    expired = signed(exp=1).encode()
    for lines in (
        [],
        [b""],
        [b"Bearer"],
        [b"Bearer \xff\xfe"],
        [b"Bearer " + foreign],
        [b"Bearer " + expired],
        [b"Basic " + valid],
        [valid],
        [b"Bearer " + valid] * 2,
        [b"Bearer " + signed(sub=7).encode()],
    ):
        assert optional(lines) is None


def test_a_report_is_not_lost_because_the_identity_provider_does_not_answer() -> None:
    key = generate_private_key(SECP256R1())
    token = jwt.encode(claims_of(Settings()), key, algorithm="ES256", headers={"kid": "k1"})
    with unused_port(listening=False) as port:
        source = JwksUrl(f"http://127.0.0.1:{port}/jwks", time.monotonic)
        found = asyncio.run(
            TokenVerifier(source, EXPECTED, time.time).verify_optional([f"Bearer {token}".encode()]),
        )
    assert found is None
