"""The commands as a newcomer types them: help, wrong words, and what happens when nothing runs."""

import os
import re
import subprocess
import sys

import jwt
import pytest

from telemetry_platform.cli.tokens import purposes_of, signed
from telemetry_platform.settings import TokenSettings

_SECRET = "a development secret that is long enough"


def _run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "telemetry_platform.cli", *words],
        env={"PATH": os.defpath, "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("command", ["up", "down", "clean", "env", "doctor", "token"])
def test_each_command_is_listed_and_explains_itself(command: str) -> None:
    assert re.search(rf"[│|] {command} +\S", _run("--help").stdout)
    shown = _run(command, "--help").stdout
    assert "--profile" in shown
    assert len(shown.splitlines()) > 5


def test_help_does_not_load_what_is_heavy() -> None:
    heavy = {"dagster", "chdb", "pandas", "grpc", "psycopg"}
    code = f"import sys, telemetry_platform.cli; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("up", "--profile", "production"), "--profile is one of demo, up, test"),
        (("token", "--role", "king"), "--role is one of patient, staff"),
    ],
)
def test_a_wrong_word_is_answered_with_the_choices_and_no_traceback(words: tuple[str, ...], said: str) -> None:
    done = _run(*words)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_token_says_who_and_for_how_long_and_only_its_secret_verifies_it() -> None:
    expected = TokenSettings.model_validate({})
    token = signed({"sub": "p-1", "org_id": "o-1", "roles": ["patient"]}, expected, _SECRET, 1_000_000, 60)
    claims = jwt.decode(
        token, _SECRET, ["HS256"], audience="telemetry", issuer="telemetry-dev", options={"verify_exp": False}
    )
    assert claims["sub"] == "p-1"
    assert claims["org_id"] == "o-1"
    assert claims["roles"] == ["patient"]
    assert (claims["iat"], claims["exp"]) == (1_000_000, 1_000_060)
    with pytest.raises(jwt.InvalidSignatureError):
        jwt.decode(token, _SECRET[::-1], ["HS256"], audience="telemetry", options={"verify_exp": False})


def test_a_patients_token_carries_what_patients_agree_to_unless_told_otherwise() -> None:
    assert purposes_of(["patient"], None) == ["pose"]
    assert purposes_of(["service", "staff"], None) == []
    assert purposes_of(["patient"], ["research", "pose"]) == ["research", "pose"]
    assert purposes_of(["patient"], [""]) == []
