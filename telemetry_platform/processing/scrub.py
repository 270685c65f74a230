"""Free text without personal data: e-mails, addresses, tokens, phone numbers, long ids, names of user folders.

What is found is replaced by a word in brackets that says what stood there, so that a message stays readable. Invariant:
every pattern takes linear time. Runs are possessive and begin only where the character before is not of the run, so
that no hostile text can make the matcher go back.
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    Replacement = str | Callable[[re.Match[str]], str]

_MIN_PHONE_DIGITS, _MAX_PHONE_DIGITS = 9, 15
_IPV6_COLONS = 2

_JWT = re.compile(r"(?<![\w-])eyJ[\w-]{4,}+(?:\.[\w-]*+){1,4}")
_BEARER = re.compile(r"(?i)\b(bearer|basic|token)(\s++|=|:\s*+)[\w.~+/=-]{6,}+")
_SECRET = re.compile(r"(?i)\b(password|passwd|pwd|secret|api[_-]?key|access[_-]?token|authorization)(\s*+[=:]\s*+)\S++")
_CREDENTIALS = re.compile(r"(?<=://)[^\s/@:]{1,256}+:[^\s/@]{1,256}+@")
_EMAIL = re.compile(r"(?<![\w.+'-])[\w.+'-]++(?:@|%40)[\w.-]++", re.IGNORECASE)
_IPV4 = re.compile(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?![\d]|\.\d)")
_IPV6 = re.compile(r"(?<![0-9A-Fa-f:.])[0-9A-Fa-f:.]{3,}+(?:%\w++)?")
_FOLDER = re.compile(
    r"(?i)([/\\](?:Users|home|Documents and Settings)[/\\]++)"
    # A name with spaces ends at the next separator; without one within 64 characters, at the first space.
    r"(?:[^/\\:'\"\n]{1,64}+(?=[/\\])|[^/\\\s:'\"]++)"
)
_UUID = re.compile(r"(?i)\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")
_PHONE = re.compile(r"(?<![\w.+])\+?[\d(][\d ().\-/]{6,}+")
_RUN = re.compile(r"(?<!\w)\w{9,}+")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(?!\d)")
_HEX = re.compile(r"[0-9a-fA-F]{12,}")
_LONG_RUN = 20
_LONG_DIGITS = 6


def _ipv6(match: re.Match[str]) -> str:
    """An address, with what stands around it in the run; times of day have colons too and stay."""
    run = match.group()
    bare = run.split("%")[0].strip(":.") if not run.startswith("::") else run.split("%")[0].rstrip(":.")
    if run.count(":") < _IPV6_COLONS or not any(character.isdigit() for character in run):
        return run
    for candidate in (run.split("%")[0], bare):
        try:
            ip_address(candidate)
        except ValueError:
            continue
        return "[address]"
    # Groups before an address, as in `addr:2001:db8::1`, make one run with it.
    return "[address]" if "::" in bare or bare.count(":") > _IPV6_COLONS + 2 else run


def _phone(match: re.Match[str]) -> str:
    run = match.group()
    digits = sum(character.isdigit() for character in run)
    if not _MIN_PHONE_DIGITS <= digits <= _MAX_PHONE_DIGITS or _DATE.match(run):
        return run
    kept = run.rstrip(" (.-/")
    return "[phone]" + run[len(kept) :]


def _id(match: re.Match[str]) -> str:
    """Long numbers, long hexadecimal, and long runs that mix letters and many digits."""
    run = match.group()
    digits = sum(character.isdigit() for character in run)
    if run.isdigit() or (digits and _HEX.fullmatch(run)) or (len(run) >= _LONG_RUN and digits >= _LONG_DIGITS):
        return "[id]"
    return run


RULES: tuple[tuple[str, re.Pattern[str], Replacement], ...] = (
    ("token", _JWT, "[token]"),
    ("bearer", _BEARER, r"\1\2[token]"),
    ("secret", _SECRET, r"\1\2[secret]"),
    ("credentials", _CREDENTIALS, "[credentials]@"),
    ("email", _EMAIL, "[email]"),
    ("ipv4", _IPV4, "[address]"),
    ("uuid", _UUID, "[id]"),
    ("ipv6", _IPV6, _ipv6),
    ("folder", _FOLDER, r"\1[user]"),
    ("phone", _PHONE, _phone),
    ("id", _RUN, _id),
)
"""In this order: what is more specific comes first."""


def scrub(text: str) -> str:
    """The text with whatever may identify a person replaced."""
    for _, pattern, replacement in RULES:
        text = pattern.sub(replacement, text)
    return text
