"""The landing queue goes away in the middle of a day: senders wait, and nothing is lost or stored twice."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from telemetry_platform.embedded.environment import STORES
from telemetry_platform.embedded.platform import running_platform
from telemetry_platform.simulate.expected import read_expected
from telemetry_platform.simulate.run import Scale, posted_kinds, simulate
from telemetry_platform.stores import postgres
from telemetry_platform.stores.warehouse import open_warehouse
from telemetry_platform.usecases.drain.run import drain
from telemetry_platform.usecases.drain.stores import open_stores
from telemetry_platform.usecases.reconcile.run import reconcile

if TYPE_CHECKING:
    from pathlib import Path

_AWAY_SECONDS = 1.5
# An entry whose acknowledgement was cut off may be there twice, so that entries, duplicates and drops can be more than
# the truth; what is stored may not.
_EXACT = (": rows", ": the events that were sent", "  completed", "  abandoned", "  open")
# Without an id, given or derived, a copy of an event is another event: frontends need not give any to these two.
_NAMELESS = {"analytics", "errors"}


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
            only=[kind for kind in posted_kinds() if kind not in _NAMELESS],
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
    exact = [line for line in result.lines if line.name.endswith(_EXACT)]
    # Two lines a kind that is posted and of players' errors, one of drops, four of sessions.
    assert len(exact) == 2 * (len(posted_kinds()) - len(_NAMELESS) + 1) + 1 + 4
    assert [line for line in exact if not line.adds_up] == []
