"""What the frontend posts of how the product is used: one model per kind of use."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from telemetry_platform.contracts.columns import Stored
from telemetry_platform.contracts.payloads.envelope import Envelope
from telemetry_platform.contracts.pii import Kept, PathReduced, Scrubbed
from telemetry_platform.contracts.types import Code, Host, Identifier, Path, Payload, Scalars

_KIND = Field(description="kind of use")
_Route = Annotated[Path, PathReduced(), Field(description="page: known segments, every other one as `:x`")]
_Feature = Field(description="name of the feature, e.g. exercise_diary")
_Element = Annotated[Code | None, Kept(), Field(description="name of the button, link or field")]


class _Use(Envelope):
    """What all kinds of use say."""

    session_id: Annotated[Identifier | None, Kept(), Field(description="UUID of the visit")] = None
    properties: Annotated[
        Scalars | None,
        Scrubbed(),
        Stored("String"),
        Field(description="at most 32 named scalars as one JSON object, names and values scrubbed of personal data"),
    ] = None


class PageView(_Use):
    """A page was shown."""

    kind: Annotated[Literal["page_view"], Kept(), _KIND]
    route: _Route
    referrer_host: Annotated[
        Host | None, Scrubbed(), Field(description="host of the page before, addresses scrubbed")
    ] = None


class Click(_Use):
    """Something was clicked or tapped."""

    kind: Annotated[Literal["click"], Kept(), _KIND]
    route: _Route
    element: Annotated[Code, Kept(), Field(description="name of the button, link or field")]
    feature: Annotated[Code | None, Kept(), _Feature] = None


class FeatureUse(_Use):
    """A feature was used."""

    kind: Annotated[Literal["feature_use"], Kept(), _KIND]
    feature: Annotated[Code, Kept(), _Feature]
    route: Annotated[Path | None, PathReduced(), Field(description="page: known segments, every other one as `:x`")] = (
        None
    )
    element: _Element = None


class MarketingTouch(_Use):
    """A campaign led somebody here."""

    kind: Annotated[Literal["marketing_touch"], Kept(), _KIND]
    route: _Route
    feature: Annotated[Code | None, Kept(), _Feature] = None
    referrer_host: Annotated[
        Host | None, Scrubbed(), Field(description="host of the page before, addresses scrubbed")
    ] = None


class BehaviourTrace(_Use):
    """How somebody moves through the product."""

    kind: Annotated[Literal["behaviour_trace"], Kept(), _KIND]
    route: _Route
    feature: Annotated[Code | None, Kept(), _Feature] = None
    element: _Element = None


USES: tuple[type[Payload], ...] = (PageView, Click, FeatureUse, MarketingTouch, BehaviourTrace)
"""Told apart by `kind`."""
