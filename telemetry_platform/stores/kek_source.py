"""Where key-encryption keys come from: a file or the environment, read again each time, never an argument.

Invariant: no message holds anything of what was read.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from telemetry_platform.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic import SecretStr

    from telemetry_platform.settings import KeySettings


@dataclass(frozen=True)
class KekText:
    """A KEK as it was given: its text, the name in the settings, and the setting that messages name."""

    text: str = field(repr=False)
    kek_id: str | None
    source: str


def read_kek(settings: KeySettings) -> KekText:
    """The KEK. Raises ConfigurationError when there is none: no installation has a default one."""
    found = _read(settings.kek_file, settings.kek, settings.kek_id, "KEK")
    if found is None:
        if settings.kek_file is not None:
            raise ConfigurationError(
                "the file of TELEMETRY_KEYS__KEK_FILE cannot be read: it must hold base64 of 32 random bytes "
                "(or set TELEMETRY_KEYS__KEK)"
            )
        raise ConfigurationError(
            "TELEMETRY_KEYS__KEK is not set: give base64 of 32 random bytes there or in TELEMETRY_KEYS__KEK_FILE"
        )
    return found


def read_next_kek(settings: KeySettings) -> KekText | None:
    """The KEK to change to; None when none is given (yet): its file may appear while processes run."""
    return _read(settings.next_kek_file, settings.next_kek, settings.next_kek_id, "NEXT_KEK")


def _read(file: Path | None, secret: SecretStr | None, kek_id: str | None, name: str) -> KekText | None:
    if file is None:
        return None if secret is None else KekText(secret.get_secret_value(), kek_id, f"TELEMETRY_KEYS__{name}")
    try:
        return KekText(file.read_text(encoding="ascii"), kek_id, f"the file of TELEMETRY_KEYS__{name}_FILE")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError):
        raise ConfigurationError(
            f"the file of TELEMETRY_KEYS__{name}_FILE cannot be read: it must hold base64 of 32 random bytes "
            f"(or set TELEMETRY_KEYS__{name})"
        ) from None
