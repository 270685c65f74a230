"""Wrapping of pseudonym keys under the key-encryption key (KEK), so that a dump of the database reveals none.

AES-256-GCM; (domain, epoch) is the associated data, so that a wrapped key cannot be moved to another row. Invariant: no
error or representation shows key bytes.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from telemetry_platform.errors import ConfigurationError

if TYPE_CHECKING:
    from telemetry_platform.contracts.pii import Domain

KEY_BYTES = 32
NONCE_BYTES = 12


@dataclass(frozen=True)
class Kek:
    """The key-encryption key and its name."""

    id: str
    key: bytes = field(repr=False)


_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def parse_kek(kek_id: str | None, text: str, source: str) -> Kek:
    """The KEK from its base64 text, before which its name may stand (`name:base64`), which then is the one that counts.

    `source` names the setting that it came from.
    """
    name, colon, rest = text.strip().partition(":")
    kek_id, encoded = (name, rest) if colon else (kek_id, name)
    if kek_id is None or not _NAME.fullmatch(kek_id):
        raise ConfigurationError(
            f"the key of {source} needs a name of letters, digits, dots and dashes: write `name:base64`, or set the "
            "variable that ends in KEK_ID"
        )
    try:
        key = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise ConfigurationError(f"{source} is not base64: make one with `openssl rand -base64 32`") from None
    if len(key) != KEY_BYTES:
        raise ConfigurationError(
            f"{source} holds {len(key)} bytes and must hold {KEY_BYTES}: make one with `openssl rand -base64 32`"
        )
    return Kek(kek_id, key)


def check_value(kek: Kek) -> bytes:
    """What may rest beside a KEK's name: tells it from every other KEK, and says nothing about it."""
    return hmac.digest(kek.key, b"telemetry: which key-encryption key is this?", "sha256")[:16]


def _associated(domain: Domain, epoch: int) -> bytes:
    return f"{domain.value}:{epoch}".encode()


def wrap(kek: Kek, domain: Domain, epoch: int, key: bytes, nonce: bytes) -> bytes:
    """The key as it may rest in the database; `nonce` is random and used once."""
    return AESGCM(kek.key).encrypt(nonce, key, _associated(domain, epoch))


def unwrap(kek: Kek, domain: Domain, epoch: int, wrapped: bytes, nonce: bytes) -> bytes:
    """The key itself. Raises ConfigurationError when the KEK is not the one that wrapped it, or the row was changed."""
    try:
        return AESGCM(kek.key).decrypt(nonce, wrapped, _associated(domain, epoch))
    except InvalidTag:
        raise ConfigurationError(
            f"the key of {domain.value}, epoch {epoch}, cannot be unwrapped: TELEMETRY_KEYS__KEK (or "
            "TELEMETRY_KEYS__KEK_FILE) is not the key that wrapped it"
        ) from None
