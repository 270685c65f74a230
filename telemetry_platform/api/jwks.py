"""Public keys from a JWKS, in a file or behind a URL.

Invariants: a key is for one algorithm only, which follows from its type (RSA: RS256, P-256: ES256), whatever the
document or a token says; symmetric keys in it are ignored. An unknown key id fetches the document again once a minute
at most, so that made-up ids cannot make us hammer the identity provider.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from telemetry_platform.api.tokens import VerificationKey
from telemetry_platform.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_REFRESH_SECONDS = 60.0
_TIMEOUT_SECONDS = 5.0
_LARGEST_DOCUMENT = 512 * 1024
_SMALLEST_RSA = 2048


def read_keys(document: Any) -> dict[str | None, VerificationKey]:  # noqa: ANN401 - whatever JSON held
    """The usable keys of a JWKS by their ids. Raises ValueError when it has none."""
    try:
        keys = jwt.PyJWKSet.from_dict(document).keys
    except (jwt.PyJWTError, AttributeError, TypeError) as error:
        raise ValueError("no JWKS") from error
    found: dict[str | None, VerificationKey] = {}
    for each in keys:
        algorithm = _algorithm(each.key)
        if algorithm is not None and each.public_key_use in {None, "sig"}:
            found[each.key_id] = VerificationKey(each.key, algorithm)
    if not found:
        raise ValueError("no RS256 or ES256 key in the JWKS")
    return found


def _algorithm(key: object) -> str | None:
    if isinstance(key, RSAPublicKey) and key.key_size >= _SMALLEST_RSA:
        return "RS256"
    if isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1):
        return "ES256"
    return None


class _KeySet:
    """Keys by id; a token without an id means the only key, when there is but one."""

    def __init__(self) -> None:
        self.keys: dict[str | None, VerificationKey] = {}

    def find(self, kid: str | None) -> VerificationKey | None:
        """The key of that id."""
        if kid is None and len(self.keys) == 1:
            return next(iter(self.keys.values()))
        return self.keys.get(kid) if isinstance(kid, str) else None


class JwksFile(_KeySet):
    """A JWKS in a file, read when the process starts and again for an unknown key id."""

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        super().__init__()
        self._path = path
        self._clock = clock
        self._read_at = clock()
        try:
            self.keys = self._read()
        except (OSError, ValueError):
            raise ConfigurationError(
                "the file of TELEMETRY_API__TOKEN__JWKS_FILE is no JWKS with an RS256 or ES256 key"
            ) from None

    async def refresh(self) -> None:
        """Read the file again; what is known stays when it cannot be read."""
        if self._clock() - self._read_at < _REFRESH_SECONDS:
            return
        self._read_at = self._clock()
        try:
            self.keys = await asyncio.to_thread(self._read)
        except (OSError, ValueError):
            return

    def _read(self) -> dict[str | None, VerificationKey]:
        import json

        return read_keys(json.loads(self._path.read_text(encoding="utf-8")))


class JwksUrl(_KeySet):
    """A JWKS behind an https URL (http on loopback, for tests), fetched when a key is first needed."""

    def __init__(self, url: str, clock: Callable[[], float]) -> None:
        super().__init__()
        parts = urlsplit(url)
        if parts.scheme != "https" and parts.hostname not in {"127.0.0.1", "localhost", "::1"}:
            raise ConfigurationError("TELEMETRY_API__TOKEN__JWKS_URL must begin with https://")
        self._url = url
        self._clock = clock
        self._tried_at: float | None = None
        self._fetching: asyncio.Task[None] | None = None

    async def refresh(self) -> None:
        """Fetch the document, once a minute at most; all requests that need it wait for the same fetch."""
        if self._fetching is None or self._fetching.done():
            if self._tried_at is not None and self._clock() - self._tried_at < _REFRESH_SECONDS:
                return
            self._tried_at = self._clock()
            self._fetching = asyncio.ensure_future(self._fetch())
        await asyncio.shield(self._fetching)

    async def _fetch(self) -> None:
        try:
            async with httpx.AsyncClient(timeout=_TIMEOUT_SECONDS, follow_redirects=False) as client:
                answer = await client.get(self._url)
            if answer.is_success and len(answer.content) <= _LARGEST_DOCUMENT:
                self.keys = read_keys(answer.json())
        except (httpx.HTTPError, ValueError):
            return  # what is known stays; the token that asked is refused, and the next try comes in a minute
