"""What is asked of the statistics over HTTP: of when, by what, of which medium.

Invariant: what a rollup cannot answer is refused and the parameter named, never answered for something wider.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from telemetry_platform.api.moments import Moment
from telemetry_platform.api.problems import ProblemError
from telemetry_platform.api.trail_questions import read_body, read_query
from telemetry_platform.contracts.statistics import Dimension, Period, StretchError, stretch
from telemetry_platform.contracts.types import RawId, Tenant
from telemetry_platform.processing.payload_reading import FieldFault

if TYPE_CHECKING:
    from datetime import datetime

    from telemetry_platform.contracts.statistics import Stretch

__all__ = (
    "ApiQuestion",
    "BandwidthQuestion",
    "ErrorQuestion",
    "PseudonymRequest",
    "Question",
    "StaffQuestion",
    "VideoQuestion",
    "read_body",
    "read_query",
)


_Value = Annotated[str, Field(max_length=64)]


class Question(BaseModel):
    """Of which stretch of time, and whose."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True, frozen=True)

    period: Annotated[
        Literal["1h", "24h", "7d", "30d"] | None,
        Field(description="a stretch that ends now, for analysts with yesterday; 7d when nothing is said"),
    ] = None
    since: Annotated[Moment | None, Field(alias="from", description="instead of a period, RFC 3339 with a zone")] = None
    until: Annotated[Moment | None, Field(alias="to", description="its end, RFC 3339 with a zone")] = None
    org_id: Annotated[Tenant | None, Field(description="another tenant than the token's: role admin")] = None
    compare: Annotated[
        Literal["previous"] | None, Field(description="also the stretch of the same length before, as `previous`")
    ] = None

    def over(self, now: datetime, *, whole_days: bool) -> Stretch:
        """The stretch that is answered for. Raises ProblemError (422)."""
        try:
            period = None if self.period is None else Period(self.period)
            return stretch(period, self.since, self.until, now=now, whole_days=whole_days)
        except StretchError as error:
            raise _refused(error.field, str(error)) from None

    @property
    def told_period(self) -> str | None:
        """The period that is answered for; None for a range."""
        return self.period or (Period.WEEK.value if self.since is None else None)


class VideoQuestion(Question):
    """Of sessions: of all media, or one."""

    media_id: Annotated[
        str | None,
        Field(pattern="^[0-9a-f]{64}$", description="pseudonym of a medium: POST /v1/media/pseudonyms gives it"),
    ] = None


class BandwidthQuestion(VideoQuestion):
    """Of sessions, by one dimension; of one of its values only, where a filter names it."""

    by: Annotated[
        Literal["country_code", "device_type", "connection_type", "browser_family"] | None,
        Field(alias="group_by", description="what figures are told by; the filter's, or country_code when left out"),
    ] = None
    country_code: Annotated[_Value | None, Field(description="this country only; empty: not known")] = None
    device_type: Annotated[_Value | None, Field(description="this sort of device only; empty: not known")] = None
    connection_type: Annotated[_Value | None, Field(description="this connection only; empty: not known")] = None
    browser_family: Annotated[_Value | None, Field(description="this browser only; empty: not known")] = None

    @property
    def group_by(self) -> Dimension:
        """The dimension. Raises ProblemError (422) for filters on others: figures are counted by one at a time."""
        given = [each for each in Dimension if getattr(self, each.value) is not None]
        wanted = Dimension(self.by) if self.by else given[0] if given else Dimension.COUNTRY
        for each in given:
            if each is not wanted:
                message = f"figures are counted by one dimension at a time: leave it out, or ask group_by={each.value}"
                raise _refused(each.value, message)
        return wanted

    @property
    def value(self) -> str | None:
        """The one value of the dimension that is asked for; '' where it is not known, None for all."""
        found: str | None = getattr(self, self.group_by.value)
        return found


class ApiQuestion(Question):
    """Of requests to the Core API."""

    route: Annotated[str | None, Field(min_length=1, max_length=256, description="this route template only")] = None


class ErrorQuestion(Question):
    """Of errors."""

    source: Annotated[str | None, Field(min_length=1, max_length=64, description="this source only")] = None


class StaffQuestion(Question):
    """Of figures of staff."""

    metric: Annotated[str | None, Field(min_length=1, max_length=128, description="this metric only")] = None


class PseudonymRequest(BaseModel):
    """A medium by its id."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True, frozen=True)

    media_id: Annotated[RawId, Field(description="id of the medium as events have it, byte for byte")]


def _refused(name: str, message: str) -> ProblemError:
    """422 that names a parameter."""
    fault = FieldFault(name, message, "not_answerable")
    return ProblemError(422, "invalid_question", "the question is not what it must be", faults=(fault,))
