"""Payloads of any kind as clients may write them, made from its contract: valid, and as odd as fields allow.

Texts are put together from pieces that scrubbing, patterns, JSON and stores have trouble with; each field keeps what
its own type takes. So a field of a new kind is covered without anybody writing a strategy for it.
"""

from __future__ import annotations

import string
from datetime import UTC, datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin
from uuid import UUID

from hypothesis import strategies as st
from pydantic import BaseModel

from telemetry_platform.contracts.policy.values import Posted
from telemetry_platform.processing.json_reading import repaired

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

WHOLE = (
    "", "0", "1", "404", "0x80070005", "E1", "MEDIA_ERR_NETWORK", "Http2StreamResetException", "std::bad_alloc",
    "v4.2.1", "720p", "1080p60", "1920x1080", "auto", "4k", "4.2.1", "1.0-rc.1", "1.0.0+build12", "core-api-7d9f-x2",
    "4g", "WiFi", "quantum", "video", "patient", "media.view", "/", "/home", "/v1/patients/{patient_id}/exams",
    "/patients/:id/", "/auth/oauth2/<int:id>", "/.well-known/jwks.json", "https://app.example.com/patients/ana?x=1#y",
    "clinic-1", "org:1", "app.example.com", "xn--e1afmkfd.example", "2001:db8:1:2::7", "203.0.113.77",
    "1-2.3-4.5-6", "tel-0721234567", "ip-203-0-113-9", "0721-234-567", "f47ac10b-58cc-4372-a567-0e02b2c3d479",
    "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "::ffff:203.0.113.77", "fe80::1%eth0",
    "a.203.0.113.9", "203.0.113.9.example", "a" * 64, "-".join("abcd"), "GET", "count",
)  # fmt: skip
"""What some field takes, and what none that is kept should."""
PIECES = (
    "ana.popescu@example.com", "ana@localhost", "a@b.c", "a@b.cd", "ana%40example.com", "@", "x@y@example.com",
    "ana@ex\u00e4mple.com", "ana@example\u3002com", "\uff41na@example.com", "203.0.113.9", "203.0.113.999", "1.2.3.4.5",
    "\u0662\u0660\u0663.0.113.9", "203\u200b.0.113.9", "256.1.1.1", "2001:db8::7", "::1", "+40 721 555 123",
    "0721234567", "\u0660\u0667\u0662\u0661\u0662\u0663\u0664\u0665\u0666", "1850101221144", "password=x", "token",
    "user 12345", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0NzExIn0", "C:\\Users\\Ana", "/home/ana/x", "?patient=4711",
    "\x00", "\x01", "\x1b[31m", "\x7f", "\x85", "\u2028", "\u200b", "\u200d", "\ufeff", "\u202e", "\ufffd", "\ud83d",
    "\U0001f9d8", "\u0301", "\\u0000", "\\\\u0000", "\\", '"', "'", "{", "}", "\n", "\r\n", "\t", " ", ".", ":", "/",
    "-", "_", "%", "=", "[id]", "[email]", "a", "Z", "9", "12", "0", "null", "NaN", "<script>", "'; DROP TABLE x; --",
)  # fmt: skip
NUMBERS = (0, 1, -1, 255, 256, 599, 2**31, 2**32 - 1, 2**32, 2**53, -(2**53), 2**63 - 1, -(2**63), 0.1, 5e-324, 1e308)
MOMENTS = (
    "0001-01-01T00:00:00Z", "1899-12-31T23:59:59Z", "1900-01-01T00:00:00Z", "1970-01-01T00:00:00Z",
    "1999-12-31T23:59:59.999Z", "2000-01-01T00:00:00Z", "2026-02-17T09:59:59.999999999Z", "2026-02-17T10:00:00Z",
    "2026-02-17T23:30:00+14:00", "2099-12-31T23:59:59.999Z", "2100-01-01T00:00:00Z", "2299-12-31T23:59:59Z",
    "2300-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z",
)  # fmt: skip
_KEY_CHARACTERS = 128

_free = st.lists(st.sampled_from(PIECES) | st.text(max_size=6), max_size=6).map("".join)
_short = st.text(alphabet=string.ascii_letters + string.digits + "._:-/+", max_size=20)
_numbers = st.sampled_from(NUMBERS) | st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53)
_scalars = st.none() | st.booleans() | _numbers | _free
_names = _free.map(lambda text: text[:_KEY_CHARACTERS]).filter(bool)
_objects = st.dictionaries(_names, _scalars, max_size=5)
_OF_TYPE: dict[type[Any] | None, SearchStrategy[Any]] = {
    UUID: st.uuids().map(str),
    datetime: st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat),
    bool: st.booleans(),
    int: _numbers,
    float: _numbers,
    dict: _objects | st.dictionaries(_names, _scalars | st.lists(_scalars, max_size=3) | _objects, max_size=5),
}


def payloads(models: tuple[type[BaseModel], ...]) -> SearchStrategy[dict[str, Any]]:
    """Events of any of the models, as JSON would have them."""
    return st.one_of([_of_model(model) for model in models])


@lru_cache(maxsize=64)
def _of_model(model: type[BaseModel]) -> SearchStrategy[dict[str, Any]]:
    required: dict[str, SearchStrategy[Any]] = {}
    optional: dict[str, SearchStrategy[Any]] = {}
    for name, info in model.model_fields.items():
        nested = info.annotation if isinstance(info.annotation, type) else None
        if nested is not None and issubclass(nested, BaseModel):
            values: SearchStrategy[Any] = _of_model(nested)
        else:
            values = _of_field(Posted(f"{model.__name__}.{name}", name, info))
        (required if info.is_required() else optional)[name] = values
    return st.fixed_dictionaries(required, optional=optional)


def _of_field(field: Posted) -> SearchStrategy[Any]:
    """What the field takes, and null where it may be."""
    known = [value for value in (*_literals(field.info.annotation), *WHOLE, *NUMBERS, *MOMENTS) if _takes(field, value)]
    if field.takes(None):
        known.append(None)
    values = st.sampled_from(known) if known else st.nothing()
    made = _texts(field) if field.base is str else _OF_TYPE.get(field.base)
    return values if made is None else values | made.filter(lambda value: _takes(field, value))


def _texts(field: Posted) -> SearchStrategy[str]:
    """Odd texts for fields that take any, plain ones for those that do not."""
    return _free | _short if _takes(field, "a\u00e9 @") else _short


def _literals(annotation: Any) -> tuple[Any, ...]:  # noqa: ANN401 - annotations have no common type
    """Values of a closed list, at any depth of an annotation."""
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    return tuple(value for member in get_args(annotation) for value in _literals(member))


def _takes(field: Posted, value: object) -> bool:
    """Whether the field takes the value once it has been made storable, as the API does first."""
    return field.takes(repaired(value)[0])
