"""Strict field types: what a client may write, to the letter."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from telemetry_platform.contracts.types import (
    BitsPerSecond,
    Code,
    Connection,
    Identifier,
    Instance,
    PictureSize,
    Seconds,
    StoredTimestamp,
    Text,
    Timestamp,
    Version,
    Word,
)

timestamps: TypeAdapter[datetime] = TypeAdapter(Timestamp)


def code_of(adapter: TypeAdapter[Any], value: object) -> str:
    """The error type that `value` is refused with."""
    with pytest.raises(ValidationError) as caught:
        adapter.validate_python(value, strict=True)
    return caught.value.errors()[0]["type"]


def test_e27_an_offset_is_accepted_and_becomes_utc() -> None:
    assert timestamps.validate_python("2026-02-17T23:30:00-08:00") == datetime(2026, 2, 18, 7, 30, tzinfo=UTC)


def test_e28_a_timestamp_without_a_zone_is_refused_on_every_machine() -> None:
    assert code_of(timestamps, "2026-02-17T10:00:00") == "timezone_required"


@pytest.mark.parametrize("value", [1771322400, 1771322400000, 1771322400000000, 1771322400000.0, "1771322400000", None])
def test_e29_every_numeric_form_is_refused(value: object) -> None:
    assert code_of(timestamps, value) == "timestamp_format"


@pytest.mark.parametrize(
    "value",
    ["2026-02-30T10:00:00Z", "2026-02-17T25:00:00Z", "0000-01-01T00:00:00Z", "2026-02-17T10:00:00+99:00"],
)
def test_a_moment_that_does_not_exist_is_refused(value: str) -> None:
    assert code_of(timestamps, value) == "timestamp_range"


def test_nanoseconds_are_cut_to_the_precision_that_is_stored() -> None:
    moment = timestamps.validate_python("2026-02-17T10:00:00.123999999Z")
    assert moment == datetime(2026, 2, 17, 10, 0, 0, 123000, tzinfo=UTC)


@given(st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2200, 1, 1)))  # noqa: DTZ001 - hypothesis wants naive bounds
def test_what_is_written_in_utc_is_read_as_the_same_moment(moment: datetime) -> None:
    cut = moment.replace(microsecond=moment.microsecond // 1000 * 1000, tzinfo=UTC)
    assert timestamps.validate_python(cut.isoformat()) == cut


@pytest.mark.parametrize("value", ["ana@example.com", "550e8400e29b41d4a716446655440000", 7, None, "{" * 36])
def test_an_identifier_is_a_canonical_uuid(value: object) -> None:
    assert code_of(TypeAdapter(Identifier), value) == "uuid_format"


@pytest.mark.parametrize("value", ["3", True, float("nan"), float("inf"), -0.5, 10**9])
def test_seconds_are_finite_numbers_in_range(value: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Seconds).validate_python(value, strict=True)


@pytest.mark.parametrize("value", [18446744073709551616, True, "2500000", 2.5, -1])
def test_e23_a_bitrate_is_an_integer_that_its_column_can_hold(value: object) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(BitsPerSecond).validate_python(value, strict=True)


def test_text_is_limited_in_bytes_not_in_characters() -> None:
    adapter: TypeAdapter[str] = TypeAdapter(Text)
    assert adapter.validate_python("é" * 2048) == "é" * 2048
    assert code_of(adapter, "é" * 2049) == "string_too_long"


@pytest.mark.parametrize(
    "value",
    [
        "MEDIA_ERR_NETWORK",
        "E1",
        "404",
        "3",
        "hls.js:fragLoadError",
        "std::bad_alloc",
        "v4.2.1",
        "0x80070005",
        "4xx",
        "Http2StreamResetException",
    ],
)
def test_a_code_may_be_what_players_say(value: str) -> None:
    assert TypeAdapter(Code).validate_python(value, strict=True) == value


@pytest.mark.parametrize(
    "value",
    [
        "203.0.113.9",
        "from-203.0.113.9",
        "fd00:1:2::5",
        "ana@example.com",
        "0721234567",
        "tel:0721-234-567",
        "mrn1234567",
        "f47ac10b-58cc-4372-a567-0e02b2c3d479",
        "a9f86d081884c7d659a2feaa0c55ad015",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0NzExIn0",
        "key_4eXzzHqLyjWDarjtT1zdp7dc",
        "ip-203-0-113-9",
        "from_203_0_113_9",
        "tel-0721-2345",
        "two words",
        "",
        "E1\n",
        "-",
        "é",
    ],
)
def test_e70_a_code_is_no_id(value: str) -> None:
    assert code_of(TypeAdapter(Code), value) == "code_format"


@pytest.mark.parametrize(
    ("value", "kept"),
    [("4g", "4g"), ("WiFi", "wifi"), ("0721234567", "other"), ("203.0.113.9", "other"), ("", "other")],
)
def test_e70_a_network_is_named_from_the_list_or_is_other(value: str, kept: str) -> None:
    assert TypeAdapter(Connection).validate_python(value, strict=True) == kept


@pytest.mark.parametrize("value", [4, True, ["4g"], {"type": "4g"}])
def test_a_network_that_is_no_text_is_refused(value: object) -> None:
    assert code_of(TypeAdapter(Connection), value) == "literal_error"


@pytest.mark.parametrize("value", ["720p", "1080p60", "144p", "1920x1080", "auto", "4k"])
def test_a_resolution_is_lines_or_a_size(value: str) -> None:
    assert TypeAdapter(PictureSize).validate_python(value, strict=True) == value


@pytest.mark.parametrize("value", ["u-42", "203.0.113.9", "720", "0721234567", "720p\n", "Ana"])
def test_e70_a_resolution_is_nothing_else(value: str) -> None:
    assert code_of(TypeAdapter(PictureSize), value) == "string_pattern_mismatch"


@pytest.mark.parametrize("value", ["203.0.113.9", "u-42", "0721234567", "Video", "video\n", "ana@example.com"])
def test_e70_a_medium_is_of_a_type_that_is_a_plain_word(value: str) -> None:
    assert code_of(TypeAdapter(Word), value) == "string_pattern_mismatch"


@pytest.mark.parametrize("value", ["core-api-7d9f-x2", "core-0", "core-api-67d9f85b4c-2x4k9", "worker", "core-12345"])
def test_an_instance_is_named_as_pods_are(value: str) -> None:
    assert TypeAdapter(Instance).validate_python(value, strict=True) == value


@pytest.mark.parametrize(
    "value",
    [
        "tel-0721234567",
        "tel-0721-2345",
        "mrn1234567",
        "ip-203-0-113-9",
        "f47ac10b-58cc-4372-a567-0e02b2c3d479",
        "ana@example.com",
        "203.0.113.9",
        "core\n",
        "Core",
        "",
        "core-\u0660\u0667",
    ],
)
def test_e70_an_instance_is_no_number_address_or_uuid(value: str) -> None:
    assert code_of(TypeAdapter(Instance), value) == "instance_format"


@pytest.mark.parametrize("value", ["4.2.1", "4.2", "1.0.0-rc.1", "1.0.0-beta2", "1.0.0+build.1234", "2026.11.3"])
def test_a_version_may_have_a_short_suffix(value: str) -> None:
    assert TypeAdapter(Version).validate_python(value, strict=True) == value


@pytest.mark.parametrize(
    "value", ["1.0-b203.0.113.9", "1.0-A0721234567", "1.0.0+ana.popescu", "10.20.30.40", "1.0-", "1.0\n", "1.0-b1-b2"]
)
def test_e70_a_version_holds_no_address_number_or_name(value: str) -> None:
    assert code_of(TypeAdapter(Version), value) == "string_pattern_mismatch"


@pytest.mark.parametrize("value", ["2000-01-01T00:00:00Z", "2099-12-31T23:59:59.999Z", "1999-12-31T23:00:00-08:00"])
def test_a_stored_time_is_one_that_tables_hold(value: str) -> None:
    TypeAdapter(StoredTimestamp).validate_python(value, strict=True)


@pytest.mark.parametrize(
    "value",
    [
        "0001-01-01T00:00:00Z",
        "1970-01-01T00:00:00Z",
        "1999-12-31T23:59:59.999Z",
        "2100-01-01T00:00:00Z",
        "9999-12-31T00:00:00Z",
    ],
)
def test_a_stored_time_that_tables_would_clip_is_refused(value: str) -> None:
    assert code_of(TypeAdapter(StoredTimestamp), value) == "timestamp_range"
