"""Which key tokens are verified with: exactly one source in the settings, and what follows from its type."""

from __future__ import annotations

import time
from ipaddress import ip_address
from typing import TYPE_CHECKING

from telemetry_platform.api.jwks import JwksFile, JwksUrl
from telemetry_platform.api.tokens import SecretKey
from telemetry_platform.errors import ConfigurationError

if TYPE_CHECKING:
    from telemetry_platform.api.tokens import KeySource
    from telemetry_platform.settings import ApiSettings

_SECRET_BYTES = 32


def is_loopback(host: str) -> bool:
    """Whether an address to bind can be reached from this machine only."""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def key_source(settings: ApiSettings) -> tuple[KeySource, bool]:
    """The source, and whether it is a shared secret (which is for loopback only)."""
    token = settings.token
    given = [source for source in (token.secret, token.jwks_file, token.jwks_url) if source is not None]
    if len(given) != 1:
        raise ConfigurationError(
            "set exactly one of TELEMETRY_API__TOKEN__JWKS_URL, TELEMETRY_API__TOKEN__JWKS_FILE and, for development, "
            f"TELEMETRY_API__TOKEN__SECRET ({len(given)} are set)"
        )
    if token.jwks_url is not None:
        return JwksUrl(token.jwks_url, time.monotonic), False
    if token.jwks_file is not None:
        return JwksFile(token.jwks_file, time.monotonic), False
    secret = token.secret.get_secret_value() if token.secret else ""
    if len(secret.encode()) < _SECRET_BYTES:
        raise ConfigurationError(f"TELEMETRY_API__TOKEN__SECRET must be at least {_SECRET_BYTES} bytes long")
    if not is_loopback(settings.host):
        raise ConfigurationError(
            "a shared secret is for development: TELEMETRY_API__HOST must be a loopback address, or set a JWKS instead"
        )
    return SecretKey(secret), True
