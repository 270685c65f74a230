"""Where key-encryption keys come from, and what is said of those that are missing, short, no base64, or given twice."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import SecretStr

from telemetry_platform.errors import ConfigurationError
from telemetry_platform.processing.key_wrapping import check_value, parse_kek
from telemetry_platform.settings import KeySettings
from telemetry_platform.usecases.keks import load_keks

if TYPE_CHECKING:
    from pathlib import Path


def text(letter: str, size: int = 32) -> str:
    return base64.b64encode(letter.encode() * size).decode()


def given(**values: Any) -> KeySettings:  # noqa: ANN401 - values of settings
    return KeySettings(**values)


def test_no_installation_has_a_default_key() -> None:
    with pytest.raises(ConfigurationError, match="TELEMETRY_KEYS__KEK is not set"):
        load_keks(KeySettings())


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (text("a", 16), "holds 16 bytes and must hold 32"),
        ("", "holds 0 bytes"),
        ("no base64 at all!", "is not base64"),
        (f"bad name:{text('a')}", "needs a name"),
        (f":{text('a')}", "needs a name"),
    ],
)
@pytest.mark.parametrize("place", ["kek", "next_kek", "kek_file", "next_kek_file"])
def test_a_wrong_kek_is_said_by_its_setting_and_never_shown(tmp_path: Path, place: str, value: str, said: str) -> None:
    file = tmp_path / "a-kek"
    file.write_text(value)
    settings = {"kek": SecretStr(text("k")), "next_kek_id": "kek-2"}
    settings[place] = file if place.endswith("file") else SecretStr(value)
    with pytest.raises(ConfigurationError, match=said) as failed:
        load_keks(given(**settings))
    assert f"TELEMETRY_KEYS__{place.upper()}" in str(failed.value)
    assert not value or value not in str(failed.value)


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="TELEMETRY_KEYS__KEK_FILE cannot be read"):
        load_keks(given(kek_file=tmp_path / "missing"))
    garbage = tmp_path / "garbage"
    garbage.write_bytes(b"\xff" * 44)
    with pytest.raises(ConfigurationError, match="TELEMETRY_KEYS__KEK_FILE cannot be read"):
        load_keks(given(kek_file=garbage))


def test_the_next_key_may_appear_take_over_and_go_while_a_process_runs(tmp_path: Path) -> None:
    now, following = tmp_path / "kek", tmp_path / "kek-next"
    settings = given(kek_file=now, next_kek_file=following)
    now.write_text(f"{text('a')}\n")
    assert load_keks(settings).next is None

    following.write_text(f"kek-2:{text('b')}\n")
    both = load_keks(settings)
    assert (both.current.id, both.next and both.next.id) == ("kek-1", "kek-2")

    now.write_text(following.read_text())
    assert (load_keks(settings).current.id, load_keks(settings).next) == ("kek-2", None)
    following.unlink()
    after = load_keks(settings)
    assert after.current == both.next
    assert not after.holds(check_value(both.current))


@pytest.mark.parametrize(("letter", "name"), [("a", "kek-2"), ("b", "kek-1")])
def test_a_next_key_that_is_no_other_one_is_refused(letter: str, name: str) -> None:
    with pytest.raises(ConfigurationError, match="must be another key than TELEMETRY_KEYS__KEK, under another name"):
        load_keks(given(kek=SecretStr(text("a")), next_kek=SecretStr(text(letter)), next_kek_id=name))


def test_nothing_shows_a_key() -> None:
    kek = parse_kek("kek-1", text("s"), "TELEMETRY_KEYS__KEK")
    shown = repr(kek) + repr(load_keks(given(kek=SecretStr(text("s")))))
    assert "ssss" not in shown
    assert text("s") not in shown
