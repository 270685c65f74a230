"""Strict field types that payloads are made of: `true` is not 1, "3" is not 3, NaN is nothing."""

from __future__ import annotations

import math
import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, get_args
from uuid import UUID

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue
from pydantic_core import PydanticCustomError

from telemetry_platform.contracts.route_template import parse_route_template

STRING_BYTES = 4 * 1024
"""Longest text in bytes of UTF-8 (stack traces: 32 KiB)."""
STACK_BYTES = 32 * 1024
FIRST_MOMENT = datetime(2000, 1, 1, tzinfo=UTC)
"""Before it no stored time lies: tables would clip it."""
END_OF_MOMENTS = datetime(2100, 1, 1, tzinfo=UTC)
"""From it on no stored time lies: a row would never expire."""

_UUID = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}", re.ASCII)
_RFC3339 = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|z|[+-]\d{2}:\d{2})?", re.ASCII)
# What codes and names of processes could smuggle past the pseudonyms, in this order: phone and patient numbers (with
# separators too), IPv4 and IPv6 addresses, long keys and UUIDs.
_NO_IDS = (
    r"(?!.*(?:[0-9][._:-]?){7})(?!.*[0-9]{1,3}(?:[._-][0-9]{1,3}){3})(?!.*(?:[0-9A-Fa-f]{0,4}:){3})"
    r"(?!.*[0-9A-Fa-f]{12})"
)
# A code or a reason: words, with numbers as codes have them; a short number; a 32-bit code in hexadecimal.
_CODE = re.compile(
    r"[0-9]{1,6}|0x[0-9A-Fa-f]{1,8}|"
    rf"(?=[A-Za-z0-9][A-Za-z0-9_.:-]{{0,63}}\Z)(?=.*[A-Za-z])(?!(?:[^0-9]*[0-9]){{9}}){_NO_IDS}.*"
)
# The name of a pod has digits among its letters by chance: how many there are says nothing.
_INSTANCE = re.compile(rf"{_NO_IDS}[a-z][a-z0-9]{{0,30}}(?:-[a-z0-9]{{1,20}}){{0,4}}")
# A part of a token: a long run of letters with digits at two places. Asked of long codes alone: most are short.
_TOKEN = re.compile(r"(?=[A-Za-z0-9]{20})[A-Za-z]*[0-9]+[A-Za-z]+[0-9]")
_TOKEN_LENGTH = 20
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


def parse_raw_id(value: str) -> str:
    """An id as tokens may carry it: what no token can say, nobody could ever ask to erase."""
    if not value.isprintable():
        raise PydanticCustomError("not_printable", "must be printable characters, as tokens have them")
    return value


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


def parse_instance(value: str) -> str:
    """The name of a process or pod: a person's name cannot be told from one, but numbers, addresses and UUIDs can."""
    if not _INSTANCE.fullmatch(value) or _TOKEN.search(value):
        raise PydanticCustomError("instance_format", "must be the name of a process like core-api-7d9f-x2, without ids")
    return value


def parse_scalar(value: Any) -> Any:  # noqa: ANN401 - whatever JSON held
    """A value of one level, with one fault for whatever it is not; whole numbers that JSON rounds are rounded here."""
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, (int, float)):
        if isinstance(value, int) and abs(value) <= _WHOLE:
            return value
        # Beyond a double's range there is no number that another reader of the JSON would see.
        with suppress(OverflowError):
            if math.isfinite(number := float(value)):
                return number
    raise PydanticCustomError("scalar_type", "must be text, a number, true, false or null")


def parse_details(value: dict[str, Any]) -> dict[str, Any]:
    """Details whose numbers can all be written as JSON again."""
    waiting: list[Any] = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, (dict, list)):
            waiting.extend(part.values() if isinstance(part, dict) else part)
        elif (isinstance(part, int) and not -(2**63) <= part < 2**63) or (
            isinstance(part, float) and not math.isfinite(part)
        ):
            raise PydanticCustomError("invalid_number", "must hold finite numbers; whole ones within 64 bits")
    return value


def parse_stored_timestamp(value: datetime) -> datetime:
    """A time that tables can hold and that retention will reach."""
    if not FIRST_MOMENT <= value < END_OF_MOMENTS:
        raise PydanticCustomError("timestamp_range", "must lie from 2000-01-01 on and before 2100-01-01")
    return value


def parse_connection(value: Any) -> Any:  # noqa: ANN401 - whatever JSON held
    """A network's name from the closed list; a name that nobody knows is `other`, since it must not cost the event."""
    if not isinstance(value, str):
        return value
    name = value.lower()
    return name if name in _CONNECTIONS else "other"


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
StoredTimestamp = Annotated[Timestamp, AfterValidator(parse_stored_timestamp)]
Identifier = Annotated[UUID, BeforeValidator(parse_uuid)]
Text = Annotated[str, _limit_bytes(STRING_BYTES)]
Stack = Annotated[str, MaxBytes(STACK_BYTES), _limit_bytes(STACK_BYTES)]
RawId = Annotated[str, Field(min_length=1, max_length=256), AfterValidator(parse_raw_id)]
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
Version = Annotated[str, Field(pattern=r"^[0-9]{1,4}(?:\.[0-9]{1,5}){1,2}(?:[-+][A-Za-z]{1,12}(?:\.?[0-9]{1,4})?)?$")]
"""Of an app. Four numbers are none: an address could be written so; nor is a suffix that a name or number could be."""
Instance = Annotated[str, Field(max_length=63), AfterValidator(parse_instance)]
"""Name of a process or pod of ours."""
Status = Annotated[int, Field(ge=100, le=599)]
Bytes = Annotated[int, Field(ge=0, le=1_099_511_627_776)]
_WHOLE = 2**53
Scalar = Annotated[
    str | Annotated[int, Field(ge=-_WHOLE, le=_WHOLE)] | float | bool | None,
    _limit_bytes(STRING_BYTES),
    BeforeValidator(parse_scalar),
]
_Name = Annotated[str, Field(min_length=1, max_length=128)]
Scalars = Annotated[dict[_Name, Scalar], Field(max_length=32)]
"""Named values of one level; names and values are scrubbed."""
Details = Annotated[dict[_Name, JsonValue], Field(max_length=64), AfterValidator(parse_details)]
"""A JSON object of any shape within the limits of all events; names and values are scrubbed."""
