"""The keys of the trail's signatures: the one that signs here, and all whose signatures count.

Invariant: a public key that lies beside the checkpoints counts only when its id is that of our own key or is named in
the settings; whoever can write there could put any key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from telemetry_platform.errors import ConfigurationError, ContractViolationError
from telemetry_platform.processing.signing import PublicKey, Signer, read_public_key, read_signer
from telemetry_platform.stores.signing_key import read_signing_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from telemetry_platform.settings import AuditSettings
    from telemetry_platform.stores.checkpoint_folder import CheckpointFolder


def load_signer(settings: AuditSettings) -> Signer:
    """The key that signs. Raises ConfigurationError where none is set."""
    found = _signer(settings)
    if found is None:
        raise ConfigurationError(
            "no key signs the trail: make one with `telemetry audit new-key` and set TELEMETRY_AUDIT__SIGNING_KEY_FILE"
        )
    return found


def trusted_keys(settings: AuditSettings, folder: CheckpointFolder | None) -> Mapping[str, PublicKey]:
    """The keys whose signatures count, by their ids.

    Raises ContractViolationError when a key of the folder is not the one that its name says.
    """
    signer = _signer(settings)
    found = {} if signer is None else {signer.key_id: signer.public_key}
    for key_id in (part.strip() for part in settings.trusted_keys.split(",")):
        pem = None if folder is None or not key_id or key_id in found else folder.read_key(key_id)
        if pem is None:
            continue
        key = read_public_key(pem, f"the public key {key_id}")
        if key.key_id != key_id:
            raise ContractViolationError(f"the public key {key_id} beside the checkpoints is another one")
        found[key_id] = key
    return found


def _signer(settings: AuditSettings) -> Signer | None:
    given = read_signing_key(settings)
    return None if given is None else read_signer(given.text, given.source)
