"""The forms in which a value may rest somewhere: as it is, in the usual encodings, and as hashes anybody can make.

Invariant: a form is found wherever it stands within something longer (base64 in all three positions), and has at least
`SHORTEST` bytes, so that it is not found by chance in gigabytes.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
from ipaddress import IPv6Address, ip_address
from typing import TYPE_CHECKING
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Iterator

SHORTEST = 8
_HASHES = ("md5", "sha1", "sha256")
_BITS_OF_A_BYTE, _BITS_OF_A_SIGN = 8, 6
_POSITIONS = 3


def forms(value: str) -> Iterator[tuple[str, bytes]]:
    """Names and bytes of all forms; the same bytes may come under several names."""
    yield from ((name, form) for name, form in _all(value) if len(form) >= SHORTEST)


def _all(value: str) -> Iterator[tuple[str, bytes]]:
    for case, text in (("", value), (" in lower case", value.lower()), (" in upper case", value.upper())):
        raw = text.encode()
        yield f"raw{case}", raw
        yield f"UTF-16{case}", text.encode("utf-16-le")
        yield f"UTF-16 (big-endian){case}", text.encode("utf-16-be")
        yield f"hex{case}", raw.hex().encode()
        yield f"hex{case}", raw.hex().upper().encode()
        for position in range(_POSITIONS):
            yield f"base64{case}", _base64_within(raw, position)
            yield f"base64{case}", _base64_within(raw, position).translate(bytes.maketrans(b"+/", b"-_"))
    yield from _escaped(value)
    yield from _packed(value)
    yield from _hashed(value)


def _base64_within(raw: bytes, position: int) -> bytes:
    """What base64 makes of a value that begins `position` bytes after a group, whatever stands before and behind."""
    encoded = base64.b64encode(bytes(position) + raw)
    begin = -(-position * _BITS_OF_A_BYTE // _BITS_OF_A_SIGN)
    return encoded[begin : (position + len(raw)) * _BITS_OF_A_BYTE // _BITS_OF_A_SIGN]


def _escaped(value: str) -> Iterator[tuple[str, bytes]]:
    """As URLs, JSON and HTML write it."""
    for safe in ("", "/:", "@:/"):
        upper = quote(value, safe=safe)
        yield "URL-encoded", upper.encode()
        # The signs of the value itself keep their case.
        parts = upper.split("%")
        yield "URL-encoded", "%".join([parts[0], *(part[:2].lower() + part[2:] for part in parts[1:])]).encode()
    once = json.dumps(value)[1:-1]
    yield "JSON", once.encode()
    yield "JSON", once.replace("/", "\\/").encode()
    yield "JSON, twice", json.dumps(once)[1:-1].encode()
    yield "JSON", "".join(f"\\u{ord(sign):04x}" for sign in value).encode()
    yield "JSON", "".join(f"\\u{ord(sign):04X}" for sign in value).encode()
    yield "HTML", html.escape(value).encode()


def _packed(value: str) -> Iterator[tuple[str, bytes]]:
    """An IPv6 address in other spellings and as 16 bytes; the four bytes of an IPv4 address are found by chance."""
    try:
        address = ip_address(value)
    except ValueError:
        return
    if isinstance(address, IPv6Address):
        yield "packed", address.packed
        yield "IPv6 in full", address.exploded.encode()
        yield "IPv6 in full", address.exploded.upper().encode()
        yield "hex", address.packed.hex().encode()
    else:
        yield "IPv4 as IPv6", f"::ffff:{value}".encode()


def _hashed(value: str) -> Iterator[tuple[str, bytes]]:
    """Hashes without a key: whoever has a list of ids finds them again."""
    for spelling in sorted({value, value.lower()}):
        for algorithm in _HASHES:
            digest = hashlib.new(algorithm, spelling.encode(), usedforsecurity=False).digest()
            name = algorithm.upper()
            yield name, digest
            yield f"{name} in hex", digest.hex().encode()
            yield f"{name} in hex", digest.hex().upper().encode()
            plain = base64.b64encode(digest).rstrip(b"=")
            yield f"{name} in base64", plain
            yield f"{name} in base64", plain.translate(bytes.maketrans(b"+/", b"-_"))
