"""Sessions across a rotation: whatever API process they meet, and whenever, they keep the epoch they began with."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from telemetry_platform.contracts.pii import Domain
from telemetry_platform.stores import postgres
from telemetry_platform.usecases.ensure_keys import load_key_ring
from telemetry_platform.usecases.rotate_keys import rotate
from telemetry_platform_tests.api.serving import at, event, serving

if TYPE_CHECKING:
    from telemetry_platform.settings import Settings


def test_a_session_keeps_its_epoch_across_a_rotation_in_every_process(empty_platform: Settings) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    with postgres.connect(empty_platform.postgres) as conn:
        (planned,) = rotate(conn, empty_platform.keys, now, early=(Domain.ACTOR,)).added
        ring = load_key_ring(conn, empty_platform.keys)
    before, after = planned.active_from - timedelta(seconds=1), planned.active_from + timedelta(seconds=1)
    session, expires = event(timestamp=at(0, before)), int(time.time()) + 7200
    with serving(empty_platform, before) as first, serving(empty_platform, after) as second:
        for api, moment in ((first, before), (second, after), (first, before)):
            assert api.post({**session, "timestamp": at(0, moment)}, exp=expires).status_code == 202
        assert second.post(event(timestamp=at(0, after)), exp=expires).status_code == 202
        # Another person in the session is told apart under the epoch of the session, too.
        taken = second.post({**session, "timestamp": at(0.1, after)}, sub="user-2", exp=expires)
        assert taken.json()["code"] == "session_owner_conflict"
        stored = [(entry["key_epoch"], entry["actor_hash"]) for entry in first.entries("media")]
    old, new = (ring.pseudonym(Domain.ACTOR, epoch, "user-1") for epoch in (1, 2))
    # The same heartbeat at the same moment is the same event, but each process may queue it again.
    assert set(stored[:-1]) == {("1", old)}
    assert stored[-1] == ("2", new)
