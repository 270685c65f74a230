"""Addresses of machines, which are addresses of persons: both families, in every spelling, and hardware addresses.

Invariant: what leaves here does not match the rule for tables at rest, or the drain would refuse the row: where that
rule says `[0-9]`, so do the patterns here; digits of any script count only where that finds more.
"""

from __future__ import annotations

import re
from ipaddress import ip_address

from telemetry_platform.processing.scrubbing.rule import DIGITS, Rule

_IPV6_COLONS = 2
_WORDLESS = 8
_LARGEST_OCTET = 255
_DASHED_DIGITS = 7

IPV4 = re.compile(r"[0-9](?<![0-9][\s\S])(?<![0-9]\.[\s\S])[0-9]{0,2}(?:\.[0-9]{1,3}){3}(?![0-9]|\.[0-9])")
_DOT = r"(?:\.|\[\.\]|\(\.\)|\[dot\]|\(dot\)| dot )"
_IPV4_DEFANGED = re.compile(
    r"(?i)(?<![0-9.])(?=[0-9]{1,3}(?:\.[0-9]{1,3}){0,2}(?:\[|\(| dot))"
    rf"[0-9]{{1,3}}(?:{_DOT}[0-9]{{1,3}}){{3}}(?![0-9])"
)
_IPV4_ANY = re.compile(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?!\d|\.\d)")
# Octal (0313.0.0161.011) and hexadecimal parts, as `inet_aton` takes them.
_IPV4_OLD = re.compile(
    r"(?i)(?<![\w.])(?:0x[0-9a-f]{1,2}|0[0-7]{0,4}|[0-9]{1,3})"
    r"(?:\.(?:0x[0-9a-f]{1,2}|0[0-7]{0,4}|[0-9]{1,3})){3}(?![\w]|\.\w)"
)
# Providers name their lines so: dsl-203-0-113-9.example.net.
_IPV4_DASHED = re.compile(
    r"(?<![0-9])(?<![^A-Za-z][0-9]-)([0-9]{1,3})-([0-9]{1,3})-([0-9]{1,3})-([0-9]{1,3})(?!-?[0-9])"
)
# One number as the host of a URL.
_HOST_NUMBER = re.compile(r"(?i)(?<=://)(?:0x[0-9a-f]{6,8}|[0-9]{8,10})(?=[/:?#\s]|$)")
# `Chrome/131.0.0.0` says no more than `Chrome/131`, and is an address to the rule for tables at rest.
_REDUCED_VERSION = re.compile(r"(?<=[A-Za-z]/)([0-9]{1,3})\.0\.0\.0(?![0-9.])")
_MAC = re.compile(r"(?i)(?<![0-9a-f:-])[0-9a-f]{2}([:-])(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}(?![0-9a-f:-])")
# In names of programs: `std::__1::system_error`.
_SCOPE = re.compile(r"[0-9A-Fa-f]{0,3}::")
# What may not stand before is asked behind the first sign: a pattern that begins with a class is sought much faster.
_IPV6 = re.compile(
    r"[0-9A-Fa-f:](?<![0-9A-Fa-f:][\s\S])(?<![0-9]\.[\s\S])(?:(?<=:)|[0-9A-Fa-f]{0,3}:)(?=[0-9A-Fa-f]{0,4}:)[0-9A-Fa-f:.]++(?:%\w++)?"
)


def _ipv6(match: re.Match[str]) -> str:
    """An address, with what stands around it in the run; times of day have colons too and stay."""
    run = match.group()
    address = run.split("%")[0]
    bare = address.rstrip(":.") if address.startswith("::") else address.strip(":.")
    # `:::3000` is a port at every address of a machine.
    if run.count(":") < _IPV6_COLONS or run.startswith(":::"):
        return run
    # Words of the letters a to f: `dead::beef` may be an address, `a::b` is a name in a program.
    if not any(character.isdigit() for character in run) and sum(map(str.isalpha, run)) < _WORDLESS:
        return run
    if _SCOPE.fullmatch(run) and match.string[match.end() : match.end() + 1].isalpha():
        return run
    for candidate in (address, bare, address.lstrip(":.")):
        try:
            ip_address(candidate)
        except ValueError:
            continue
        return "[address]"
    # Groups before an address, as in `addr:2001:db8::1`, or a port behind it make one run with it.
    return "[address]" if "::" in bare or bare.count(":") > _IPV6_COLONS + 2 else run


def _dashed(match: re.Match[str]) -> str:
    parts = match.groups()
    is_address = sum(map(len, parts)) >= _DASHED_DIGITS and all(int(part) <= _LARGEST_OCTET for part in parts)
    return "[address]" if is_address else match.group()


RULES: tuple[Rule, ...] = (
    Rule("reduced_version", _REDUCED_VERSION, r"\1", (".0.0.0",)),
    Rule("host_number", _HOST_NUMBER, "[address]", ("://",)),
    Rule("ipv4", IPV4, "[address]", DIGITS),
    Rule("ipv4_defanged", _IPV4_DEFANGED, "[address]", ("[.]", "(.)", "dot")),
    Rule("ipv4_any", _IPV4_ANY, "[address]", beyond_ascii=True),
    Rule("ipv4_old", _IPV4_OLD, "[address]", (".0",)),
    Rule("ipv4_dashed", _IPV4_DASHED, _dashed, tuple(f"-{digit}" for digit in range(10))),
    Rule("mac", _MAC, "[id]", (":", "-")),
    Rule("ipv6", _IPV6, _ipv6, (":",)),
)
AT_REST: tuple[Rule, ...] = (Rule("ipv4_at_rest", IPV4, "[address]", DIGITS),)
