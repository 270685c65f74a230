"""Free text without personal data: e-mails, addresses, secrets, phone numbers, ids, user folders, query values.

What is found is replaced by a word in brackets that says what stood there, so that a message stays readable.
Characters that nobody sees are dropped and wide forms of `@`, `.` and digits are made plain first, since they hide an
address from every pattern. Invariants: every pattern takes linear time: runs are possessive and begin only where the
character before is not of the run, so that no hostile text can make the matcher go back. What leaves here, as it is or
within JSON, does not match the rule for tables at rest, or the drain would refuse the row: where that rule says
`[0-9]`, so do the patterns here; digits of any script count only where that finds more.
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
_ID_DIGITS = 5

# A value in quotes (in quotes that are escaped themselves, too) or up to the next space.
_VALUE = (
    r"""(?:\\{1,8}+"[^"]*+"?|\\{1,8}+'[^']*+'?|"(?:[^"\\]++|\\[\s\S])*+"?|'(?:[^'\\]++|\\[\s\S])*+'?|"""
    r"""(?:(?:bearer|basic|digest)\s++)?+\S++)"""
)
# What may stand between a name and its separator: the end of a quoted key.
_KEY_END = r"""\\{0,8}+["']?+"""

# Letters of other scripts are no part of a token; they must not hide where it begins.
_JWT = re.compile(r"(?a)(?<![\w-])eyJ[\w-]{4,}+(?:\.[\w-]*+){1,4}")
_KEY = re.compile(
    r"(?a)(?<!\w)(?:(?:sk|pk|rk|gh[pousr]|github_pat|glpat|xox[a-z]|whsec|shpat)[_-](?=[\w-]{0,64}\d)|AKIA|ASIA|AIza)[\w-]{8,}+"
)
_COOKIE = re.compile(r"(?i)\b((?:set-)?cookie2?\s*+:\s*+)[^\r\n]++")
_SECRET = re.compile(
    # Inside longer names as well: db_password, x-api-key, csrftoken.
    r"(?i)((?:password|passwd|passphrase|passcode|pwd|secret|api[_-]?key|(?:access|private|secret)[_-]?key|token|jwt|"
    r"authorization|credential|signature|session[_-]?id|user[_-]?name)(?:[_-]?(?:value|hash|key|id|text))?s?"
    # A sign alone, as in `unexpected token: }`, is no value.
    rf"{_KEY_END}\s*+[=:]\s*+)(?=[^\sA-Za-z0-9]{{0,16}}[A-Za-z0-9])({_VALUE})"
)
_BEARER = re.compile(r"(?i)\b(bearer|basic|token)(\s++)([\w.~+/=-]{6,}+)")
_QUERY = re.compile(r"""([?&#;][\w.%\[\]-]{1,64}+=)[^\s&#;"'<>]++""")
_PERSONAL = re.compile(
    r"(?i)(?<![A-Za-z0-9])((?:mrn|ssn|cnp|iban|pin|otp|sid|sig|auth|session|user|patient|tel|phone|mobile|login|dob)"
    r"(?:[_ -]?(?:id|no|nr|number|code))?|"
    r"(?:client|customer|account|member|person|subject|device)[_ -]?(?:id|no|nr|number))"
    rf"({_KEY_END}(?:\s*+[=:#]\s*+|\s++))({_VALUE})"
)
_CREDENTIALS = re.compile(r"(?<=://)[^\s/@:]{1,256}+:[^\s/@]{1,256}+@")
_EMAIL = re.compile(
    # `%2B` and its like are signs of the name; `%2540` is an @ that was encoded twice.
    r"(?<![\w.+'-])(?:[\w.+'-]{1,64}+%2[BDE]){0,3}+[\w.+'-]++(?:@|%(?:25)*+40)"
    # Not an address: 1280x720@60, hls.js@1.5.7, and frames of a stack such as play@https://cdn.example/app.js.
    r"(?![a-z]{2,10}:/)(?=[\d.-]{0,64}+[^\W\d_]|\d{1,3}(?:\.\d{1,3}){3})[\w.-]++",
    re.IGNORECASE,
)
# What the rule for tables at rest takes for an e-mail. The name may hold signs that are no part of words, or, as JSON
# writes controls as letters and digits (`\n@`, `\u0001@`), be nothing but the sign before the @.
# One class, and no group, is repeated without going back: before Python 3.11.5 such groups match too little.
_NAME_SIGN = r"[^\s!\"#$&'()*,/:;<=>?@\[\\\]^`{|}~]"
_AT_REST = re.compile(
    rf"(?:(?<!{_NAME_SIGN}){_NAME_SIGN}++|(?<=[^ -~]))@"
    r"(?=[A-Za-z0-9-]++(?:\.(?![A-Za-z]{2})[A-Za-z0-9-]++)*\.[A-Za-z]{2})[A-Za-z0-9.-]++"
)
_IPV4 = re.compile(r"(?<![0-9.])[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?![0-9]|\.[0-9])")
_IPV6 = re.compile(r"(?<![0-9A-Fa-f:.])[0-9A-Fa-f:.]{3,}+(?:%\w++)?")
_FOLDER = re.compile(
    r"(?i)([/\\](?:Users|home|Documents and Settings)[/\\]++)"
    # A name with spaces ends at the next separator; without one within 64 characters, at the first space.
    r"(?:[^/\\:'\"\n]{1,64}+(?=[/\\])|[^/\\\s:'\"]++)"
)
_UUID = re.compile(r"(?i)(?<![0-9a-f])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![0-9a-f])")
_PHONE = re.compile(r"(?<![\w.+])\+?[\d(][\d ().\-/]{6,}+")
_RUN = re.compile(r"(?<!\w)\w{9,}+")
_DIGITS = re.compile(r"(?<!\d)(?<![0-9]\.)(?:(?<!0x)\d{7,}+|\d{9,}+)")
_DECIMAL = re.compile(r"(?:0|[1-9][0-9]{0,5})\.[0-9]+")
# Four numbers of which the second is a single digit: 120.0.6099.129. Groups of a phone number are longer.
_VERSION = re.compile(r"[0-9]{1,4}\.[0-9](?:\.[0-9]{1,5}){2}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?!\d)")
_HEX = re.compile(r"[0-9a-fA-F]{12,}")
_UNSEEN = re.compile(
    "[\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U000110bd\U000110cd"
    "\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""Format characters (Cf) and others that take no room."""
_PLAIN = str.maketrans(
    {0xFF20: "@", 0xFE6B: "@", **dict.fromkeys((0xFF0E, 0xFE52, 0x2024, 0x3002, 0xFF61), ".")}
    | {0xFF10 + digit: str(digit) for digit in range(10)}
)
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
    date = _DATE.match(run)
    lead, number = ("", run) if date is None else (date.group(), run[date.end() :])
    kept = number.rstrip(" (.-/")
    digits = sum(character.isdigit() for character in kept)
    # Long numbers without a separator are ids.
    too_long = digits > _MAX_PHONE_DIGITS and kept.isdigit()
    if digits < _MIN_PHONE_DIGITS or too_long or _DECIMAL.fullmatch(kept) or _VERSION.fullmatch(kept):
        return run
    gap = number[: len(number) - len(number.lstrip())]
    return f"{lead}{gap}[phone]{number[len(kept) :]}"


def _secret(match: re.Match[str]) -> str:
    name, value = match.groups()
    return name + _in_quotes(value, "[secret]")


def _bearer(match: re.Match[str]) -> str:
    """A token, but not the next word of a sentence, as in `token expired` or `Basic Authentication`."""
    scheme, gap, value = match.groups()
    word = value.rstrip(".")
    is_word = word.isalpha() and (word.islower() or word.istitle()) and len(word) < _LONG_RUN
    return match.group() if is_word else f"{scheme}{gap}[token]"


def _personal(match: re.Match[str]) -> str:
    """An id after the name of what it identifies; `session: expired` and `user 3 of 5` say nothing of anybody."""
    name, separator, value = match.groups()
    digits = sum(character.isdigit() for character in value)
    if "=" in separator:
        is_id = any(character.isalnum() for character in value)
    elif separator.isspace():
        is_id = digits >= _ID_DIGITS
    else:
        is_id = digits > 0
    return name + separator + _in_quotes(value, "[id]") if is_id else match.group()


def _in_quotes(value: str, word: str) -> str:
    """The word in the quotes that the value had."""
    quote = next((mark for mark in ('\\"', "\\'", '"', "'") if value.startswith(mark)), "")
    return f"{quote}{word}{quote}"


def _id(match: re.Match[str]) -> str:
    """Long hexadecimal, and long runs that mix letters and many digits."""
    run = match.group()
    digits = sum(character.isdigit() for character in run)
    return "[id]" if digits and (_HEX.fullmatch(run) or (len(run) >= _LONG_RUN and digits >= _LONG_DIGITS)) else run


RULES: tuple[tuple[str, re.Pattern[str], Replacement], ...] = (
    ("token", _JWT, "[token]"),
    ("key", _KEY, "[token]"),
    ("cookie", _COOKIE, r"\1[secret]"),
    ("secret", _SECRET, _secret),
    ("bearer", _BEARER, _bearer),
    ("credentials", _CREDENTIALS, "[credentials]@"),
    ("email", _EMAIL, "[email]"),
    ("ipv4", _IPV4, "[address]"),
    ("uuid", _UUID, "[id]"),
    ("ipv6", _IPV6, _ipv6),
    ("folder", _FOLDER, r"\1[user]"),
    ("phone", _PHONE, _phone),
    ("personal", _PERSONAL, _personal),
    ("query", _QUERY, r"\1[value]"),
    ("digits", _DIGITS, "[id]"),
    ("id", _RUN, _id),
    ("email_at_rest", _AT_REST, "[email]"),
    # Again: a word put in by a rule above may have set an address free.
    ("ipv4_at_rest", _IPV4, "[address]"),
)
"""In this order: what is more specific comes first."""


def scrub(text: str) -> str:
    """The text with whatever may identify a person replaced."""
    if not text.isascii():
        text = _UNSEEN.sub("", text).translate(_PLAIN)
    for _, pattern, replacement in RULES:
        text = pattern.sub(replacement, text)
    return text
