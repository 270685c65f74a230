"""Consent levels as they are read from headers, and what a level lets through."""

from __future__ import annotations

import pytest

from telemetry_platform.contracts.consent import ConsentLevel, DropReason
from telemetry_platform.processing.gate import is_gpc, permission, stated_level


@pytest.mark.parametrize(("line", "level"), [(b"0", 0), (b"1", 1), (b"2", 2), (b"3", 3)])
def test_a_digit_is_a_level(line: bytes, level: int) -> None:
    assert stated_level([line]) == level


@pytest.mark.parametrize(
    "lines",
    [
        *([line] for line in (b"", b" 3", b"3 ", b"+3", b"03", b"4", b"-1", b"3.0", b"three", b"2,3", b"3\n")),
        [bytes("\N{ARABIC-INDIC DIGIT THREE}", "utf-8")],
        [],
        [b"3", b"3"],
        [b"2", b"3"],
    ],
)
def test_everything_else_is_level_one(lines: list[bytes]) -> None:
    assert stated_level(lines) == ConsentLevel.ESSENTIAL


@pytest.mark.parametrize(
    ("lines", "signal"),
    [([b"1"], True), ([b"0"], False), ([b"true"], False), ([b" 1"], False), ([b"1", b"1"], False), ([], False)],
)
def test_the_privacy_signal_is_exactly_one(lines: list[bytes], signal: bool) -> None:  # noqa: FBT001 - a parameter
    assert is_gpc(lines) is signal


@pytest.mark.parametrize("stated", list(ConsentLevel))
@pytest.mark.parametrize("gpc", [True, False])
@pytest.mark.parametrize("excluded", [True, False])
def test_nothing_raises_a_level(stated: ConsentLevel, gpc: bool, excluded: bool) -> None:  # noqa: FBT001 - parameters
    assert permission(stated, gpc=gpc, excluded=excluded).level <= stated


@pytest.mark.parametrize(
    ("stated", "gpc", "excluded", "needed", "reason"),
    [
        (1, False, False, 2, DropReason.CONSENT_TOO_LOW),
        (2, False, False, 2, None),
        (3, True, False, 2, None),
        (3, True, False, 3, DropReason.GPC),
        (2, True, False, 3, DropReason.CONSENT_TOO_LOW),
        (3, False, True, 1, DropReason.EXCLUDED_NETWORK),
        (0, False, False, 1, DropReason.CONSENT_TOO_LOW),
        (3, True, True, None, DropReason.EXCLUDED_NETWORK),
        (0, True, False, None, None),
    ],
)
def test_a_drop_says_why(
    stated: int,
    gpc: bool,  # noqa: FBT001 - as above
    excluded: bool,  # noqa: FBT001 - as above
    needed: int | None,
    reason: DropReason | None,
) -> None:
    level = None if needed is None else ConsentLevel(needed)
    assert permission(ConsentLevel(stated), gpc=gpc, excluded=excluded).refusal(level) == reason


def test_an_excluded_network_takes_no_record_of_the_trail() -> None:
    excluded = permission(ConsentLevel.FULL, gpc=True, excluded=True)
    assert excluded.refusal(None, is_kept_always=True) is None
