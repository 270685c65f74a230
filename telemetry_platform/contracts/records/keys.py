"""The keys of the pseudonyms, wrapped, and the names of what they are wrapped under."""

from __future__ import annotations

from telemetry_platform.contracts.consent import LegalBasis
from telemetry_platform.contracts.erasure import ExpiresOnly
from telemetry_platform.contracts.owners import Owner
from telemetry_platform.contracts.records import Record

KEY_EPOCHS = Record(
    name="privacy.key_epochs",
    description="Keys of the pseudonyms by domain and epoch, each wrapped under a key-encryption key.",
    owner=Owner.COMPLIANCE,
    erasure=ExpiresOnly("a key belongs to an epoch and to no person"),
    legal_basis=LegalBasis.LEGITIMATE_INTEREST,
    why_kept="the bytes go with the last data of the epoch; the row stays, so that its number is never used again",
    plain=("domain", "wrapped", "nonce", "kek_id", "kek_ids"),
)
KEKS = Record(
    name="privacy.keks",
    description="Names and ends of the key-encryption keys; never the keys themselves.",
    owner=Owner.COMPLIANCE,
    erasure=ExpiresOnly("holds names that operators gave to keys"),
    legal_basis=LegalBasis.LEGAL_OBLIGATION,
    why_kept="it proves which key-encryption key was destroyed when, for as long as a dump under it may exist",
    # `destroyed_by` names the account of whoever stated it: they answer for it.
    texts=("destroyed_by",),
    plain=("kek_id", "check_value"),
)
RECORDS = (KEY_EPOCHS, KEKS)
