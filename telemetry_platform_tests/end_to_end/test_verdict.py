"""A week of sessions with known causes by the commands: sent over HTTP, drained, gathered, judged and scored.

Its seed was used for nothing else.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from telemetry_platform.cli import app, options
from telemetry_platform.cli.verdict import judged
from telemetry_platform.embedded.environment import STORES
from telemetry_platform.embedded.platform import running_platform
from telemetry_platform.errors import ConfigurationError
from telemetry_platform.simulate.causes import truth
from telemetry_platform.simulate.causes.week import tell_week
from telemetry_platform.simulate.geo_database import write_geo_database
from telemetry_platform.stores.warehouse import open_warehouse
from telemetry_platform.usecases.drain.run import drain
from telemetry_platform.usecases.drain.stores import open_stores
from telemetry_platform.usecases.fold_sessions import fold_silent_sessions

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from telemetry_platform.embedded.state import StateFolder

SESSIONS = 160
SEED = 9100


def _with_geo(state: StateFolder) -> Mapping[str, Any]:
    return {"geo": {"database": str(write_geo_database(state.path / "geo.mmdb"))}}


def _told(*words: str, code: int = 0) -> str:
    """What a command prints of the week, on the profile that the test runs."""
    done = CliRunner().invoke(app, ["verdict", *words, "--seed", str(SEED), "--profile", "test"])
    assert done.exit_code == code, (done.output, done.exception)
    return done.output


def test_the_truth_of_a_week_is_read_as_it_was_written(tmp_path: Path) -> None:
    week = tell_week(SEED, sessions=20, begin=datetime.now(UTC) - timedelta(days=6))
    truth.write(tmp_path, SEED, week)
    told = [(one.org_id, one.session_id, one.cause) for one in truth.read(tmp_path, SEED)]
    assert told == [(one.org_id, str(one.session_id), one.cause) for one in week]
    with pytest.raises(ConfigurationError, match="telemetry verdict simulate --seed 1"):
        truth.read(tmp_path, 1)


def test_nine_in_ten_verdicts_are_right(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = tmp_path_factory.mktemp("week")
    with running_platform("test", services=(*STORES, "api"), base=base, remove=True, extra=_with_geo) as handle:
        # The commands find the platform as at a terminal: by its profile's folder alone.
        monkeypatch.setattr(options, "project_root", lambda: base)
        for name in [name for name in os.environ if name.upper().startswith("TELEMETRY_")]:
            monkeypatch.delenv(name)

        assert f"{SESSIONS} sessions were sent" in _told("simulate", "--sessions", str(SESSIONS))
        written = truth.path_of(handle.state.path / "truth", SEED)
        week = truth.read(written.parent, SEED)
        assert len({one.session_id for one in week}) == SESSIONS

        # Nothing was drained: nothing is known of any session, which is no success.
        assert f"0.0% right, 0.0% wrong, 100.0% not enough data ({SESSIONS} have" in _told("score", code=1)

        with open_stores(handle.settings) as stores:
            drain(stores, handle.settings, holder="test", until_idle=True)
        with open_warehouse(handle.settings.clickhouse) as warehouse:
            # What the drain's loop does an hour later: sessions whose end was lost are abandoned by then.
            later = datetime.now(UTC) + timedelta(hours=1)
            fold_silent_sessions(warehouse, later, now=later)
            found, missing = judged(warehouse, week)
        assert missing <= 0.03 * SESSIONS, found
        assert found.sessions == SESSIONS
        assert found.right >= 0.9, found
        assert found.wrong <= 0.08, found

        shares = f"{found.right:.1%} right, {found.wrong:.1%} wrong, {found.named_none:.1%} not enough data"
        told = _told("score")
        assert f"{SESSIONS} sessions: {shares}" in told
        (fine,) = [line.split() for line in told.splitlines() if line.startswith("fine ")]
        assert str(found.confusion["fine", "fine"]) in fine
        assert f"{found.recall('fine'):.1%}" == fine[-1]

        # A truth that the sessions do not bear out: the command says so with its exit code.
        written.write_text(written.read_text().replace('"fine"', '"our_api"'))
        _told("score", code=1)
