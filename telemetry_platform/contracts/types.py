"""Strict field types that payloads are made of: `true` is not 1, "3" is not 3, NaN is nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, get_args
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue
from pydantic_core import PydanticCustomError

STRING_BYTES = 4 * 1024
"""Longest text in bytes of UTF-8 (stack traces: 32 KiB)."""
STACK_BYTES = 32 * 1024

_UUID = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}", re.ASCII)
_RFC3339 = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|z|[+-]\d{2}:\d{2})?", re.ASCII)
# A code or a reason: words, with numbers as codes have them; a short number; a 32-bit code in hexadecimal. The
# look-aheads keep out what such a field could smuggle past the pseudonyms, in this order: text without a letter, phone
# and patient numbers (with separators too), IPv4 and IPv6 addresses, long keys and UUIDs.
_CODE = re.compile(
    r"[0-9]{1,6}|0x[0-9A-Fa-f]{1,8}|"
    r"(?=[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}\Z)(?=.*[A-Za-z])"
    r"(?!.*[0-9]{7})(?!(?:[^0-9]*[0-9]){9})"
    r"(?!.*[0-9]{1,3}(?:\.[0-9]{1,3}){3})(?!.*(?:[0-9A-Fa-f]{0,4}:){3})"
    r"(?!.*[0-9A-Fa-f]{12}).*"
)
# A part of a token: a long run of letters with digits at two places. Asked of long codes alone: most are short.
_TOKEN = re.compile(r"(?=[A-Za-z0-9]{20})[A-Za-z]*[0-9]+[A-Za-z]+[0-9]")
_TOKEN_LENGTH = 20
# A segment of a route template: a parameter, a version, or a word. A word has no digits, or one behind it (oauth2),
# so that no id, address or e-mail is one.
_NAME = "([A-Za-z_][A-Za-z0-9_]{0,39})"
_PARAMETER = re.compile(rf"\{{{_NAME}(?::[a-z]{{1,10}})?\}}|<(?:[a-z]{{1,10}}:)?{_NAME}>|:{_NAME}")
_LITERAL = re.compile(r"v[0-9]{1,2}|\.?[a-z]{1,24}(?:[A-Z][a-z]{1,23}|[_.-][a-z]{1,24}){0,5}|[a-z]{3,24}[0-9]")
_ROUTE_BYTES = 512
_Connection = Literal[
    "wifi", "4g", "5g", "3g", "2g", "slow-2g", "ethernet", "cellular", "bluetooth", "wimax", "mixed", "other", "none",
    "unknown",
]  # fmt: skip
_CONNECTIONS = frozenset(get_args(_Connection))


class Payload(BaseModel):
    """Root of every payload: strict types, unknown fields ignored here (they are dropped and counted by the API)."""

    model_config = ConfigDict(strict=True, extra="ignore", frozen=True, hide_input_in_errors=True, allow_inf_nan=False)


def parse_timestamp(value: Any) -> datetime:  # noqa: ANN401 - whatever JSON held
    """An RFC 3339 timestamp with a zone, as UTC, rounded down to milliseconds.

    Raises a validation error that says what would be right: for numbers (seconds or milliseconds? nobody can tell) and
    for a timestamp without a zone (its meaning would depend on the machine that reads it).
    """
    if not isinstance(value, str) or not (match := _RFC3339.fullmatch(value)):
        raise PydanticCustomError("timestamp_format", "must be an RFC 3339 timestamp like 2026-02-17T10:00:00.000Z")
    if match.group(2) is None:
        raise PydanticCustomError("timezone_required", "must carry a time zone, like 2026-02-17T10:00:00Z or +02:00")
    try:
        moment = datetime.fromisoformat(value if value[-1] != "z" else value.upper())
        if moment.tzinfo is not UTC:
            moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise PydanticCustomError("timestamp_range", "must be a date and time that exist") from None
    beyond_milliseconds = moment.microsecond % 1000
    return moment.replace(microsecond=moment.microsecond - beyond_milliseconds) if beyond_milliseconds else moment


def parse_uuid(value: Any) -> UUID:  # noqa: ANN401 - whatever JSON held
    """A UUID in its 36-character form; other spellings would give one event two identities in logs and clients."""
    if isinstance(value, UUID):
        return value
    # Not left to UUID(), which takes braces, a prefix and hyphens at any place.
    if isinstance(value, str) and _UUID.fullmatch(value):
        return UUID(value)
    raise PydanticCustomError("uuid_format", "must be a UUID like 550e8400-e29b-41d4-a716-446655440000")


def parse_code(value: str) -> str:
    """A code or a reason that identifies nobody."""
    if not _CODE.fullmatch(value) or (len(value) >= _TOKEN_LENGTH and _TOKEN.search(value)):
        raise PydanticCustomError("code_format", "must be a short code like MEDIA_ERR_NETWORK or 404, without ids")
    return value


def parse_connection(value: Any) -> Any:  # noqa: ANN401 - whatever JSON held
    """A network's name from the closed list; a name that nobody knows is `other`, since it must not cost the event."""
    if not isinstance(value, str):
        return value
    name = value.lower()
    return name if name in _CONNECTIONS else "other"


def parse_route_template(value: Any) -> Any:  # noqa: ANN401 - whatever JSON held
    """A route as its application declares it, every parameter as `{name}`; a path that was really called is refused.

    Templates of Starlette and OpenAPI (`{id}`, `{id:path}`), Flask (`<int:id>`) and Express (`:id`) are read.
    """
    if not isinstance(value, str):
        return value
    if len(value) > _ROUTE_BYTES or not value.startswith("/"):
        raise PydanticCustomError("route_template", _ROUTE_MESSAGE)
    segments: list[str] = []
    for segment in value[1:].split("/"):
        parameter = _PARAMETER.fullmatch(segment)
        if parameter is not None:
            segments.append(f"{{{parameter[1] or parameter[2] or parameter[3]}}}")
        elif not segment or (_LITERAL.fullmatch(segment) and not _HEX_WORD.fullmatch(segment)):
            segments.append(segment)
        else:
            raise PydanticCustomError("route_template", _ROUTE_MESSAGE)
    return "/" + "/".join(segments)


_ROUTE_MESSAGE = "must be a route template like /patients/{patient_id}/exams: words and {parameters}, no ids, no query"
# Letters that are hexadecimal all of them, and too many for a word.
_HEX_WORD = re.compile(r"[a-f]{8,}")


def parse_tenant(value: str) -> str:
    """A tenant's id: it stands in every row, so that an e-mail or an address is none."""
    if not _TENANT.fullmatch(value) or _FOUR_NUMBERS.search(value):
        raise PydanticCustomError("tenant_format", "must name a tenant by letters, digits and . _ : - alone")
    return value


_TENANT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
_FOUR_NUMBERS = re.compile(r"[0-9](?:\.[0-9]{1,3}){3}|:.*:.*:")


@dataclass(frozen=True)
class MaxBytes:
    """Marks a text that may be longer than other texts."""

    limit: int


def _limit_bytes(limit: int) -> BeforeValidator:
    def check(value: Any) -> Any:  # noqa: ANN401 - whatever JSON held
        if isinstance(value, str) and len(value) * 4 > limit and len(value.encode("utf-8", "replace")) > limit:
            raise PydanticCustomError("string_too_long", "must be at most {limit} bytes long", {"limit": limit})
        return value

    return BeforeValidator(check)


Timestamp = Annotated[datetime, BeforeValidator(parse_timestamp)]
Identifier = Annotated[UUID, BeforeValidator(parse_uuid)]
Text = Annotated[str, _limit_bytes(STRING_BYTES)]
Stack = Annotated[str, MaxBytes(STACK_BYTES), _limit_bytes(STACK_BYTES)]
RawId = Annotated[str, Field(min_length=1, max_length=256)]
Tenant = Annotated[str, AfterValidator(parse_tenant)]
Slug = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,63}$")]
"""A short name that is not stored: an address or an id could be written so, too."""
Word = Annotated[str, Field(pattern=r"^[a-z][a-z_]{1,31}$")]
# Patterns, and no Python, for what every heartbeat carries.
PictureSize = Annotated[
    str, Field(pattern=r"^(?:[0-9]{3,4}p[0-9]{0,3}|[0-9]{2,5}x[0-9]{2,5}|auto|sd|hd|fhd|uhd|[248]k)$")
]
Code = Annotated[str, Field(max_length=64), AfterValidator(parse_code)]
Connection = Annotated[_Connection, BeforeValidator(parse_connection)]
Seconds = Annotated[float, Field(ge=0, le=604_800)]
Milliseconds = Annotated[float, Field(ge=0, le=604_800_000)]
Count = Annotated[int, Field(ge=0, le=4_294_967_295)]
BitsPerSecond = Annotated[int, Field(ge=0, le=4_294_967_295)]
Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
Route = Annotated[str, Field(min_length=1), BeforeValidator(parse_route_template)]
"""A template, told from a path that was really called; stored as it is."""
Path = Annotated[Text, Field(min_length=1)]
"""A path or URL as a browser shows it; never stored before its segments have been reduced."""
Host = Annotated[
    str, Field(pattern=r"^[A-Za-z0-9](?:[A-Za-z0-9-]{0,62}[A-Za-z0-9])?(?:\.[A-Za-z0-9-]{1,63}){1,8}$", max_length=253)
]
"""A host's name; scrubbed, since an address can be written so, too."""
Version = Annotated[str, Field(pattern=r"^[0-9]{1,4}(?:\.[0-9]{1,5}){1,2}(?:[-+][A-Za-z][A-Za-z0-9.-]{0,23})?$")]
"""Of an app. Four numbers are none: an address could be written so."""
Instance = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]{0,30}(?:-[a-z0-9]{1,20}){0,4}$", max_length=63)]
"""Name of a process or pod of ours."""
Status = Annotated[int, Field(ge=100, le=599)]
Bytes = Annotated[int, Field(ge=0, le=1_099_511_627_776)]
Scalar = Annotated[str, _limit_bytes(STRING_BYTES)] | Annotated[int, Field(ge=-(2**53), le=2**53)] | float | bool | None
Scalars = Annotated[dict[Annotated[str, Field(min_length=1, max_length=128)], Scalar], Field(max_length=32)]
"""Named values of one level; names and values are scrubbed."""
Details = Annotated[dict[Annotated[str, Field(min_length=1, max_length=128)], JsonValue], Field(max_length=64)]
"""A JSON object of any shape within the limits of all events; names and values are scrubbed."""
