"""Detection in the drain: once an episode, however often and however late its events come, and never at their cost."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import pytest
from pydantic import SecretStr

from telemetry_platform.contracts.detection import RULES, By, Rule
from telemetry_platform.simulate.geo_database import write_geo_database
from telemetry_platform.simulate.places import PLACES
from telemetry_platform.stores import redis
from telemetry_platform_tests.usecases.crashing_drain import crash
from telemetry_platform_tests.usecases.detected import NETWORK, detections, failed, in_redis, of_rule
from telemetry_platform_tests.usecases.landing import (
    ACTOR,
    an_id,
    audit_entry,
    batch_sums,
    drain_all,
    entry,
    just_now,
    looking,
    queue,
    quick,
)
from telemetry_platform_tests.usecases.test_drain_erased import bury

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from pathlib import Path

    from telemetry_platform.contracts.landing import LandingEntry
    from telemetry_platform.embedded.platform import PlatformHandle
    from telemetry_platform.settings import Settings

BY_NETWORK = "failed_auth_by_network"
CLIMB = [("low", 10), ("medium", 30)]
COUNTRIES = [*{place.country: str(place.network4.network_address) for place in PLACES}.values()]
"""A network of each country."""


def guesses(begin: datetime, numbers: Iterable[int], **changed: Any) -> list[LandingEntry]:  # noqa: ANN401 - columns
    """One a second."""
    return [failed(number, begin + timedelta(seconds=number), **changed) for number in numbers]


def test_an_episode_is_told_once_for_each_severity_that_it_climbs_to(platform: Settings) -> None:
    settings, start = quick(platform), just_now()
    queue(settings, guesses(start, range(9)))
    assert drain_all(settings).detected == 0
    queue(settings, guesses(start, range(9, 30)))
    report = drain_all(settings)
    found = [one for one in detections(settings) if one.rule == BY_NETWORK]
    assert [(one.severity, one.measure) for one in found] == CLIMB
    assert len({one.episode for one in found}) == 1
    assert {(one.org_id, one.ip_truncated, one.actor_hash) for one in found} == {("clinic-1", NETWORK, "")}
    assert report.detected == len(detections(settings))
    # It goes on: nothing new is told.
    queue(settings, guesses(start, range(30, 40)))
    assert drain_all(settings).detected == 0
    # What detection adds is nobody's entry.
    with looking(settings) as (_, conn):
        assert batch_sums(conn) == {"security": (40, 40, 0, 0, 0, 0, 0)}


def test_events_that_come_again_count_once(platform: Settings) -> None:
    settings, start = quick(platform, batch_entries=4), just_now()
    for _ in range(3):
        queue(settings, guesses(start, range(9)) * 2)
        drain_all(settings)
    assert detections(settings) == []


@pytest.mark.parametrize("batch_entries", [7, 500])
def test_what_is_drained_late_and_in_other_batches_is_told_the_same(platform: Settings, batch_entries: int) -> None:
    settings, start = quick(platform, batch_entries=batch_entries), just_now() - timedelta(hours=30)
    queue(settings, [*guesses(start, range(35)), *guesses(start + timedelta(hours=2), range(50, 65))])
    drain_all(settings)
    assert of_rule(settings, BY_NETWORK) == [("low", 10), ("low", 10), ("medium", 30)]
    assert len({one.episode for one in detections(settings) if one.rule == BY_NETWORK}) == 2


def test_an_episode_that_goes_on_past_midnight_is_one(platform: Settings) -> None:
    settings = quick(platform, batch_entries=5)
    midnight = just_now().replace(hour=0, minute=0, second=0)
    queue(settings, guesses(midnight - timedelta(seconds=15), range(40)))
    drain_all(settings)
    assert of_rule(settings, BY_NETWORK) == CLIMB


@pytest.mark.parametrize("point", ["after_decode", "after_detection", "before_commit", "after_postgres", "after_ack"])
def test_a_drain_that_is_killed_loses_and_doubles_no_detection(platform: Settings, point: str) -> None:
    settings, start = quick(platform, batch_entries=20), just_now()
    queue(settings, guesses(start, range(40)))
    crash(settings, f"security.{point}", 2)
    drain_all(settings)
    assert of_rule(settings, BY_NETWORK) == CLIMB


def test_a_crash_after_which_redis_is_empty_costs_no_entry(platform: Settings) -> None:
    settings, start = quick(platform), just_now()
    queue(settings, guesses(start, range(12)))
    crash(settings, "security.after_postgres")
    with redis.connect(settings.redis) as client:
        client.delete(*client.scan_iter("detection:*"))
    drain_all(settings)
    assert of_rule(settings, BY_NETWORK) == [("low", 10)]


def test_nothing_in_redis_names_a_network_or_an_account(platform: Settings) -> None:
    settings, start = quick(platform), just_now()
    queue(settings, guesses(start, range(12), actor=ACTOR))
    drain_all(settings)
    kept = list(in_redis(settings))
    assert len([name for name in kept if "window" in name]) >= 4
    assert len([name for name in kept if "episodes" in name]) >= 2
    for secret in (NETWORK, ACTOR[:16], "clinic-1"):
        assert not [name for name in kept if secret in name]
    with redis.connect(settings.redis) as client:
        assert all(client.ttl(name) > 0 for name in client.scan_iter("detection:*"))


def test_tenants_are_counted_by_themselves(platform: Settings) -> None:
    settings, start = quick(platform), just_now()
    one = guesses(start, range(9))
    other = [
        entry(
            "security", each.body, start, an_id("other", each.event_id), org_id="clinic-2", actor_hash="", key_epoch=0
        )
        for each in one
    ]
    queue(settings, [*one, *other])
    drain_all(settings)
    assert detections(settings) == []


def test_when_redis_is_full_each_batch_is_judged_by_itself_and_nothing_is_kept(platform: Settings) -> None:
    settings, start = quick(platform), just_now()
    full = settings.model_copy(update={"redis": settings.redis.model_copy(update={"maxmemory_bytes": 1024})})
    queue(full, guesses(start, range(9)))
    drain_all(full)
    queue(full, guesses(start, range(9, 12)))
    drain_all(full)
    assert detections(full) == []
    queue(full, guesses(start, range(20, 32)))
    drain_all(full)
    assert of_rule(full, BY_NETWORK) == [("low", 10)]
    assert not [name for name in in_redis(full) if "window" in name or "episodes" in name]


def test_a_redis_that_takes_no_windows_costs_no_entry(engines: PlatformHandle, platform: Settings) -> None:
    """The user may use streams only, as an administrator might think that this is enough."""
    settings, start = quick(platform), just_now()
    parts = urlsplit(settings.redis.url.get_secret_value())
    admin = SecretStr(urlunsplit(urlsplit(engines.redis_admin_url)._replace(path=parts.path)))
    rules = ["on", ">only-streams", "~*", "&*", "+@all", "-zadd", "-admin", "-@dangerous", "+info"]
    with redis.connect(settings.redis.model_copy(update={"url": admin})) as client:
        client.execute_command("ACL", "SETUSER", "streams", *[rule for rule in rules if rule != "-admin"])
        try:
            url = SecretStr(urlunsplit(parts._replace(netloc=f"streams:only-streams@{parts.hostname}:{parts.port}")))
            poor = settings.model_copy(update={"redis": settings.redis.model_copy(update={"url": url})})
            queue(settings, guesses(start, range(12)))
            assert drain_all(poor).tables["security.security_events"].stored == 12
        finally:
            client.execute_command("ACL", "DELUSER", "streams")
    assert detections(settings) == []


_MANY = 1_000


def _events(rule: Rule, start: datetime, many: int) -> list[LandingEntry]:
    """So many events that a rule counts, each with a value of its own where values are counted."""
    made: list[LandingEntry] = []
    # The API tells many of a kind as one event that counts them.
    at_once = 100 if rule.distinct is None and many >= _MANY else 1
    for number in range(many // at_once):
        at = start + timedelta(milliseconds=20 * number)
        name = rule.counts[0].replace("*", "patient")
        apart = {
            By.ACCOUNT: {"actor": f"{number + 1:064x}"},
            By.NETWORK: {"ip_truncated": f"198.51.{number}.0"},
            By.ADDRESS: {"address_hash": f"{number + 1:064x}"},
            By.COUNTRY: {"ip_truncated": COUNTRIES[number % len(COUNTRIES)]},
        }.get(rule.distinct or By.TENANT, {})
        details = json.dumps({"token": "f" * 32, "count": at_once})
        given: dict[str, Any] = {"actor": ACTOR, "type": name, "details": details}
        if rule.kind == "audit":
            plain = audit_entry(number, at)
            body = plain.body.replace(b"media.view", name.encode())
            made.append(entry("audit", body, at, plain.event_id))
        else:
            made.append(failed(number, at, **(given | apart)))
    return made


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_each_rule_sees_its_own_burst_once(platform: Settings, tmp_path: Path, rule: Rule) -> None:
    geo = platform.geo.model_copy(update={"database": write_geo_database(tmp_path / "geo.mmdb")})
    settings, start = quick(platform).model_copy(update={"geo": geo}), just_now()
    severity, least = rule.thresholds[0]
    burst = _events(rule, start, least)
    queue(settings, burst[:-1])
    drain_all(settings)
    assert of_rule(settings, rule.id) == []
    queue(settings, burst)
    drain_all(settings)
    drain_all(settings)
    (found,) = [one for one in detections(settings) if one.rule == rule.id]
    assert (found.severity, found.measure) == (severity.value, least)
    names_account = rule.kind == "security" and rule.by in {By.ACCOUNT, By.TOKEN}
    assert found.actor_hash == (ACTOR if names_account else "")
    assert found.ip_truncated == (NETWORK if rule.by is By.NETWORK else None)


def test_the_events_of_an_erased_person_are_counted_for_nobody(platform: Settings) -> None:
    settings, start = quick(platform), just_now()
    with looking(settings) as (_, conn):
        bury(conn, start + timedelta(hours=1))
    queue(settings, guesses(start, range(12), actor=ACTOR))
    drain_all(settings)
    assert {one.rule for one in detections(settings)} == {BY_NETWORK}
