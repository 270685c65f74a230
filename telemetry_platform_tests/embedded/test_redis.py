"""The embedded Redis: who may do what, and that an acknowledged write is never lost."""

import stat

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from telemetry_platform.embedded.platform import PlatformHandle
from telemetry_platform.embedded.state import wait_until
from telemetry_platform_tests.embedded.local_stores import local_stores

__all__ = ["local_stores"]


@pytest.fixture
def client(local_stores: PlatformHandle) -> redis.Redis:
    return redis.Redis.from_url(local_stores.settings.redis.url.get_secret_value())


def _ids(client: redis.Redis, stream: str) -> list[bytes | str | None]:
    return [entry for entry, _ in client.xrange(stream) or []]


def _kill_and_start(handle: PlatformHandle) -> None:
    handle.kill("redis")
    assert wait_until(lambda: not handle.platform.supervisor.is_running("redis"), 10)
    assert handle.start("postgres", "redis") == ["redis"]


def test_nobody_enters_without_a_password(local_stores: PlatformHandle) -> None:
    port = local_stores.platform.ports()["redis"]
    once = Retry(NoBackoff(), 0)
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(port=port, retry=once).ping()
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(port=port, username="default", password="guessed", retry=once).ping()


def test_it_evicts_nothing_and_writes_before_it_answers(client: redis.Redis) -> None:
    assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
    assert client.config_get("appendonly") == {"appendonly": "yes"}
    assert client.config_get("appendfsync") == {"appendfsync": "always"}
    assert client.config_get("maxmemory") == {"maxmemory": str(512 * 1024 * 1024)}
    assert client.config_get("bind") == {"bind": "127.0.0.1"}


@pytest.mark.parametrize(
    "command", [("FLUSHALL",), ("CONFIG", "SET", "appendfsync", "no"), ("SHUTDOWN",), ("ACL", "LIST"), ("KEYS", "*")]
)
def test_the_platforms_user_cannot_empty_stop_or_reconfigure_it(client: redis.Redis, command: tuple[str, ...]) -> None:
    with pytest.raises(redis.exceptions.NoPermissionError):
        client.execute_command(*command)  # type: ignore[no-untyped-call]  # the client types it not


def test_the_platforms_user_can_work_with_streams(client: redis.Redis) -> None:
    client.xgroup_create("telemetry:landing:media:0", "drain", id="0", mkstream=True)
    with client.pipeline(transaction=True) as pipeline:
        pipeline.xadd("telemetry:landing:media:0", {"kind": "media"})
        pipeline.set("session:org:id", "1:hash", nx=True, get=True, ex=60)
        entry, before = pipeline.execute()
    assert before is None
    taken = client.xreadgroup("drain", "worker", {"telemetry:landing:media:0": ">"}, block=1000)
    assert taken
    with client.pipeline(transaction=True) as pipeline:
        pipeline.xack("telemetry:landing:media:0", "drain", entry)
        pipeline.xdel("telemetry:landing:media:0", entry)
        assert pipeline.execute() == [1, 1]
    assert client.xlen("telemetry:landing:media:0") == 0
    assert client.waitaof(1, 0, 1000)[0] == 1
    client.delete("telemetry:landing:media:0", "session:org:id")


def test_an_acknowledged_entry_survives_a_kill(local_stores: PlatformHandle, client: redis.Redis) -> None:
    written = [client.xadd("killed", {"n": number}) for number in range(200)]
    _kill_and_start(local_stores)
    assert _ids(client, "killed") == written
    client.delete("killed")


def test_a_write_that_a_kill_cut_short_costs_itself_only(local_stores: PlatformHandle, client: redis.Redis) -> None:
    written = [client.xadd("cut", {"n": number}) for number in range(10)]
    local_stores.kill("redis")
    assert wait_until(lambda: not local_stores.platform.supervisor.is_running("redis"), 10)
    (tail,) = (local_stores.state.folder("redis") / "appendonlydir").glob("*.incr.aof")
    with tail.open("ab") as file:
        file.write(b"*5\r\n$4\r\nXADD\r\n$3\r\ncut\r\n$1\r\n*\r\n$1")
    assert local_stores.start("redis") == ["redis"]
    assert _ids(client, "cut") == written
    client.delete("cut")


def test_its_files_are_private_and_hold_no_password(local_stores: PlatformHandle) -> None:
    folder = local_stores.state.folder("redis")
    secrets = local_stores.state.secrets()
    for name in ("valkey.conf", "users.acl"):
        content = (folder / name).read_text(encoding="utf-8")
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
        assert secrets["redis_telemetry"] not in content
        assert secrets["redis_admin"] not in content
