"""What holds for every text: it is stable, it does not grow without bound, and nothing around a value saves it."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from telemetry_platform.processing.scrub import RULES, scrub
from telemetry_platform.processing.scrub_values import scrubbed_json

_PIECES = st.sampled_from(
    [
        *(
            "ana",
            "@",
            "example.com",
            ".",
            "com",
            "203.0.113.9",
            "2001:db8::1",
            ":",
            "::",
            "://",
            "https://",
            "user",
            "=",
        ),
        *(
            "password",
            "token",
            "key",
            " ",
            "\n",
            '"',
            "'",
            "\\",
            "\\u0040",
            "%40",
            "%25",
            "%",
            "&",
            "&#64;",
            ";",
            "?a=",
        ),
        *("#", "(", ")", "[", "]", "[id]", "[email]", "{", "}", "<", ">", "/", "/Users/", "/home/", "~", "-", "+", "_"),
        *("+40 722 123 456", "0722", "123", "1234567", "4111 1111 1111 1111", "RO49 AAAA 1B31 0075 9384 0000"),
        *("eyJhbGciOiJIUzI1NiJ9.eyJzdWIi.c2ln", "YW5hQGV4YW1wbGUuY29t", "AKIAIOSFODNN7EXAMPLE", "Cookie:", "Bearer "),
        *("\u200b", "\uff20", "\uff11", "٣", "é", "€", "name", "patient ", "dob", "bytes ", " ms", "2026-02-17", "at "),
    ]
)
TEXTS = st.lists(_PIECES | st.characters(codec="utf-8"), max_size=16).map("".join)
_MOST = 4


@given(TEXTS)
@example("a=[id]&b=[value]")
def test_scrubbing_twice_is_scrubbing_once(text: str) -> None:
    clean = scrub(text)
    assert scrub(clean) == clean


@given(TEXTS)
def test_a_text_grows_by_a_bounded_factor(text: str) -> None:
    assert len(scrub(text)) <= _MOST * len(text) + 16


@given(st.text() | TEXTS)
@example("patient &YW5hQGV4YW1wbGUuY29t1")
@example("session=,a1")
@example("user: }1")
def test_any_text_at_all_can_be_scrubbed(text: str) -> None:
    assert isinstance(scrub(text), str)


VALUES = [
    *("ana.popescu@example.org", "ANA@EXAMPLE.ORG", "203.0.113.9", "2001:db8:85a3::8a2e:370:7334", "+40722123456"),
    *("4111111111111111", "RO49AAAA1B31007593840000", "550e8400-e29b-41d4-a716-446655440000", "0722 123 456"),
    *("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1LTQyIn0.c2lnbmF0dXJl", "AKIAIOSFODNN7EXAMPLE", "/Users/anapopescu/app.js"),
    "C:\\Users\\anapopescu\\app.js",
]
_IN_FOLDER = "anapopescu"
_BEFORE = st.sampled_from(
    [
        "",
        " ",
        "(",
        '"',
        "'",
        "[",
        "<",
        "=",
        ": ",
        "failed for ",
        "x, ",
        "\n",
        "x\\n",
        "x\\t",
        "...",
        "¿",
        "für ",
        "。",
        "\u2013 ",
    ]
)
_BEHIND = st.sampled_from(
    ["", " ", ")", '"', "'", "]", ">", ", then", "; end", ": no", "\n", "!", "?", "。", " \u2013 x", ". Then"]
)


def _seen(value: str) -> str:
    return _IN_FOLDER if _IN_FOLDER in value else value


@pytest.mark.parametrize("value", VALUES)
@given(before=_BEFORE, behind=_BEHIND, words=st.sampled_from(["", "segment 12 failed ", "position 45.2 of 480, "]))
def test_a_value_vanishes_whatever_stands_around_it(value: str, before: str, behind: str, words: str) -> None:
    assert _seen(value) not in scrub(f"{words}{before}{value}{behind}")


@pytest.mark.parametrize("value", VALUES)
def test_a_value_vanishes_in_every_writing_and_place(value: str) -> None:
    seen = _seen(value)
    url = f"https://app.example.com/p/{quote(value, safe='')}/x?q={quote(value)}#v={value}"
    for text in (
        url,
        json.dumps({"x": {"y": [value]}}),
        json.dumps(json.dumps({"x": value})),
        f"Cookie: a={value}; b=1",
    ):
        assert seen not in scrub(text), text
        assert quote(seen, safe="") not in scrub(text)
    assert seen not in scrubbed_json({"x": [{"y": value}], value: {"z": f"of {value}"}})


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_hints_are_of_lower_case_as_the_text_is_that_they_are_sought_in(rule: object) -> None:
    hints: tuple[str, ...] = getattr(rule, "hints", ())
    assert [hint for hint in hints if hint != hint.lower()] == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
@given(text=TEXTS)
def test_a_rule_finds_nothing_where_no_hint_stands(rule: object, text: str) -> None:
    applied = rule.applied(text, text.lower())  # type: ignore[attr-defined]  # a rule, whose type parametrize hides
    always = rule.pattern.sub(rule.replacement, text)  # type: ignore[attr-defined]  # same
    skipped_as_ascii = getattr(rule, "beyond_ascii", False) and text.isascii()
    assert applied == always or skipped_as_ascii
