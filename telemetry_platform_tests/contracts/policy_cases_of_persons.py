"""For each rule about persons and the law: a place, a contract that breaks it there, and one that is right."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from pydantic import Field

from telemetry_platform.contracts import columns as c
from telemetry_platform.contracts.columns import Column, Stored
from telemetry_platform.contracts.consent import ConsentLevel, LegalBasis
from telemetry_platform.contracts.erasure import ExpiresOnly, SweptBy
from telemetry_platform.contracts.event_kind import Axis, EventKind, Frames, OnBehalf, Role
from telemetry_platform.contracts.payloads.envelope import ConcerningEnvelope, Envelope
from telemetry_platform.contracts.pii import Domain, Hashed, Kept, NotStored, PathReduced, Scrubbed
from telemetry_platform.contracts.retention import Retention
from telemetry_platform.contracts.types import (
    Code,
    Details,
    Identifier,
    Milliseconds,
    Path,
    RawId,
    Route,
    Text,
    Word,
)
from telemetry_platform_tests.contracts.contract_making import (
    beside,
    contract,
    endpoint,
    posted,
    said,
    service,
    told_apart,
    trail,
    without,
)

POINTS = Frames("frames", "frame_no", "landmarks", ("nose",), (Axis("x", "across", -10, 10, 4),), Envelope, Envelope)
TAKEN: dict[str, Any] = {"purpose": "pose", "table": {"legal_basis": LegalBasis.EXPLICIT_CONSENT}}
FOLDED = replace(contract().table, name="leaflets_folded", derived_from="leaflets_viewed")
SENSED = posted(pain=said(Annotated[int, Field(ge=0, le=10)], Kept()))

OF_PERSONS: list[tuple[str, EventKind, EventKind]] = [
    (
        "ids_are_pseudonyms: Viewed.patient_id",
        contract(posted(patient_id=said(Identifier, Kept()))),
        contract(posted(leaflet_id=said(RawId, Hashed(Domain.RESOURCE)))),
    ),
    (
        "ids_are_pseudonyms: leaflets_viewed.leaflet_ids",
        beside(contract(), Column("leaflet_ids", "String", "which ones were opened")),
        beside(contract(), Column("leaflet_ids", "String", "which ones", treatment=Hashed(Domain.RESOURCE))),
    ),
    (
        "persons_are_actors: Viewed.patient_id",
        contract(posted(patient_id=said(RawId, Hashed(Domain.RESOURCE)))),
        service(posted(patient_id=said(RawId, NotStored()), event_id=said(Identifier, NotStored(), required=True))),
    ),
    (
        "addresses_are_cut: Viewed.printer_address",
        contract(posted(printer_address=said(Text, Scrubbed()))),
        contract(posted(printer_address=said(Text, NotStored()))),
    ),
    (
        "addresses_are_cut: leaflets_viewed.ip_hash",
        beside(contract(), Column("ip_hash", "String", "from where it came", treatment=Hashed(Domain.RESOURCE))),
        beside(
            contract(),
            Column("address_hash", "String", "from where it came", treatment=Hashed(Domain.ADDRESS)),
            Column("address_key_epoch", "UInt32", "epoch of the key behind address_hash"),
        ),
    ),
    (
        "kept_values_identify_nobody: Viewed.reason",
        contract(posted(reason=said(Text, Kept()))),
        contract(posted(reason=said(Code, Kept()))),
    ),
    (
        "kept_values_identify_nobody: Viewed.tags",
        contract(posted(tags=said(Annotated[list[Text], Field(max_length=5)], Kept(), Stored("Array(String)")))),
        contract(posted(tags=said(Annotated[list[Word], Field(max_length=5)], Kept(), Stored("Array(String)")))),
    ),
    (
        "kept_values_identify_nobody: Viewed.screen",
        contract(posted(screen=said(Annotated[str, Field(pattern=r"^[a-z0-9./-]{1,64}$")], Kept()))),
        contract(posted(screen=said(Annotated[str, Field(pattern=r"^[a-z]{1,16}$")], Kept()))),
    ),
    (
        "nothing_is_personal_by_name: Viewed.birth_year",
        contract(posted(birth_year=said(Annotated[int, Field(ge=1900, le=2100)], Kept()))),
        contract(posted(birth_year=said(Annotated[int, Field(ge=1900, le=2100)], NotStored()))),
    ),
    (
        "nothing_is_personal_by_name: leaflets_viewed.city",
        beside(contract(), Column("city", "String", "looked up from the address")),
        contract(),
    ),
    (
        "credentials_are_not_taken: Viewed.api_token",
        contract(posted(api_token=said(Text, NotStored()))),
        contract(),
    ),
    (
        "paths_are_reduced: Viewed.page_url",
        contract(posted(page_url=said(Text, Scrubbed()))),
        contract(posted(page_url=said(Path, PathReduced()), route=said(Route, Kept()))),
    ),
    (
        "treatments_fit_their_types: Viewed.leaflet_no",
        contract(posted(leaflet_no=said(Annotated[int, Field(ge=0, le=99)], Hashed(Domain.RESOURCE)))),
        contract(posted(leaflet_no=said(RawId, Hashed(Domain.RESOURCE)))),
    ),
    (
        "treatments_fit_their_types: Viewed.share",
        contract(posted(share=said(Milliseconds, Scrubbed()))),
        contract(posted(share=said(Details, Scrubbed(), Stored(c.JSON)))),
    ),
    (
        "callers_are_reduced: Viewed.user_agent",
        service(posted(base=ConcerningEnvelope, user_agent=said(Text, Scrubbed()))),
        service(),
    ),
    (
        "pseudonyms_carry_their_epoch: leaflets_viewed.actor_hash",
        without(contract(), "key_epoch"),
        contract(),
    ),
    (
        "a_row_links_no_pseudonyms: leaflets_viewed",
        beside(contract(), Column("audit_hash", "String", "the trail's own", treatment=Hashed(Domain.AUDIT_ACTOR))),
        beside(contract(), Column("leaflet_hash", "String", "which one", treatment=Hashed(Domain.RESOURCE))),
    ),
    (
        "a_row_links_no_pseudonyms: leaflets_viewed.subject_hash",
        beside(contract(), Column("subject_hash", "String", "who decides", treatment=Hashed(Domain.SUBJECT))),
        contract(),
    ),
    (
        "basis_follows_from_consent: leaflets_viewed",
        contract(table={"legal_basis": LegalBasis.LEGITIMATE_INTEREST}),
        contract(consent=ConsentLevel.ESSENTIAL, table={"legal_basis": LegalBasis.LEGITIMATE_INTEREST}),
    ),
    (
        "basis_follows_from_consent: leaflets_viewed",
        service(table={"legal_basis": LegalBasis.CONSENT}),
        service(),
    ),
    ("basis_follows_from_consent: leaflets", contract(consent=ConsentLevel.EXCLUDED), contract()),
    (
        "single_types_need_more_never_less: leaflets.consent_of",
        contract(*told_apart("open", "close"), discriminator="event", consent_of={"open": ConsentLevel.ESSENTIAL}),
        contract(*told_apart("open", "close"), discriminator="event", consent_of={"open": ConsentLevel.FULL}),
    ),
    (
        "derived_tables_keep_the_basis: leaflets_folded",
        contract(derived=(replace(FOLDED, legal_basis=LegalBasis.EXPLICIT_CONSENT),)),
        contract(derived=(FOLDED,)),
    ),
    (
        "health_data_has_no_place: leaflets_viewed.region",
        contract(SENSED, **TAKEN),
        without(contract(SENSED, **TAKEN), "ip_truncated", "country_code", "region"),
    ),
    ("health_data_needs_a_purpose: leaflets", contract(SENSED), contract(SENSED, **TAKEN)),
    ("health_data_needs_a_purpose: leaflets", contract(frames=POINTS), contract(frames=POINTS, **TAKEN)),
    ("health_data_needs_a_purpose: leaflets", contract(purpose="leaflets"), contract()),
    (
        "health_data_needs_a_purpose: leaflets",
        contract(table={"legal_basis": LegalBasis.EXPLICIT_CONSENT}),
        contract(table={"legal_basis": LegalBasis.EXPLICIT_CONSENT}, consent=ConsentLevel.FULL),
    ),
    (
        "gated_kinds_come_from_persons: leaflets",
        contract(endpoint=endpoint(roles=frozenset({Role.SERVICE}))),
        contract(),
    ),
    ("gated_kinds_come_from_persons: leaflets", service(on_behalf=None), service(on_behalf=OnBehalf())),
    ("gated_kinds_come_from_persons: /v1/leaflets/views", service(endpoint=endpoint()), service()),
    ("gated_kinds_come_from_persons: /v1/leaflets/views", contract(endpoint=endpoint(anonymous=True)), contract()),
    ("erasure_reaches_persons: leaflets_viewed", contract(table={"erasure": SweptBy("batch_id")}), contract()),
    (
        "erasure_reaches_persons: leaflets_viewed",
        contract(table={"erasure": ExpiresOnly("we would rather keep it")}),
        service(table={"erasure": ExpiresOnly("claims may be raised later")}),
    ),
    ("erasure_reaches_persons: audit.leaflets", trail(erasure=ExpiresOnly("why not")), trail()),
    (
        "retention_has_reason_and_limit: audit.leaflets",
        trail(retention=Retention(71, "month", "recorded_at", "about six years will do")),
        trail(),
    ),
    (
        "retention_has_reason_and_limit: audit.leaflets",
        trail(retention=Retention(7, "year", "occurred_at", "seven years are safe")),
        trail(retention=Retention(7, "year", "recorded_at", "seven years are safe")),
    ),
    (
        "retention_has_reason_and_limit: leaflets_viewed",
        contract(table={"retention": Retention(3, "year", "occurred_at", "disks are cheap now")}),
        contract(table={"retention": Retention(24, "month", "occurred_at", "two yearly comparisons are made")}),
    ),
    (
        "retention_has_reason_and_limit: leaflets_viewed",
        contract(table={"retention": Retention(1, "year", "org_id", "leaflets are printed yearly")}),
        contract(),
    ),
    (
        "retention_has_reason_and_limit: leaflets_viewed",
        contract(table={"retention": Retention(1, "year", "occurred_at", "needed")}),
        contract(),
    ),
    (
        "retention_has_reason_and_limit: leaflets_viewed",
        contract(table={"retention": Retention(0, "day", "occurred_at", "nobody needs it at all")}),
        contract(),
    ),
]
"""What a rule finds and where, a contract that breaks it there, and a contract that does what is right instead."""
