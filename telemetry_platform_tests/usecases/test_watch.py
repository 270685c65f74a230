"""What a flood of refusals may cost: so many entries between two writes, whoever and however many they are."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from telemetry_platform.contracts.landing import stream_name
from telemetry_platform.contracts.registry import kinds
from telemetry_platform.contracts.sightings import ACCESS_REFUSED, AUTH_REFUSED, DATA_EXPORTED, sightings
from telemetry_platform.errors import PlatformError
from telemetry_platform.stores import redis
from telemetry_platform.stores.landing_producer import LandingProducer
from telemetry_platform.stores.queue_room import QueueRoom
from telemetry_platform.stores.redis_channel import RedisChannel
from telemetry_platform.stores.session_pins import Pin
from telemetry_platform.usecases.watch import MOST_OF_NETWORK, MOST_SORTS, Asked, Watch, Whence
from telemetry_platform_tests.api.test_failures import changed, unused_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from telemetry_platform.settings import Settings

MINUTE_MS = 60_000
ASKED = Asked("POST", "/v1/media/events", 401)


class Clock:
    """Stands still until it is moved."""

    now = 1_771_322_400_000

    def __call__(self) -> int:
        return self.now


@asynccontextmanager
async def watching(settings: Settings, lost: list[int], clock: Clock | None = None) -> AsyncIterator[Watch]:
    channel = RedisChannel(redis.address(settings.redis), 2.0)
    room = QueueRoom(channel, settings.redis, kinds())
    producer = LandingProducer(channel, lambda: f"test-{uuid4()}")
    try:
        yield Watch(producer, room, 1, now_ms=clock or Clock(), new_id=uuid4, lost=lost.append)
    finally:
        await channel.close()


def written(settings: Settings) -> list[dict[str, object]]:
    """The bodies in the stream, which is empty afterwards."""
    with redis.connect(settings.redis) as client:
        entries: list[tuple[bytes, dict[bytes, bytes]]] = client.xrange(stream_name("security", 0))
        client.delete(stream_name("security", 0))
    bodies = [json.loads(fields[b"body"]) for _, fields in entries]
    return [{**body, **json.loads(body["details"])} for body in bodies]


def whence(network: int, host: int = 1) -> Whence:
    return Whence(f"10.{network // 256}.{network % 256}.0", f"{network * 1000 + host:064x}", 1)


def note(watch: Watch, place: Whence, count: int = 1) -> None:
    watch.note(AUTH_REFUSED, place, ASKED, now_ms=Clock.now, count=count)


def test_one_network_with_many_addresses_is_a_few_entries(module_platform: Settings) -> None:
    async def flood() -> None:
        async with watching(module_platform, []) as watch:
            for host in range(5_000):
                note(watch, whence(1, host))
            note(watch, whence(2))
            await watch.flush()
            await watch.flush()

    asyncio.run(flood())
    found = written(module_platform)
    of_one = [int(str(each["count"])) for each in found if each["ip_truncated"] == "10.0.1.0"]
    assert sorted(of_one) == [1] * MOST_OF_NETWORK + [5_000 - MOST_OF_NETWORK]
    # The flood from one network takes nothing from another.
    assert [each["address_hash"] for each in found if each["ip_truncated"] == "10.0.2.0"] == [whence(2).address_hash]


def test_many_networks_are_a_bounded_number_of_entries_and_none_is_lost(module_platform: Settings) -> None:
    async def flood() -> None:
        async with watching(module_platform, []) as watch:
            for network in range(5_000):
                note(watch, whence(network))
            await watch.flush()

    asyncio.run(flood())
    found = written(module_platform)
    assert len(found) == 2 * MOST_SORTS + 1
    assert sum(int(str(each["count"])) for each in found) == 5_000
    assert len([each for each in found if each["ip_truncated"] is None]) == 1


_NOTES = st.tuples(
    st.sampled_from(sightings()), st.integers(0, 90), st.integers(0, 12), st.integers(0, 3), st.integers(1, 5)
)


@examples(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(_NOTES, max_size=400))
def test_whatever_comes_is_counted_and_bounded(module_platform: Settings, notes: list[tuple[object, ...]]) -> None:
    async def flood() -> None:
        async with watching(module_platform, []) as watch:
            for sighting, network, host, person, count in notes:
                who = Pin(1, f"{person:064x}") if person else Pin(0, "")
                watch.note(
                    sighting,  # type: ignore[arg-type]  # as drawn
                    whence(network, host),  # type: ignore[arg-type]  # as drawn
                    ASKED,
                    now_ms=Clock.now,
                    who=who,
                    count=count,  # type: ignore[arg-type]  # as drawn
                )
            await watch.flush()

    asyncio.run(flood())
    found = written(module_platform)
    counts: Counter[str] = Counter()
    for each in found:
        counts[str(each["type"])] += int(str(each["count"]))
    wanted: Counter[str] = Counter()
    for sighting, _, _, _, count in notes:
        wanted[sighting.type] += count  # type: ignore[attr-defined,operator]  # as drawn
    assert counts == wanted
    assert len(found) <= 4 * MOST_SORTS + len(sightings())


def test_no_flood_of_refusals_takes_the_name_off_what_somebody_takes_out(module_platform: Settings) -> None:
    somebody = Pin(1, "a" * 64)

    async def flood() -> None:
        async with watching(module_platform, []) as watch:
            for network in range(5_000):
                note(watch, whence(network))
            # Their own, too: more sorts than are told apart of one network or of one person.
            for status in range(400, 440):
                watch.note(AUTH_REFUSED, whence(1), Asked("GET", "/x", status), now_ms=Clock.now)
                asked = Asked("GET", "/x", status)
                watch.note(ACCESS_REFUSED, whence(1), asked, now_ms=Clock.now, org_id="clinic-1", who=somebody)
            watch.note(DATA_EXPORTED, whence(1), ASKED, now_ms=Clock.now, org_id="clinic-1", who=somebody)
            await watch.flush()

    asyncio.run(flood())
    with redis.connect(module_platform.redis) as client:
        entries = client.xrange(stream_name("security", 0))
        client.delete(stream_name("security", 0))
    told = [fields for _, fields in entries if b'"data.exported"' in fields[b"body"]]
    assert [(each[b"org_id"], each[b"actor_hash"]) for each in told] == [(b"clinic-1", b"a" * 64)]
    refused = [fields for _, fields in entries if b'"access.refused"' in fields[b"body"]]
    assert {each[b"actor_hash"] for each in refused} == {b"a" * 64}
    assert len(entries) <= 4 * MOST_SORTS + len(sightings())


def test_without_a_store_it_is_kept_for_a_minute_and_then_counted_as_lost(module_platform: Settings) -> None:
    clock, lost = Clock(), list[int]()

    async def flood(settings: Settings) -> None:
        async with watching(settings, lost, clock) as watch:
            note(watch, whence(1))
            with pytest.raises(PlatformError):
                await watch.flush()
            assert lost == []
            note(watch, whence(2))
            clock.now += MINUTE_MS + 1
            with pytest.raises(PlatformError):
                await watch.flush()
            assert lost == [1]

    with unused_port(listening=False) as port:
        gone = module_platform.redis.url.get_secret_value().rsplit(":", 1)[0] + f":{port}/0"
        asyncio.run(flood(changed(module_platform, "redis", url=type(module_platform.redis.url)(gone))))


def test_an_unknown_method_is_not_kept(module_platform: Settings) -> None:
    async def refuse() -> None:
        async with watching(module_platform, []) as watch:
            watch.note(ACCESS_REFUSED, whence(1), Asked("ANA", "/v1/media/events", 403), now_ms=Clock.now)
            await watch.flush()

    asyncio.run(refuse())
    (found,) = written(module_platform)
    assert (found["method"], found["status"], found["count"]) == (None, 403, 1)
