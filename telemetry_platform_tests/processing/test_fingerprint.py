"""One error, one fingerprint; another error, another."""

from __future__ import annotations

import pytest

from telemetry_platform.processing.fingerprint import KEYED, RUN, SPACE, VARIABLE, fingerprint
from telemetry_platform.processing.scrub import scrub


def of(message: str | None, stack: str | None = None, code: str = "TypeError") -> str:
    return fingerprint("app", code, None if message is None else scrub(message), stack)


@pytest.mark.parametrize(
    "messages",
    [
        ("no plan 12", "no plan 99812", "no plan -3.5"),
        ("user ana@example.com not found", "user 550e8400-e29b-41d4-a716-446655440000 not found"),
        ("Cannot read 'foo' of undefined", "Cannot read 'bar baz' of undefined"),
        ("timeout after 30s", "timeout after 1200 ms", "timeout after 0.5 seconds"),
        ("ids 1, 2, 3 failed", "ids 44 failed"),
        ("GET https://a.example/x/1?q=2 failed", "GET https://b.example/yy failed"),
        ("could not load /media/ab12/seg-7.ts", "could not load /media/zz/seg-8.ts"),
        ("at 2026-02-17T10:00:00Z: late", "at 2025-01-01: late"),
        ("call  0721 123 456\n now", "call +40 721 999 888 now"),
        ("Segment FAILED", "segment failed"),
        ("key sk_live_4242abcdef99 refused", "key AKIA1234567890ABCD refused"),
        ("failed id=abc123", "failed id=zzz", "failed id=9"),
        ("failed requestId: abcd", "failed requestId: x1"),
        ("segment deadbeef lost", "segment cafebabecafe lost", "segment 00ff lost"),
        ("got “a b” twice", "got “c” twice"),
        ("late by 30 ms-5", "late by 4 s"),
    ],
)
def test_ids_and_numbers_make_no_difference(messages: tuple[str, ...]) -> None:
    assert len({of(message) for message in messages}) == 1


def test_words_source_and_code_do() -> None:
    different = {
        of("segment failed"),
        of("playlist failed"),
        of("invalid: abc"),
        of("invalid: xyz"),
        of("segment failed", code="E1"),
        fingerprint("network", "TypeError", "segment failed"),
        of(None),
    }
    assert len(different) == 7
    assert all(len(each) == 32 for each in different)


def test_without_a_message_the_innermost_function_stands_for_it() -> None:
    play = "TypeError\n    at play (main.js:1:20)\n    at run (main.js:9:9)"
    moved = "TypeError\n    at play (main.js:7:99)"
    assert of(None, play) == of("", moved)
    assert of(None, play) != of(None, "RangeError\n    at play (main.js:1:20)")


def test_only_the_beginning_counts() -> None:
    assert of("word " * 2000) == of("word " * 3000)
    assert of(None, "\n" * 50 + "at play (main.js:1:2)") == of(None)


_UNITS = (
    *(" ", "\n", "\t", "a", "1", "#", "'", '"', "`", "“", "/", "//", "\\", ".", ":", "+", "@", "%", "-", ",", "=", "("),
    *("f", "id=", "[", "[id]", "at ", "'\\", "'a", "/a", "a:", "a/", "//a", "1 m", "1 ms-", "# ", "#,", "a-", "“a"),
)


@pytest.mark.parametrize("unit", _UNITS)
def test_hostile_text_costs_linear_work(unit: str) -> None:
    # The patterns alone, on more than is looked at: quadratic matching would outlast the time limit of the test run.
    text = unit * (256 * 1024 // len(unit)) + "\x00"
    for pattern in (*VARIABLE, KEYED, RUN, SPACE):
        assert isinstance(pattern.sub("#", text), str)
    # Of what only begins alike, only the beginning is looked at.
    assert fingerprint("app", "E1", unit * 8192) == fingerprint("app", "E1", unit * 8192 + " words")


def test_a_stack_without_any_frame_costs_linear_work() -> None:
    assert of(None, "\n" * 500_000) == of(None)
    assert of(None, "\n \t" * 500_000) == of(None)
