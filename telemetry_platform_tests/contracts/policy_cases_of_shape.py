"""For each rule about shape and names: a place, a contract that breaks it there, and one that is right."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Annotated, Any

from pydantic import Field

from telemetry_platform.contracts.columns import Column, Stored
from telemetry_platform.contracts.consent import LegalBasis
from telemetry_platform.contracts.event_kind import Axis, EventKind, Frames, OnBehalf
from telemetry_platform.contracts.payloads.envelope import ConcerningEnvelope, Envelope
from telemetry_platform.contracts.pii import Kept, NotStored, Scrubbed
from telemetry_platform.contracts.types import (
    Identifier,
    Milliseconds,
    Text,
    Timestamp,
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

OF_SHAPE: list[tuple[str, EventKind, EventKind]] = [
    (
        "numbers_fit_their_columns: Viewed.share",
        contract(posted(share=said(Annotated[float, Field(ge=0)], Kept()))),
        contract(posted(share=said(Annotated[float, Field(ge=0, le=1)], Kept()))),
    ),
    (
        "numbers_fit_their_columns: Viewed.times",
        contract(posted(times=said(Annotated[int, Field(ge=0, le=256)], Kept(), Stored("UInt8")))),
        contract(posted(times=said(Annotated[int, Field(ge=0, le=255)], Kept(), Stored("UInt8")))),
    ),
    (
        "numbers_fit_their_columns: Viewed.offset_no",
        contract(posted(offset_no=said(Annotated[int, Field(ge=-5, le=5)], Kept()))),
        contract(posted(offset_no=said(Annotated[int, Field(ge=-5, le=5)], Kept(), Stored("Int8")))),
    ),
    ("numbers_fit_their_columns: Viewed.tries", contract(posted(tries=said(int, NotStored()))), contract()),
    (
        "numbers_fit_their_columns: frames.x",
        contract(frames=replace(POINTS, axes=(Axis("x", "across", -100_000, 10, 4),)), **TAKEN),
        contract(frames=POINTS, **TAKEN),
    ),
    (
        "sizes_are_bounded: Viewed.words",
        contract(posted(words=said(str, Scrubbed()))),
        contract(posted(words=said(Text, Scrubbed()))),
    ),
    (
        "sizes_are_bounded: Viewed.steps",
        contract(posted(steps=said(list[Word], NotStored()))),
        contract(posted(steps=said(Annotated[list[Word], Field(max_length=9)], NotStored()))),
    ),
    (
        "times_carry_zones: Viewed.opened_at",
        contract(posted(opened_at=said(Annotated[datetime, Field(strict=False)], Kept()))),
        contract(posted(opened_at=said(Timestamp, Kept()))),
    ),
    ("what_is_named_exists: leaflets.session_field", contract(session_field="session_id"), contract()),
    ("what_is_named_exists: leaflets.on_behalf.actor", service(on_behalf=OnBehalf(actor="who")), service()),
    (
        "what_is_named_exists: leaflets.told_apart_by",
        contract(*told_apart("open", "close"), discriminator="event", told_apart_by={"shut": ()}),
        contract(*told_apart("open", "close"), discriminator="event", told_apart_by={"close": ("event",)}),
    ),
    (
        "what_is_named_exists: leaflets_viewed.told_apart_by",
        contract(*told_apart("open", "close"), discriminator="event", told_apart_by={"close": ("leaflet",)}),
        contract(*told_apart("open", "close"), discriminator="event", told_apart_by={"close": ("event",)}),
    ),
    ("what_is_named_exists: leaflets_viewed.key", contract(table={"key": ("org_id", "seq")}), contract()),
    (
        "what_is_named_exists: leaflets_folded.derived_from",
        contract(derived=(replace(FOLDED, derived_from="media_events"),)),
        contract(derived=(FOLDED,)),
    ),
    (
        "variants_are_told_apart: leaflets",
        contract(*told_apart("open", "close")),
        contract(*told_apart("open", "close"), discriminator="event"),
    ),
    (
        "variants_are_told_apart: Closed.event",
        contract(*told_apart("open", "open"), discriminator="event"),
        contract(*told_apart("open", "close"), discriminator="event"),
    ),
    (
        "variants_are_told_apart: Opened.media_type",
        contract(*told_apart("open", "close"), discriminator="media_type"),
        contract(*told_apart("open", "close"), discriminator="event"),
    ),
    (
        "resends_are_recognised: Viewed.event_id",
        service(posted(base=ConcerningEnvelope, event_id=said(Identifier, NotStored()))),
        service(),
    ),
    (
        "resends_are_recognised: Viewed",
        contract(posted(session_id=said(Identifier, Kept())), derives_ids=True, session_field="session_id"),
        contract(
            posted(session_id=said(Identifier, Kept(), required=True)), derives_ids=True, session_field="session_id"
        ),
    ),
    ("freshness_can_be_kept: leaflets.freshness", contract(freshness=timedelta(0)), contract()),
    ("freshness_can_be_kept: leaflets.freshness", contract(freshness=timedelta(days=2)), contract()),
    ("tables_carry_the_common_columns: leaflets_viewed", without(contract(), "consent_level"), contract()),
    (
        "tables_carry_the_common_columns: leaflets_viewed.region",
        beside(without(contract(), "region"), Column("region", "String", "where the leaflet was printed")),
        contract(),
    ),
    ("names_need_no_quotes: Leaflets", contract(name="Leaflets"), contract()),
    ("names_need_no_quotes: audit.leaflets", contract(table={"name": "audit.leaflets"}), trail()),
    (
        "names_need_no_quotes: leaflets_viewed.order",
        contract(posted(order=said(Word, Kept()))),
        contract(posted(order=said(Word, Kept(), Stored(name="place_in_list")))),
    ),
    (
        "names_need_no_quotes: leaflets_viewed.viewedFor",
        contract(posted(viewedFor=said(Word, Kept()))),
        contract(posted(viewed_for=said(Word, Kept()))),
    ),
    (
        "units_stand_in_names: Viewed.viewed_ms",
        contract(posted(viewed_ms=said(Milliseconds, Kept(), Stored(unit="s")))),
        contract(),
    ),
    (
        "units_stand_in_names: Viewed.viewed",
        contract(posted(viewed=said(Milliseconds, Kept(), Stored(unit="ms")))),
        contract(),
    ),
    (
        "units_stand_in_names: Viewed.viewed_hours",
        contract(posted(viewed_hours=said(Milliseconds, Kept()))),
        contract(),
    ),
    (
        "descriptions_say_something: leaflets_viewed.paper_size",
        beside(contract(), Column("paper_size", "String", "the size of the paper")),
        beside(contract(), Column("paper_size", "String", "a4 or a5")),
    ),
    (
        "descriptions_say_something: leaflets_viewed.paper_size",
        beside(contract(), Column("paper_size", "String", "either a4 or a5.")),
        beside(contract(), Column("paper_size", "String", "either a4 or a5")),
    ),
    ("descriptions_say_something: leaflets", contract(description="leaflets"), contract()),
    ("endpoints_are_plain: /v1/leaflets/{id}", contract(endpoint=endpoint("/v1/leaflets/{id}")), contract()),
    ("endpoints_are_plain: /leaflets", contract(endpoint=endpoint("/leaflets")), contract()),
    ("endpoints_are_plain: /v1/leaflets/views", contract(endpoint=endpoint(roles=frozenset())), contract()),
    ("endpoints_are_plain: /v1/leaflets/views", contract(endpoint=endpoint(max_events=10_000)), contract()),
    ("endpoints_are_plain: /v1/leaflets/views", contract(endpoint=endpoint(summary="")), contract()),
]
"""What a rule finds and where, a contract that breaks it there, and a contract that does what is right instead."""
