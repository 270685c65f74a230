"""What is asked of the trail over HTTP: parameters of a query, or a body where a person is named.

Invariants: a parameter that is not known, or given twice, is refused and named, since a filter that is left out quietly
shows more than was asked for; a raw id is taken from a body only; nothing that was sent is repeated in an answer.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_core import PydanticCustomError

from telemetry_platform.api.moments import Moment
from telemetry_platform.api.problems import ProblemError
from telemetry_platform.contracts.trail_filters import LogFilter, SecurityFilter
from telemetry_platform.contracts.types import Code, RawId, Tenant, Word
from telemetry_platform.processing.payload_reading import FieldFault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from telemetry_platform.contracts.trail_filters import Tenants

_NAME = re.compile(r"[a-z][a-z_]{0,31}", re.ASCII)
_ROWS, _MOST_ROWS = 100, 1_000
_LARGEST_SEQ = 2**63 - 1


_Hash = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
_Seq = Annotated[int, Field(ge=1, le=_LARGEST_SEQ)]


class _Question(BaseModel):
    """Whose rows, of when, how many."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True, frozen=True)

    occurred_from: Annotated[
        Moment | None, Field(alias="from", description="happened at this moment or later, RFC 3339 with a zone")
    ] = None
    occurred_to: Annotated[
        Moment | None, Field(alias="to", description="happened before this moment, RFC 3339 with a zone")
    ] = None
    limit: Annotated[int | None, Field(ge=1, le=_MOST_ROWS, description=f"rows of a page; {_ROWS} when left out")] = (
        None
    )
    org_id: Annotated[Tenant | None, Field(description="another tenant than the token's: role admin")] = None
    all_orgs: Annotated[bool, Field(description="every tenant, and what the platform did for none: role admin")] = False

    @field_validator("occurred_to")
    @classmethod
    def _is_later(cls, value: datetime | None, info: ValidationInfo) -> datetime | None:
        return later_than(info.data.get("occurred_from"), value, "from")

    @property
    def rows(self) -> int:
        """Rows of a page."""
        return self.limit or _ROWS

    @field_validator("all_orgs")
    @classmethod
    def _is_alone(cls, value: bool, info: ValidationInfo) -> bool:  # noqa: FBT001 - the signature of a validator
        if value and info.data.get("org_id") is not None:
            raise PydanticCustomError("contradiction", "must not stand beside org_id")
        return value


class LogQuestion(_Question):
    """Of the audit trail."""

    recorded_from: Annotated[Moment | None, Field(description="written to the trail at this moment or later")] = None
    recorded_to: Annotated[Moment | None, Field(description="written to the trail before this moment")] = None
    action: Annotated[Code | None, Field(description="what was done, e.g. media.view")] = None
    outcome: Annotated[Literal["success", "denied", "failure"] | None, Field(description="how it ended")] = None
    resource_type: Annotated[Word | None, Field(description="kind of the resource, e.g. media")] = None
    actor_type: Annotated[
        Literal["patient", "staff", "service", "system"] | None, Field(description="who acted: what sort")
    ] = None
    actor_hash: Annotated[_Hash | None, Field(description="pseudonym of who acted, as rows show it")] = None
    resource_id_hash: Annotated[_Hash | None, Field(description="pseudonym of the resource, as rows show it")] = None
    seq_from: Annotated[_Seq | None, Field(description="first place in the trail")] = None
    seq_to: Annotated[_Seq | None, Field(description="last place in the trail")] = None
    after: Annotated[int, Field(ge=0, le=_LARGEST_SEQ, description="rows behind this place: `next` of a page")] = 0
    until_seq: Annotated[
        _Seq | None, Field(description="end of the walk: `until_seq` of its first page; the trail's end when left out")
    ] = None

    @field_validator("recorded_to")
    @classmethod
    def _is_recorded_later(cls, value: datetime | None, info: ValidationInfo) -> datetime | None:
        return later_than(info.data.get("recorded_from"), value, "recorded_from")

    def filter(self, tenants: Tenants, persons: tuple[str, ...] | None = None) -> LogFilter:
        """Which rows."""
        names = LogFilter.__dataclass_fields__.keys() & type(self).model_fields.keys()
        return LogFilter(tenants, persons=persons, **{name: getattr(self, name) for name in names})


class LogQuery(LogQuestion):
    """Of the audit trail, in a query."""

    format: Annotated[
        Literal["json", "csv", "jsonl"],
        Field(description="json: a page; csv, jsonl: every row, as a ZIP with a manifest and SHA-256 sums"),
    ] = "json"

    @field_validator("format")
    @classmethod
    def _is_no_page(cls, value: str, info: ValidationInfo) -> str:
        if value != "json" and (info.data.get("after") or info.data.get("limit")):
            raise PydanticCustomError("contradiction", "must be json beside `after` and `limit`: an export is no page")
        return value


class LogSearch(LogQuestion):
    """Of the audit trail, about a person."""

    user_id: Annotated[RawId, Field(description="who acted or was acted upon: the id as tokens have it, byte for byte")]


class SecurityQuery(_Question):
    """Of the security events."""

    type: Annotated[Code | None, Field(description="what was seen, e.g. auth.failed")] = None
    severity: Annotated[
        Literal["info", "low", "medium", "high", "critical"] | None, Field(description="how bad it is")
    ] = None
    rule_id: Annotated[Code | None, Field(description="rule that found it")] = None
    after: Annotated[
        str | None, Field(max_length=512, description="events behind this place: `next` of a page, as it stands")
    ] = None

    def filter(self, tenants: Tenants) -> SecurityFilter:
        """Which events."""
        return SecurityFilter(tenants, self.occurred_from, self.occurred_to, self.type, self.severity, self.rule_id)


_Asked = TypeVar("_Asked", bound=BaseModel)


def later_than(begin: datetime | None, end: datetime | None, name: str) -> datetime | None:
    """The end of a half-open stretch of time, when there is one."""
    if begin is not None and end is not None and end <= begin:
        raise PydanticCustomError("not_later", "must be later than {name}", {"name": name})
    return end


def read_query(model: type[_Asked], pairs: Iterable[tuple[str, str]]) -> _Asked:
    """The parameters of a query. Raises ProblemError (422) that names each fault's parameter."""
    given: dict[str, str] = {}
    repeated: set[str] = set()
    for name, text in pairs:
        if name in given:
            repeated.add(name)
        given[name] = text
    if repeated:
        raise _refused(FieldFault(_shown(name), "must be given once", "repeated") for name in sorted(repeated))
    return _validated(lambda: model.model_validate_strings(given))


def read_body(model: type[_Asked], body: Mapping[str, Any]) -> _Asked:
    """The same of a body. Raises ProblemError (422)."""
    return _validated(lambda: model.model_validate(body))


def _validated(validate: Callable[[], _Asked]) -> _Asked:
    try:
        return validate()
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        raise _refused(
            FieldFault(_shown(str(each["loc"][0])) if each["loc"] else "", each["msg"], each["type"]) for each in found
        ) from None


def parameters(model: type[BaseModel]) -> list[dict[str, Any]]:
    """The parameters of a query as OpenAPI has them."""
    found = []
    for name, schema in model.model_json_schema(by_alias=True)["properties"].items():
        choices = [one for one in schema.get("anyOf", [schema]) if one.get("type") != "null"]
        kept = {key: value for key, value in choices[0].items() if key not in {"title", "description"}}
        found.append({"name": name, "in": "query", "description": schema.get("description", ""), "schema": kept})
    return found


def _shown(name: str) -> str:
    """A parameter's name, when it is a word: the name itself may be anything, a person's address too."""
    return name if _NAME.fullmatch(name) else ""


def _refused(faults: Iterable[FieldFault]) -> ProblemError:
    return ProblemError(422, "invalid_question", "the question is not what it must be", faults=tuple(faults))
