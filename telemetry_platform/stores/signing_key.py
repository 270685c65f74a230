"""Where the private key of the trail's checkpoints comes from: a file or the environment, never an argument.

Invariant: no message holds anything of what was read; a key file that others may read is refused.
"""

from __future__ import annotations

import stat
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from telemetry_platform.errors import ConfigurationError

if TYPE_CHECKING:
    from telemetry_platform.settings import AuditSettings

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True)
class SigningKeyText:
    """The key as it was given, and the setting that messages name."""

    text: str = field(repr=False)
    source: str


def read_signing_key(settings: AuditSettings) -> SigningKeyText | None:
    """The key; None where none is set. Raises ConfigurationError for a file that cannot be read, or that others can."""
    if settings.signing_key_file is None:
        given = settings.signing_key
        return None if given is None else SigningKeyText(given.get_secret_value(), "TELEMETRY_AUDIT__SIGNING_KEY")
    source = "the file of TELEMETRY_AUDIT__SIGNING_KEY_FILE"
    try:
        mode = settings.signing_key_file.stat().st_mode
        text = settings.signing_key_file.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        raise ConfigurationError(f"{source} cannot be read: `telemetry audit new-key` makes one") from None
    if mode & _OTHERS:
        raise ConfigurationError(f"{source} can be read by others than its owner: set its mode to 0600")
    return SigningKeyText(text, source)
