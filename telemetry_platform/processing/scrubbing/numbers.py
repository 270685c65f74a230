"""Numbers of persons: cards, accounts, national ids, telephones, long ids; and which numbers are nobody's.

Players speak in long numbers (bit rates, byte ranges, moments), which a telephone number may look like. What the text
itself calls a measure, before the number or behind it, stays. Invariant: only a plain number, without groups and
without a leading zero, is taken for a measure, so that `time 0722 123 456` is none; only a bounded stretch around it is
read.
"""

from __future__ import annotations

import re

from telemetry_platform.processing.scrubbing.rule import Rule

_MIN_PHONE_DIGITS, _MAX_PHONE_DIGITS, _MIN_CALLED_DIGITS = 9, 15, 7
_MIN_IBAN = 15
_BEFORE, _AFTER = 40, 16
_LUHN_LARGEST = 9

_CARD = re.compile(r"[0-9](?<![\w+-][\s\S])(?<!\w\.[\s\S])(?:[ .-]?[0-9]){12,18}(?![0-9]|[.-][0-9])")
_IBAN = re.compile(r"[A-Z](?<![A-Za-z0-9][\s\S])[A-Z][0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?(?![A-Za-z0-9])")
_NATIONAL = re.compile(
    r"(?<![A-Za-z0-9])(?:[A-Z]{6}[0-9]{2}[A-EHLMPRST][0-9]{2}[A-Z][0-9]{3}[A-Z]|[A-Z]{2} ?(?:[0-9]{2} ?){3}[A-D]|"
    r"[0-9]{8}-?[A-Z]|[XYZ]-?[0-9]{7}-?[A-Z])(?![A-Za-z0-9-])"
)
_SOCIAL = re.compile(r"(?<![\w+-])(?<!\w\.)[0-9]{3}-[0-9]{2}-[0-9]{4}(?![\w-])")
_PHONE = re.compile(r"[\d(+](?<![\w+][\s\S])(?<!\w\.[\s\S])(?:(?<!\+)|[\d(])[\d ().\-/]{6,}+")
_CALLED = re.compile(
    r"(?i)((?<![^\W_])(?:tel|telefon|telefono|telephone|phone|mobile|mobil|fax|whatsapp|sms|tél|teléfono|電話)"
    r"[.:]? {0,2})(?:\+ ?)?\d[\d ()./-]{5,24}(?![\w])"
)
_DIGITS = re.compile(r"\d(?<!\d[\s\S])(?<![0-9]\.[\s\S])(?<!0[xX][\s\S])\d{6,}+")
_DECIMALS = re.compile(r"-?(?:0|[1-9][0-9]{0,5})\.[0-9]{1,20}")
# Four numbers of which the second is a single digit: 120.0.6099.129. Groups of a phone number are longer.
_VERSION = re.compile(r"[0-9]{1,4}\.[0-9](?:\.[0-9]{1,5}){2}")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?!\d)")
_BYTES = re.compile(r"[0-9]{1,15}(?:[-/][0-9]{1,15}){0,2}")
_RANGE_WORD = re.compile(r"(?i)(?<![a-z])bytes[ =:]{1,2}(?:[0-9]{1,15}[-/]){0,2}$")
# An entry of a Redis stream: milliseconds and a counter.
_ENTRY = re.compile(r"1[5-9][0-9]{11}-[0-9]{1,6}")
_COUNTER = re.compile(r"-[0-9]{1,6}(?![0-9-])")
_MOMENT = re.compile(r"1[5-9][0-9]{8}(?:[0-9]{3}|[0-9]{6})?")
_DAY = re.compile(r"20[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])(?:[0-9]{2}|\.[0-9]{1,4})?|20100101")
_LIMITS = frozenset({"2147483647", "2147483648", "4294967295", "4294967296", "9007199254740991", "9007199254740992"})
"""The largest numbers of machines stand in many errors."""
# Errors of Windows as signed numbers: -2147467259.
_RESULTS, _RESULT_DIGITS = ("21474", "21470"), 10
_MEASURE = re.compile(
    r"(?i)(?:(?<![a-z])(?:bit_?rates?|bandwidth|throughput|bytes|heap|memory|size|length|offset|duration|took|elapsed|"
    r"pts|dts|buffered|z-index|frames?|samples?|timescale|content-length)|(?<=[a-z_])(?:BitRate|Bytes|Size|Length|"
    r"Offset|Duration))"
    r"(?:[ _]?(?:ms|us|ns|bytes|bits|bps|estimate|of|is|was))?[\"']?(?: ?[:=>] ?| (?:->|of|is|was) | )-?$"
)
_TIME_WORD = re.compile(
    r"(?i)(?:(?<![a-z])(?:timestamp|time|ts|t|at|date|exp|iat|nbf|epoch|now|since|until)|(?<=[a-z_])(?:At|Time|Timestamp|"
    r"_at|_time|_ms))[\"']?(?: ?[:=] ?| )$"
)
_BUILD_WORD = re.compile(r"(?i)(?:(?<![a-z])(?:build|gecko|version|release|rev)[ /:=]{1,2}|[0-9a-z]\+)$")
_UNIT = re.compile(
    r"(?i) ?(?:ms|us|µs|ns|sec(?:ond)?s?|bps|kbps|bits?(?:/s)?|bytes|kb|kib|mb|frames?|samples?|hz|px|ticks)"
    r"(?![a-z0-9])"
)


def _is_measure(text: str, start: int, number: str) -> bool:
    """Whether the words around a number say that it is nobody's."""
    if not number.isascii():
        return False
    end = start + len(number)
    before, after = text[max(0, start - _BEFORE) : start], text[end : end + _AFTER]
    if _ENTRY.fullmatch(number) or (_RANGE_WORD.search(before) and _BYTES.fullmatch(number)):
        return True
    is_day = _DAY.fullmatch(number) and _BUILD_WORD.search(before)
    if is_day or not number.isdigit() or number.startswith("0"):
        return bool(is_day)
    is_moment = _MOMENT.fullmatch(number) and (_TIME_WORD.search(before) or _COUNTER.match(after))
    is_result = before.endswith("-") and number.startswith(_RESULTS) and len(number) == _RESULT_DIGITS
    return bool(number in _LIMITS or is_moment or is_result or _UNIT.match(after) or _MEASURE.search(before))


def is_measure(name: str, number: str) -> bool:
    """Whether a number under this name is nobody's."""
    return _is_measure(f"{name} {number}", len(name) + 1, number)


def _phone(match: re.Match[str]) -> str:
    run = match.group()
    date = _DATE.match(run)
    lead, number = ("", run) if date is None else (date.group(), run[date.end() :])
    kept = number.rstrip(" (.-/")
    digits = sum(character.isdigit() for character in kept)
    # Long numbers without a separator are ids.
    too_long = digits > _MAX_PHONE_DIGITS and kept.isdigit()
    bare = kept.lstrip("(-")
    is_measured = not lead and _is_measure(match.string, match.start() + len(kept) - len(bare), bare.rstrip(")"))
    if digits < _MIN_PHONE_DIGITS or too_long or is_measured or _is_nobodys(kept):
        return run
    gap = number[: len(number) - len(number.lstrip())]
    return f"{lead}{gap}[phone]{number[len(kept) :]}"


def _is_nobodys(number: str) -> bool:
    """Decimals, a version, a box of a drawing (`0 0 1920 1080`)."""
    parts = number.split()
    if all(_DECIMALS.fullmatch(part) for part in parts) or _VERSION.fullmatch(number):
        return True
    return len(parts) > 1 and len(parts[0]) == 1 and len(parts[1]) == 1


def _called(match: re.Match[str]) -> str:
    number = match.group()[len(match.group(1)) :]
    digits = sum(character.isdigit() for character in number)
    tail = number[len(number.rstrip(" (.-/")) :]
    return f"{match.group(1)}[phone]{tail}" if digits >= _MIN_CALLED_DIGITS else match.group()


def _digits(match: re.Match[str]) -> str:
    return match.group() if _is_measure(match.string, match.start(), match.group()) else "[id]"


def _card(match: re.Match[str]) -> str:
    """Only what has the check digit of a card; what has not is looked at as a telephone number or an id."""
    numbers = [int(character) for character in match.group() if character.isdigit()]
    doubled = (2 * number for number in numbers[-2::-2])
    total = sum(numbers[-1::-2]) + sum(number - 9 if number > _LUHN_LARGEST else number for number in doubled)
    plain = match.group().isdigit() and _is_measure(match.string, match.start(), match.group())
    is_card = total % 10 == 0 and len(set(numbers)) > 1 and numbers[0] != 0 and not plain
    return "[card]" if is_card else match.group()


def _iban(match: re.Match[str]) -> str:
    """The longest beginning, in whole groups, that has the check digits of an account number."""
    found = match.group()
    end = len(found)
    while end > 0:
        compact = found[:end].replace(" ", "")
        checked = int("".join(str(int(sign, 36)) for sign in compact[4:] + compact[:4]))
        if len(compact) >= _MIN_IBAN and checked % 97 == 1:
            return "[id]" + found[end:]
        end = found.rfind(" ", 0, end)
    return found


CARDS: tuple[Rule, ...] = (
    Rule("iban", _IBAN, _iban),
    Rule("national_id", _NATIONAL, "[id]"),
    Rule("social_number", _SOCIAL, "[id]", ("-",)),
    Rule("card", _CARD, _card),
)
PHONES: tuple[Rule, ...] = (
    Rule("called", _CALLED, _called, ("tel", "phone", "mobil", "fax", "whatsapp", "sms", "tél", "電話")),
    Rule("phone", _PHONE, _phone),
)
LONG: tuple[Rule, ...] = (Rule("digits", _DIGITS, _digits),)
