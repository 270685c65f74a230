"""Ed25519 signatures: what a process with the private key signs, and what everybody can check with the public one.

A key is named by the first 32 hex digits of the SHA-256 over its public bytes, so that a file that claims to be a key
of some name can be held to it. Invariant: a private key is never shown, neither in a message nor by printing an
object.
"""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass, field
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from telemetry_platform.errors import ConfigurationError, ContractViolationError

_KEY_BYTES = 32
_ID_DIGITS = 32


@dataclass(frozen=True)
class PublicKey:
    """A public key: 32 bytes."""

    raw: bytes

    @property
    def key_id(self) -> str:
        """Its name: 32 hex digits."""
        return sha256(self.raw).hexdigest()[:_ID_DIGITS]

    @property
    def pem(self) -> bytes:
        """The key as other tools read it (SubjectPublicKeyInfo, PEM)."""
        return Ed25519PublicKey.from_public_bytes(self.raw).public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def has_signed(self, message: bytes, signature: bytes) -> bool:
        """Whether the signature over the message is this key's."""
        try:
            Ed25519PublicKey.from_public_bytes(self.raw).verify(signature, message)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True)
class Signer:
    """A private key."""

    key: Ed25519PrivateKey = field(repr=False)

    @property
    def public_key(self) -> PublicKey:
        """What others check with."""
        return PublicKey(self.key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw))

    @property
    def key_id(self) -> str:
        """The name of the public key."""
        return self.public_key.key_id

    def sign(self, message: bytes) -> bytes:
        """A signature: 64 bytes."""
        return self.key.sign(message)


def read_signer(text: str, source: str) -> Signer:
    """A private key from base64 of its 32 bytes. Raises ConfigurationError, which shows nothing of it."""
    try:
        raw = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != _KEY_BYTES:
        raise ConfigurationError(f"{source} must hold base64 of 32 random bytes: `telemetry audit new-key` makes it")
    return Signer(Ed25519PrivateKey.from_private_bytes(raw))


def read_public_key(pem: bytes, source: str) -> PublicKey:
    """A public key from PEM. Raises ContractViolationError for what is none."""
    try:
        key = serialization.load_pem_public_key(pem)
    except ValueError:
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise ContractViolationError(f"{source} is no Ed25519 public key in PEM")
    return PublicKey(key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw))
