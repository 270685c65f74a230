"""The sensor on real Redis, PostgreSQL and Dagster storage: it counts, it remembers nothing, it never hangs."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import dagster as dg
import pytest
from pydantic import SecretStr

from telemetry_platform.contracts.landing import GROUP, stream_name
from telemetry_platform.defs.landing.drain import DRAINED_TAG, drain_landing
from telemetry_platform.defs.landing.lookout import GRACE_SECONDS
from telemetry_platform.defs.landing.queues import streams
from telemetry_platform.defs.landing.sensor import landing_has_events
from telemetry_platform.defs.resources import PlatformResource
from telemetry_platform.settings import RedisSettings, inherited_environment
from telemetry_platform.stores import lease, postgres, redis
from telemetry_platform.stores.warehouse import open_warehouse
from telemetry_platform_tests.defs import entries
from telemetry_platform_tests.defs.front_door import definitions, drain_until_idle

if TYPE_CHECKING:
    from pathlib import Path

    from telemetry_platform.embedded.platform import PlatformHandle
    from telemetry_platform.settings import Settings

MEDIA = stream_name("media", 0)
DRAIN = (
    "import dagster as dg; from telemetry_platform.definitions import defs; "
    "defs().resolve_job_def('drain_landing').execute_in_process(instance=dg.DagsterInstance.get())"
)


def look(instance: dg.DagsterInstance, cursor: str | None = None) -> dg.RunRequest | dg.SkipReason:
    context = dg.build_sensor_context(
        instance=instance, cursor=cursor, definitions=definitions(), resources={"platform": PlatformResource()}
    )
    found = landing_has_events(context)
    assert isinstance(found, (dg.RunRequest, dg.SkipReason))
    return found


def stored(settings: Settings) -> int:
    with open_warehouse(settings.clickhouse) as warehouse:
        return int(warehouse.client.scalar("SELECT count() FROM media_events"))


def open_run(instance: dg.DagsterInstance, status: dg.DagsterRunStatus) -> str:
    job = definitions().resolve_job_def(drain_landing.name)
    return instance.create_run_for_job(job, status=status).run_id


def test_an_empty_queue_is_a_skip_with_the_numbers(settings: Settings, instance: dg.DagsterInstance) -> None:
    found = look(instance)
    assert isinstance(found, dg.SkipReason)
    there = len(streams(settings.redis.shards))
    assert found.skip_message == f"0 entries wait in {there} streams, the oldest for 0.0 s"


def test_waiting_entries_are_one_run_without_a_key(settings: Settings, instance: dg.DagsterInstance) -> None:
    entries.add(settings, entries.media(1), entries.media(2), entries.access(1))
    found = look(instance)
    assert isinstance(found, dg.RunRequest)
    assert found.run_key is None
    assert not found.run_config


def test_nothing_is_asked_for_while_a_drain_holds_the_lease(settings: Settings, instance: dg.DagsterInstance) -> None:
    entries.add(settings, entries.media(1))
    with postgres.connect(settings.postgres, autocommit=True) as connection:
        held = lease.acquire(connection, lease.DRAIN, holder="somebody", run_id="", seconds=60)
        assert held is not None
        waiting = look(instance)
        lease.release(connection, held)
    assert isinstance(waiting, dg.SkipReason)
    assert "a drain outside Dagster is draining" in str(waiting.skip_message)
    assert isinstance(look(instance), dg.RunRequest)


@pytest.mark.parametrize(
    ("status", "why"),
    [
        (dg.DagsterRunStatus.NOT_STARTED, "about to be queued"),
        (dg.DagsterRunStatus.STARTING, "waiting to start"),
        (dg.DagsterRunStatus.STARTED, "running"),
        (dg.DagsterRunStatus.CANCELING, "being stopped"),
    ],
)
def test_nothing_is_asked_for_while_a_run_is_on_its_way(
    settings: Settings, instance: dg.DagsterInstance, status: dg.DagsterRunStatus, why: str
) -> None:
    entries.add(settings, entries.media(1))
    run_id = open_run(instance, status)
    found = look(instance)
    assert isinstance(found, dg.SkipReason)
    assert f"run {run_id} is {why}" in str(found.skip_message)


def test_e36_new_entries_are_drained_after_the_cursor_was_reset(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    entries.add(settings, entries.media(1))
    first = look(instance, cursor="1")
    drain_until_idle(instance)
    entries.add(settings, entries.media(2))
    # The cursor is gone, and the queue looks exactly as it did at the first look: one entry.
    second = look(instance, cursor=None)

    assert isinstance(first, dg.RunRequest)
    assert isinstance(second, dg.RunRequest)
    assert (first.run_key, second.run_key) == (None, None)
    drain_until_idle(instance)
    assert stored(settings) == 2


def test_e38_a_queue_of_200000_entries_is_one_look_that_claims_nothing(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    with redis.connect(settings.redis) as client:
        for _ in range(20):
            pipe = client.pipeline(transaction=False)
            for _ in range(10_000):
                pipe.execute_command("XADD", MEDIA, "*", "v", "1")
            pipe.execute()
        found = look(instance)
        assert client.xlen(MEDIA) == 200_000
        assert not client.xinfo_groups(MEDIA)
    assert isinstance(found, dg.RunRequest)


def test_e38_a_redis_that_takes_five_seconds_is_a_skip_that_names_it(
    settings: Settings, instance: dg.DagsterInstance, engines: PlatformHandle
) -> None:
    entries.add(settings, entries.media(1))
    with redis.connect(RedisSettings(url=SecretStr(engines.redis_admin_url))) as admin:
        admin.execute_command("CLIENT", "PAUSE", 5000, "ALL")
        found = look(instance)
        assert admin.ping()  # answered when the pause is over, so that the next test does not meet it
    assert isinstance(found, dg.SkipReason)
    assert "could not look: Redis does not answer" in str(found.skip_message)
    assert isinstance(look(instance), dg.RunRequest)


def test_e39_turning_off_resetting_and_turning_on_neither_repeats_nor_loses(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    entries.add(settings, *(entries.media(number) for number in range(5)))
    drain_until_idle(instance)
    entries.add(settings, *(entries.media(number) for number in range(5, 8)))  # while it was off

    found = look(instance, cursor=None)
    drain_until_idle(instance)

    assert isinstance(found, dg.RunRequest)
    assert stored(settings) == 8
    assert isinstance(look(instance, cursor="anything"), dg.SkipReason)


def test_a_killed_run_is_reported_as_failed_and_replaced(
    settings: Settings, instance: dg.DagsterInstance, home: Path
) -> None:
    entries.add(settings, entries.media(1))
    child = subprocess.Popen([sys.executable, "-c", DRAIN], env=inherited_environment(), cwd=home)
    run_id = wait_for_lease(settings, child)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert instance.get_run_by_id(run_id).status is dg.DagsterRunStatus.STARTED  # type: ignore[union-attr]

    entries.add(settings, entries.media(2))
    while_held = look(instance)
    wait_until_free(settings)
    after = look(instance)

    assert isinstance(while_held, dg.SkipReason)
    assert isinstance(after, dg.RunRequest)
    assert instance.get_run_by_id(run_id).status is dg.DagsterRunStatus.FAILURE  # type: ignore[union-attr]
    drain_until_idle(instance)
    assert stored(settings) == 2
    with redis.connect(settings.redis) as client:
        assert client.xpending(MEDIA, GROUP)["pending"] == 0


def test_drains_that_fail_one_after_the_other_are_asked_for_ever_more_rarely(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    unreadable = [replace(entries.media(number), body=b"{") for number in range(settings.drain.invalid_min_entries)]
    entries.add(settings, *unreadable)
    first = look(instance)
    failed = [drain_until_idle(instance, raise_on_error=False) for _ in range(2)]
    second = look(instance)

    assert isinstance(first, dg.RunRequest)
    assert not any(result.success for result in failed)
    assert isinstance(second, dg.SkipReason)
    assert f"the last 2 drains failed, most recently run {failed[-1].run_id}" in str(second.skip_message)
    with redis.connect(settings.redis) as client:
        client.delete(MEDIA)  # somebody mended it
    drain_until_idle(instance)
    entries.add(settings, entries.media(100))
    assert isinstance(look(instance), dg.RunRequest)


@pytest.mark.parametrize(("tags", "status"), [({DRAINED_TAG: "true"}, "STARTED"), ({}, "FAILURE")])
def test_only_a_run_that_should_hold_the_lease_is_reported_for_having_none(
    settings: Settings, instance: dg.DagsterInstance, tags: dict[str, str], status: str
) -> None:
    entries.add(settings, entries.media(1))
    run_id = open_run(instance, dg.DagsterRunStatus.NOT_STARTED)
    instance.add_run_tags(run_id, tags)
    begun = dg.DagsterEvent(dg.DagsterEventType.RUN_START.value, drain_landing.name)
    instance.report_dagster_event(begun, run_id, timestamp=time.time() - GRACE_SECONDS - 60)

    found = look(instance)

    assert instance.get_run_by_id(run_id).status.value == status  # type: ignore[union-attr]  # it was just made
    assert isinstance(found, dg.SkipReason if tags else dg.RunRequest)


def wait_for_lease(settings: Settings, child: subprocess.Popen[bytes]) -> str:
    with postgres.connect(settings.postgres, autocommit=True) as connection:
        while child.poll() is None:
            held = lease.current(connection, lease.DRAIN)
            if held is not None:
                return held.run_id
            time.sleep(0.1)
    raise AssertionError(f"the drain ended with {child.returncode} before it held the lease")


def wait_until_free(settings: Settings) -> None:
    with postgres.connect(settings.postgres, autocommit=True) as connection:
        while lease.current(connection, lease.DRAIN) is not None:
            time.sleep(0.1)
