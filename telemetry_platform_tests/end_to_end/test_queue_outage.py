"""The landing queue goes away in the middle of a day: browsers wait, and nothing is lost or stored twice."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from telemetry_platform.embedded.environment import STORES
from telemetry_platform.embedded.platform import running_platform
from telemetry_platform.simulate.run import Scale, simulate
from telemetry_platform.simulate.truth import read_expected
from telemetry_platform.stores import postgres
from telemetry_platform.stores.warehouse import open_warehouse
from telemetry_platform.usecases.drain.run import drain
from telemetry_platform.usecases.drain.stores import open_stores
from telemetry_platform.usecases.reconcile import SESSIONS, reconcile

if TYPE_CHECKING:
    from pathlib import Path

_AWAY_SECONDS = 1.5
# An entry whose acknowledgement was cut off may be there twice, so that entries, duplicates and drops can be more than
# the truth; what is stored may not.
_EXACT = {"media_events, rows", "media_events, distinct events", "error_events, rows", "media_sessions, sessions"}


def test_no_event_is_lost_or_doubled(tmp_path: Path) -> None:
    with running_platform("test", services=(*STORES, "api"), base=tmp_path, remove=True) as handle:
        back = threading.Timer(_AWAY_SECONDS, handle.start, ("redis",))

        def take_away(done: int, total: int) -> None:
            if done > total // 3 and not back.ident:
                handle.kill("redis")
                back.start()

        simulation = simulate(
            Scale(8, seed=11),
            base_url=handle.api_url,
            token=handle.settings.api.token,
            truth_folder=tmp_path,
            progress=take_away,
        )
        back.join()
        assert simulation.sending.told_to_wait > 0
        settings = handle.settings
        with open_stores(settings) as stores:
            drain(stores, settings, holder="test", until_idle=True)
        assert settings.postgres.read_url is not None
        with (
            open_warehouse(settings.clickhouse) as warehouse,
            postgres.connect(settings.postgres.read_url.get_secret_value(), autocommit=True) as connection,
        ):
            result = reconcile(warehouse, connection, read_expected(simulation.truth))
    exact = [line for line in result.lines if line.name in _EXACT or line.part == SESSIONS]
    assert len(exact) == len(_EXACT) + 3
    assert [line for line in exact if not line.adds_up] == []
