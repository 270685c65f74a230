"""Ids of persons: by the name before them, by their form, and values whose name says that they are personal.

Invariant: a word that is no id stays (`session: expired`, `user 3 of 5`, `author: unknown`): without digits, a value is
personal only where its whole name says so, as `patientName` does.
"""

from __future__ import annotations

import re
from functools import lru_cache

from telemetry_platform.processing.personal_names import is_personal_name
from telemetry_platform.processing.scrubbing.rule import KEY_END, QUOTED, SEPARATOR, VALUE, Rule, in_quotes

_ID_DIGITS = 5
_LONG_RUN, _LONG_DIGITS, _LONGEST_HASH = 20, 6, 64
_BEFORE, _AFTER = 24, 16

_UUID = re.compile(r"(?i)(?<![0-9a-f])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![0-9a-f])")
_PERSONAL = re.compile(
    r"(?i)(?<![A-Za-z0-9])((?:mrn|ssn|cnp|iban|pin|otp|sid|sig|auth|session|user|patient|pacient|patsient|tel|phone|"
    r"mobile|login|dob|passport|born(?: on)?|dni|nino|pesel|nhs|(?:date of |place of )birth)"
    r"(?:[_ -]?(?:id|no\.?|nr\.?|number|code))?|"
    r"(?:client|customer|account|member|person|subject|device)[_ -]?(?:id|no|nr|number))"
    rf"({KEY_END}(?:\s*+(?:=>|:=|[:=#])\s*+|\s++#?))({VALUE})"
)
_NAMED = re.compile(
    # A name with its value, which may be words with capitals: `patient_name: Ana Popescu`.
    rf"(?<![\w.])([A-Za-z][\w.-]{{0,63}}+(?:(?i: name| address))?)({SEPARATOR})"
    rf"({QUOTED}|\([^()]{{0,256}}\)|[^\W\d_a-z][\w'.-]{{0,64}}(?: [^\W\d_a-z][\w'.-]{{0,64}}){{0,3}}|[^\s,;&]++)"
)
_OPENING, _CLOSING, _PART = "\"'(\\", ",;:}])>.!", re.compile("[,;&}]")
_ERROR_NAME = re.compile(r"""["']?\w{0,64}(?:Error|Exception)["']?""")
_WORDS = re.compile(r"\[(?:id|email|phone|address|token|secret|value|user|credentials|card)(?:\]|$)")
_NOTHING = re.compile(r"""(?i)["'(]?(?:null|none|nil|undefined|true|false|unknown|missing|invalid|required)?["')]?""")
_RUN = re.compile(r"(?<!\w)\w{9,}+")
_HEX = re.compile(r"[0-9a-fA-F]{12,}")
_BUILD = re.compile(r"(?i)(?:commit|build|revision|rev|release|sha-?(?:1|256|384|512))[ :=/@-]{1,2}$")
_BUILT_FILE = re.compile(r"(?:\.(?:chunk|min|bundle|module))?\.(?:m?js|cjs|css|map|wasm)\b")


def _personal(match: re.Match[str]) -> str:
    """An id after the name of what it identifies; `session: expired` and `user 3 of 5` say nothing of anybody."""
    name, separator, value = match.groups()
    if _WORDS.match(value.lstrip("\"'(\\")):
        return match.group()
    digits = sum(character.isdigit() for character in value)
    if "=" in separator:
        is_id = any(character.isalnum() for character in value)
    elif separator.isspace():
        is_id = digits >= _ID_DIGITS
    else:
        is_id = digits > 0
    if not is_id:
        return match.group()
    # What closes a sentence or an object is no part of the id.
    bare = value if value[0] in _OPENING else _PART.split(value.rstrip(_CLOSING), maxsplit=1)[0]
    if not bare:
        return match.group()
    return name + separator + in_quotes(bare, "[id]") + value[len(bare) :]


def _named(match: re.Match[str]) -> str:
    name, separator, value = match.groups()
    is_kept = _WORDS.match(value.lstrip("\"'(\\")) or _NOTHING.fullmatch(value) or _ERROR_NAME.fullmatch(value)
    if is_kept or not any(character.isalnum() for character in value) or not _is_personal(name):
        return match.group()
    return name + separator + in_quotes(value, "[value]")


@lru_cache(maxsize=4096)
def _is_personal(name: str) -> bool:
    return is_personal_name(name)


def _id(match: re.Match[str]) -> str:
    """Long hexadecimal, and long runs that mix letters and many digits; what the text calls a build is none."""
    run = match.group()
    digits = sum(character.isdigit() for character in run)
    if digits == len(run):
        # A number, which was looked at as one.
        return run
    is_hex = _HEX.fullmatch(run) is not None
    if not digits or not (is_hex or (len(run) >= _LONG_RUN and digits >= _LONG_DIGITS)):
        return run
    start, end = match.span()
    if is_hex and len(run) <= _LONGEST_HASH:
        before = match.string[max(0, start - _BEFORE) : start]
        if _BUILD.search(before) or _BUILT_FILE.match(match.string[end : end + _AFTER]):
            return run
    return "[id]"


UUIDS: tuple[Rule, ...] = (Rule("uuid", _UUID, "[id]", ("-",)),)
NAMED: tuple[Rule, ...] = (
    Rule(
        "personal",
        _PERSONAL,
        _personal,
        (
            *(
                "mrn",
                "ssn",
                "cnp",
                "iban",
                "pin",
                "otp",
                "sid",
                "sig",
                "auth",
                "session",
                "user",
                "patient",
                "patsient",
            ),
            *("pacient", "passport", "tel", "phone"),
            *("mobile", "login", "dob", "born", "dni", "nino", "pesel", "nhs", "birth", "client", "customer"),
            *("account", "member", "person", "subject", "device"),
        ),
    ),
    Rule("named", _NAMED, _named, (":", "=")),
)
RUNS: tuple[Rule, ...] = (Rule("id", _RUN, _id),)
