"""A week of sessions with known causes over HTTP, drained, gathered and judged; its seed was used for nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from telemetry_platform.embedded.environment import STORES
from telemetry_platform.embedded.platform import running_platform
from telemetry_platform.errors import ConfigurationError
from telemetry_platform.simulate.causes import truth
from telemetry_platform.simulate.causes.score import score, send_week
from telemetry_platform.simulate.causes.week import tell_week
from telemetry_platform.simulate.geo_database import write_geo_database
from telemetry_platform.stores.warehouse import open_warehouse
from telemetry_platform.usecases.drain.run import drain
from telemetry_platform.usecases.drain.stores import open_stores
from telemetry_platform.usecases.fold_sessions import fold_silent_sessions
from telemetry_platform.usecases.support.evidence import verdicts_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from telemetry_platform.embedded.state import StateFolder

SESSIONS = 160
SEED = 9100


def _with_geo(state: StateFolder) -> Mapping[str, Any]:
    return {"geo": {"database": str(write_geo_database(state.path / "geo.mmdb"))}}


def test_the_truth_of_a_week_is_read_as_it_was_written(tmp_path: Path) -> None:
    week = tell_week(SEED, sessions=20, begin=datetime.now(UTC) - timedelta(days=6))
    truth.write(tmp_path, SEED, week)
    told = [(one.org_id, one.session_id, one.cause) for one in truth.read(tmp_path, SEED)]
    assert told == [(one.org_id, str(one.session_id), one.cause) for one in week]
    with pytest.raises(ConfigurationError, match="telemetry verdict simulate --seed 1"):
        truth.read(tmp_path, 1)


def test_nine_in_ten_verdicts_are_right(tmp_path_factory: pytest.TempPathFactory) -> None:
    base = tmp_path_factory.mktemp("week")
    seeds = [SEED]
    pairs = []
    with running_platform("test", services=(*STORES, "api"), base=base, remove=True, extra=_with_geo) as handle:
        settings = handle.settings
        begin = datetime.now(UTC).replace(microsecond=0) - timedelta(days=6)
        for seed in seeds:
            week = send_week(seed, sessions=SESSIONS, begin=begin, base_url=handle.api_url, token=settings.api.token)
            with open_stores(settings) as stores:
                drain(stores, settings, holder="test", until_idle=True)
            with open_warehouse(settings.clickhouse) as warehouse:
                # What the drain's loop does an hour later: sessions whose end was lost are abandoned by then.
                later = datetime.now(UTC) + timedelta(hours=1)
                fold_silent_sessions(warehouse, later, now=later)
                for org_id in sorted({session.org_id for session in week}):
                    mine = [session for session in week if session.org_id == org_id]
                    said = verdicts_of(warehouse, org_id, [session.session_id for session in mine])
                    pairs += [
                        (session.cause, said[str(session.session_id)].cause.value)
                        for session in mine
                        if str(session.session_id) in said
                    ]
    found = score(pairs)
    assert found.sessions >= 0.97 * SESSIONS * len(seeds), found
    assert found.right >= 0.9, found
    assert found.wrong <= 0.08, found
