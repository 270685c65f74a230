"""Public keys from a JWKS, in a file or behind a URL.

Invariants: a key is for one algorithm only, which follows from its type (RSA: RS256, P-256: ES256), whatever the
document or a token says; symmetric keys in it are ignored. The document is read again when it is ten minutes old,
whatever tokens come, so that a key that was withdrawn is not believed until the process ends; and for an unknown key
id, but once a minute at most, so that made-up ids cannot make us hammer the identity provider. While the document
cannot be read, the known keys stay: an outage of the identity provider signs nobody out.
"""

from __future__ import annotations

import asyncio
import json
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from telemetry_platform.api.tokens import VerificationKey
from telemetry_platform.errors import ConfigurationError, TransientError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_REFRESH_SECONDS = 60.0
_RENEW_SECONDS = 600.0
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


class _KeySet(ABC):
    """Keys by id; a token without an id means the only key, when there is but one. `clock` gives seconds."""

    def __init__(self, setting: str, clock: Callable[[], float]) -> None:
        self.keys: dict[str | None, VerificationKey] = {}
        self._setting = setting
        self._clock = clock
        self._tried_at: float | None = None
        self._read_at: float | None = None
        self._reading: asyncio.Task[None] | None = None

    def find(self, kid: str | None) -> VerificationKey | None:
        """The key of that id."""
        if kid is None and len(self.keys) == 1:
            return next(iter(self.keys.values()))
        return self.keys.get(kid) if isinstance(kid, str) else None

    async def refresh(self) -> None:
        """Read the document, once a minute at most; all requests that need it wait for the same reading."""
        if self._reading is None or self._reading.done():
            if self._tried_at is not None and self._clock() - self._tried_at < _REFRESH_SECONDS:
                return
            self._tried_at = self._clock()
            self._reading = asyncio.ensure_future(self._read())
        await asyncio.shield(self._reading)

    async def renew(self) -> None:
        """Read the document again when it is old. Raises TransientError while it stays so."""
        if self._is_old():
            await self.refresh()
        if self._is_old():
            raise TransientError(
                f"no JWKS can be read from {self._setting}: check that it is there; the keys that are known stay"
            )

    def _is_old(self) -> bool:
        return self._read_at is None or self._clock() - self._read_at >= _RENEW_SECONDS

    async def _read(self) -> None:
        began = self._clock()
        try:
            self.keys = await self._load()
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError):
            return  # what is known stays; the token that asked is refused, and the next try comes in a minute
        self._read_at = began

    @abstractmethod
    async def _load(self) -> dict[str | None, VerificationKey]:
        """The keys of the document as it is now."""


class JwksFile(_KeySet):
    """A JWKS in a file, which must be there when the process starts."""

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        super().__init__("the file of TELEMETRY_API__TOKEN__JWKS_FILE", clock)
        self._path = path
        try:
            self.keys = self._keys_of_file()
        except (OSError, ValueError):
            raise ConfigurationError(
                "the file of TELEMETRY_API__TOKEN__JWKS_FILE is no JWKS with an RS256 or ES256 key"
            ) from None
        self._tried_at = self._read_at = clock()

    async def _load(self) -> dict[str | None, VerificationKey]:
        return await asyncio.to_thread(self._keys_of_file)

    def _keys_of_file(self) -> dict[str | None, VerificationKey]:
        return read_keys(json.loads(self._path.read_text(encoding="utf-8")))


class JwksUrl(_KeySet):
    """A JWKS behind an https URL (http on loopback, for tests)."""

    def __init__(self, url: str, clock: Callable[[], float]) -> None:
        super().__init__("TELEMETRY_API__TOKEN__JWKS_URL", clock)
        parts = urlsplit(url)
        if parts.scheme != "https" and parts.hostname not in {"127.0.0.1", "localhost", "::1"}:
            raise ConfigurationError("TELEMETRY_API__TOKEN__JWKS_URL must begin with https://")
        self._url = url

    async def _load(self) -> dict[str | None, VerificationKey]:
        async with httpx.AsyncClient(timeout=_TIMEOUT_SECONDS, follow_redirects=False) as client:
            answer = await client.get(self._url)
        if not answer.is_success or len(answer.content) > _LARGEST_DOCUMENT:
            raise ValueError("no JWKS")
        return read_keys(answer.json())
