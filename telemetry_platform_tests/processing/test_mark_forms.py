"""The forms in which a value may rest, and the search for thousands of them at once."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import random
import zlib
from urllib.parse import quote_plus

import pytest

from telemetry_platform.processing.mark_forms import SHORTEST, forms
from telemetry_platform.processing.mark_search import Found, Patterns, find_in_rows, find_in_stream

EMAIL = "maria.c0ffee@example.org"
ADDRESS = "2001:db8:1234:5678:9abc:def0:1234:5678"
ENCODED = {
    "within a text": f"mail to {EMAIL}, please".encode(),
    "upper case": EMAIL.upper().encode(),
    "UTF-16": f"at {EMAIL}".encode("utf-16-le"),
    "hex": f"x{EMAIL}".encode().hex().encode(),
    "HEX": f"x{EMAIL}".encode().hex().upper().encode(),
    "URL": quote_plus(EMAIL).encode(),
    "url": EMAIL.replace("@", "%40").encode(),
    "JSON in JSON": json.dumps(json.dumps({"mail": EMAIL})).encode(),
    "JSON escapes": EMAIL.encode("utf-16-be").hex().encode(),
    "MD5": hashlib.md5(EMAIL.encode(), usedforsecurity=False).digest(),
    "SHA-1 in hex": hashlib.sha1(EMAIL.encode(), usedforsecurity=False).hexdigest().encode(),
    "SHA-256 in base64": base64.b64encode(hashlib.sha256(EMAIL.encode()).digest()),
    "SHA-256 of the upper case in HEX": hashlib.sha256(EMAIL.encode()).hexdigest().upper().encode(),
}
ENCODED["JSON escapes"] = "".join(f"\\u{ord(sign):04x}" for sign in EMAIL).encode()


def patterns_of(*values: str) -> Patterns:
    return Patterns(pattern for value in values for _, pattern in forms(value))


@pytest.mark.parametrize("name", sorted(ENCODED))
def test_a_value_is_found_in_every_usual_encoding(name: str) -> None:
    assert list(patterns_of(EMAIL).find(b"\0before" + ENCODED[name] + b"behind\0"))


@pytest.mark.parametrize("before", range(7))
@pytest.mark.parametrize("behind", range(4))
def test_a_value_within_base64_is_found_wherever_it_begins(before: int, behind: int) -> None:
    coded = base64.b64encode(b"p" * before + EMAIL.encode() + b"q" * behind)
    assert list(patterns_of(EMAIL).find(coded))


def test_an_ipv6_address_is_found_packed_and_in_full() -> None:
    search = patterns_of("2001:db8::7")
    assert list(search.find(b"xx2001:0db8:0000:0000:0000:0000:0000:0007"))
    assert list(search.find(b"\x20\x01\x0d\xb8" + bytes(11) + b"\x07"))


def test_no_form_is_so_short_that_chance_would_find_it() -> None:
    assert (
        min(len(pattern) for value in ("a", EMAIL, ADDRESS, "198.18.100.200") for _, pattern in forms(value))
        >= SHORTEST
    )
    noise = random.Random(7).randbytes(4_000_000)  # noqa: S311 - chance that repeats itself
    assert list(patterns_of(EMAIL, ADDRESS, "198.18.100.200").find(noise)) == []


def test_every_pattern_is_found_at_every_place_and_nothing_else() -> None:
    chance = random.Random(3)  # noqa: S311 - as above
    patterns = [chance.randbytes(chance.randint(8, 40)) for _ in range(3000)]
    data, expected = bytearray(), []
    for pattern in chance.sample(patterns, 500):
        data += chance.randbytes(chance.randint(0, 9000))
        expected.append(Found(len(data), pattern))
        data += pattern
    assert sorted(Patterns(patterns).find(bytes(data)), key=lambda found: found.at) == expected


@pytest.mark.parametrize("size", [1, 7, 8, 23, 64])
def test_a_pattern_that_is_cut_into_chunks_is_found_once(size: int) -> None:
    data = b"." * 50 + EMAIL.encode() + b"." * 50
    chunks = [(begin, data[begin : begin + size]) for begin in range(0, len(data), size)]
    found = list(find_in_stream(Patterns([EMAIL.encode()]), chunks))
    assert found == [Found(50, EMAIL.encode())]


def test_zeros_that_were_left_out_join_no_pattern() -> None:
    half = len(EMAIL) // 2
    chunks = [(0, EMAIL.encode()[:half]), (4096, EMAIL.encode()[half:])]
    assert list(find_in_stream(Patterns([EMAIL.encode()]), chunks)) == []


PACKED = {
    "zlib in hex": b"\\\\x" + zlib.compress(f'{{"tag": "{EMAIL}"}}'.encode()).hex().encode(),
    "zlib in base64": base64.b64encode(zlib.compress(f'{{"tag": "{EMAIL}"}}'.encode())),
    "gzip in base64": base64.b64encode(gzip.compress(EMAIL.encode())),
    "zlib in base64 in zlib in hex": b"\\\\x"
    + zlib.compress(base64.b64encode(zlib.compress(EMAIL.encode() * 3))).hex().encode(),
}


@pytest.mark.parametrize("name", sorted(PACKED))
def test_what_a_column_holds_compressed_is_looked_through(name: str) -> None:
    rows = b"1\tplain\tx\n2\tother\t" + PACKED[name] + b"\n3\tplain\ty\n"
    blocks = [rows[begin : begin + 11] for begin in range(0, len(rows), 11)]
    assert {found.column for found in find_in_rows(Patterns([EMAIL.encode()]), blocks)} == {2}


def test_a_find_names_its_column() -> None:
    rows = [b"a\tb\t" + EMAIL.encode() + b"\tc\n", EMAIL.encode() + b"\t\t\t", b"\n"]
    assert [found.column for found in find_in_rows(Patterns([EMAIL.encode()]), rows)] == [2, 0]
