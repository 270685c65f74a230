"""The list of excluded networks, what a sync stages, and the log of syncs.

A network may be one household's address. It rests here because the law asks for it, in force or as proof that it was,
and stands beside no pseudonym and no event.
"""

from __future__ import annotations

from telemetry_platform.contracts.consent import LegalBasis
from telemetry_platform.contracts.erasure import ExpiresOnly
from telemetry_platform.contracts.owners import Owner
from telemetry_platform.contracts.records import Record
from telemetry_platform.contracts.retention import Retention

EXCLUSIONS = Record(
    name="privacy.privacy_exclusions",
    description='Networks whose owners said "do not sell" (CCPA), in force and withdrawn.',
    owner=Owner.COMPLIANCE,
    erasure=ExpiresOnly("a network is nobody's account: it is here so that whoever is behind it is not recorded"),
    legal_basis=LegalBasis.LEGAL_OBLIGATION,
    retention=Retention(
        2, "year", "withdrawn_at", "in force for as long as it is listed; then as long as the log of the syncs"
    ),
    # What the law wants kept: see above. No column of an event is compared with it after the request.
    plain=("exclusion_type", "network"),
)
STAGED = Record(
    name="privacy.privacy_exclusions_staged",
    description="The list that a sync has fetched and not yet taken over; empty between two syncs.",
    owner=Owner.COMPLIANCE,
    erasure=ExpiresOnly("it is emptied when the sync ends, or by the next one"),
    legal_basis=LegalBasis.LEGAL_OBLIGATION,
    why_kept="rows live as long as the sync that staged them",
    plain=("network",),
)
SYNC_LOG = Record(
    name="privacy.privacy_exclusion_sync_log",
    description="Every try to bring the list of excluded networks up to date, and how it ended.",
    owner=Owner.COMPLIANCE,
    erasure=ExpiresOnly("it holds counts and moments and speaks of no person"),
    legal_basis=LegalBasis.LEGAL_OBLIGATION,
    retention=Retention(2, "year", "began_at", "it proves that the list was kept up to date"),
    plain=("mode", "error_code", "warnings"),
)
RECORDS = (EXCLUSIONS, STAGED, SYNC_LOG)
