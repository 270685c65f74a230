"""Who speaks: JWTs, verified against the one configured key source.

Invariants: the algorithm follows from the type of the configured key, never from a token's header; `exp`, `iss`, `aud`,
`sub` and `org_id` are demanded; a token that was verified is remembered for a minute at most and never past its `exp`.
"""

from __future__ import annotations

import hashlib
import re
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import jwt

from telemetry_platform.api.problems import ProblemError
from telemetry_platform.contracts.event_kind import Role
from telemetry_platform.contracts.sightings import SIGNATURE_INVALID, TOKEN_EXPIRED
from telemetry_platform.processing.column_rules import EMAIL_OR_ADDRESS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from telemetry_platform.contracts.sightings import Sighting
    from telemetry_platform.settings import TokenSettings

_REQUIRED = ["exp", "iss", "aud", "sub", "org_id"]
_LONGEST_TOKEN = 8192
_LONGEST_ID = 256
_LONGEST_PURPOSE = 32
_REMEMBERED = 4096
_REMEMBERED_SECONDS = 60.0
_PERSONAL = re.compile(EMAIL_OR_ADDRESS)
_ROLES = {role.value: role for role in Role}


@dataclass(frozen=True)
class VerificationKey:
    """A key with the only algorithm that it is for."""

    key: Any = field(repr=False)
    algorithm: str


class KeySource(Protocol):
    """Where the key of a token is found."""

    def find(self, kid: str | None) -> VerificationKey | None:
        """The key of that id, if it is known."""
        ...

    async def refresh(self) -> None:
        """Look for new keys, when it is time to."""
        ...

    async def renew(self) -> None:
        """Look for keys that were withdrawn, when the last look is long ago."""
        ...


class SecretKey:
    """The shared secret of development."""

    def __init__(self, secret: str) -> None:
        self._key = VerificationKey(secret, "HS256")

    def find(self, kid: str | None) -> VerificationKey:  # noqa: ARG002 - there is one key, whatever its name
        """The secret."""
        return self._key

    async def refresh(self) -> None:
        """A secret does not change while a process runs."""

    async def renew(self) -> None:
        """The same."""


@dataclass(frozen=True)
class Caller:
    """The person or service behind a token."""

    actor_id: str = field(repr=False)
    org_id: str
    roles: frozenset[Role]
    expires_at: float
    purposes: frozenset[str] = frozenset()
    """What the person agreed to by name, beside the level: the claim `purposes`."""
    digest: bytes = field(default=b"", repr=False, compare=False)
    """Of what the token's signature covers: tells tokens apart within this process, and goes nowhere as it is."""


class TokenVerifier:
    """Verifies bearer tokens; `clock` gives seconds since 1970."""

    def __init__(self, source: KeySource, settings: TokenSettings, clock: Callable[[], float]) -> None:
        self._source = source
        self._settings = settings
        self._clock = clock
        self._known: OrderedDict[str, tuple[float, Caller]] = OrderedDict()

    async def verify(self, authorization: list[bytes]) -> Caller:
        """The caller. Raises ProblemError (401) that says no more than what to send."""
        token = _bearer(authorization)
        now = self._clock()
        known = self._known.get(token)
        if known is not None and known[0] > now:
            return known[1]
        caller = self._caller(await self._claims(token), _digest(token))
        self._known[token] = (min(now + _REMEMBERED_SECONDS, caller.expires_at + self._settings.leeway_seconds), caller)
        self._known.move_to_end(token)
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return caller

    async def verify_optional(self, authorization: list[bytes]) -> Caller | None:
        """The caller, or None: where a token may be missing, one that is not valid counts as none."""
        if not authorization:
            return None
        try:
            return await self.verify(authorization)
        except ProblemError:
            return None

    async def _claims(self, token: str) -> dict[str, Any]:
        try:
            kid = jwt.get_unverified_header(token).get("kid")
            key = self._source.find(kid)
            if key is None:
                await self._source.refresh()
                key = self._source.find(kid)
            if key is None:
                raise unauthorised("the token's key is not known", SIGNATURE_INVALID)
            claims: dict[str, Any] = jwt.decode(
                token,
                key.key,
                algorithms=[key.algorithm],
                audience=self._settings.audience,
                issuer=self._settings.issuer,
                leeway=self._settings.leeway_seconds,
                options={"require": _REQUIRED},
            )
        except jwt.ExpiredSignatureError:
            raise unauthorised("the token has expired", TOKEN_EXPIRED) from None
        except (jwt.InvalidSignatureError, jwt.InvalidAlgorithmError):
            raise unauthorised("the token is not valid here", SIGNATURE_INVALID) from None
        except (jwt.InvalidTokenError, ValueError):
            # ValueError: what PyJWT lets through of broken JSON and numbers beyond any date.
            raise unauthorised("the token is not valid here") from None
        return claims

    def _caller(self, claims: dict[str, Any], digest: bytes) -> Caller:
        roles = claims.get("roles", [])
        if not _is_id(claims["sub"]) or not _is_id(claims["org_id"]) or not isinstance(roles, list):
            raise unauthorised("the token must carry `sub` and `org_id` as text and `roles` as a list")
        if _PERSONAL.search(claims["org_id"]):
            # The tenant stands in every row: the drain would put all of this tenant's events aside.
            raise unauthorised("`org_id` must name a tenant, not an e-mail or an address")
        known = frozenset(_ROLES[role] for role in roles if isinstance(role, str) and role in _ROLES)
        purposes = claims.get("purposes")
        named = frozenset(_purposes(purposes)) if isinstance(purposes, list) else frozenset()
        return Caller(claims["sub"], claims["org_id"], known, float(claims["exp"]), named, digest)


def _purposes(claim: list[Any]) -> Iterator[str]:
    """The purposes of a claim: short texts; nothing else counts, and nothing else costs the token."""
    for value in claim:
        if isinstance(value, str) and 0 < len(value) <= _LONGEST_PURPOSE:
            yield value


def _digest(token: str) -> bytes:
    """Not of the signature: some kinds can be written in more than one way and stay valid."""
    return hashlib.sha256(token.rpartition(".")[0].encode()).digest()


def _bearer(lines: list[bytes]) -> str:
    if len(lines) != 1:
        raise unauthorised("send one Authorization header with a bearer token")
    scheme, _, token = lines[0].partition(b" ")
    if scheme.lower() != b"bearer" or len(token) > _LONGEST_TOKEN:
        raise unauthorised("send `Authorization: Bearer <token>`")
    try:
        return token.strip().decode("ascii")
    except UnicodeDecodeError:
        raise unauthorised("the token is not valid here") from None


def _is_id(value: object) -> bool:
    """Text that can be hashed, stored and sent back: not empty, not long, no control characters or lone surrogates."""
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_ID and value.isprintable()


def unauthorised(detail: str, seen: Sighting | None = None) -> ProblemError:
    """The answer to whoever has no valid token."""
    return ProblemError(401, "unauthorised", detail, headers={"WWW-Authenticate": "Bearer"}, seen=seen)
