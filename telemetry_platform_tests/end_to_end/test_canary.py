"""Marks of every kind of personal data, sent to a real API process, and then looked for in everything that is at rest.

The drain is a run of Dagster on its storage in PostgreSQL, so that what Dagster keeps of a run is looked through too.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
import pytest
from pydantic import SecretStr

from telemetry_platform import settings as settings_module
from telemetry_platform.cli.canary_reach import local_reach
from telemetry_platform.cli.tokens import signed
from telemetry_platform.contracts.registry import kinds
from telemetry_platform.embedded.environment import STORES
from telemetry_platform.embedded.platform import running_platform
from telemetry_platform.stores import postgres
from telemetry_platform.usecases.canary.marks import Marks
from telemetry_platform.usecases.canary.run import CanaryReport, record_run, run_canary
from telemetry_platform.usecases.canary.searching import DECODED, RAW, Database, Search
from telemetry_platform.usecases.canary.sending import Sender, Sent, Speaker
from telemetry_platform.usecases.ensure_keys import load_key_ring
from telemetry_platform_tests.defs.front_door import drain_until_idle

if TYPE_CHECKING:
    from collections.abc import Iterator

    from telemetry_platform.contracts.event_kind import Role
    from telemetry_platform.embedded.platform import PlatformHandle
    from telemetry_platform.usecases.canary.searching import Reach

CHECKOUT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Flown:
    """One run of the canary, and a mark that somebody wrote into a tag of Dagster's run."""

    report: CanaryReport
    reach: Reach
    tag: Marks


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlatformHandle]:
    """Stores and an API process of its own: the session's database is what other tests' are copies of."""
    base = tmp_path_factory.mktemp("canary")
    with running_platform("test", services=(*STORES, "api"), base=base, remove=True) as handle:
        yield handle


@pytest.fixture(scope="module")
def stored(engines: PlatformHandle, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dg.DagsterInstance]:
    """Dagster's instance as services have it, and this process's settings as the platform's."""
    home = tmp_path_factory.mktemp("home")
    (home / "dagster.yaml").symlink_to(CHECKOUT / "dagster.yaml")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in engines.env.items():
            if name.startswith(("DAGSTER_", "TELEMETRY_")):
                patch.setenv(name, value)
        patch.setenv("DAGSTER_HOME", str(home))
        settings_module.load.cache_clear()
        with dg.DagsterInstance.from_config(str(home)) as instance:
            yield instance
    settings_module.load.cache_clear()


@pytest.fixture(scope="module")
def flown(engines: PlatformHandle, stored: dg.DagsterInstance) -> Flown:
    """The canary on the session's engines, through a real API process."""
    org_id, tag = f"canary-{secrets.token_hex(4)}", Marks(secrets.token_bytes)

    def speaker(roles: frozenset[Role], user_id: str) -> Speaker:
        claims = {"sub": user_id, "org_id": org_id, "roles": sorted(roles), "purposes": ["pose"]}
        secret = engines.state.secrets()["jwt"]
        return Speaker(signed(claims, engines.settings.api.token, secret, time.time(), 600), user_id)

    def send(marks: Marks) -> Sent:
        moment = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return Sender(engines.api_url, marks, moment, org_id, speaker).send()

    def drain() -> None:
        result = drain_until_idle(stored)
        assert result.success
        stored.add_run_tags(result.run_id, {"note": tag.email("a tag of a run")})

    reach = local_reach(engines.platform.environment())
    return Flown(run_canary(Marks(secrets.token_bytes), send, drain, reach), reach, tag)


def test_every_kind_and_many_refused_requests_carried_marks(flown: Flown) -> None:
    assert set(flown.report.sent.kinds) == {name for name, kind in kinds().items() if kind.endpoint is not None}
    assert flown.report.sent.unspoken == ()
    assert flown.report.sent.refused > 50
    assert flown.report.marks > 500


def test_no_mark_rests_where_it_must_not(flown: Flown) -> None:
    assert [(one.hit.place, one.hit.form, one.hit.mark.where) for one in flown.report.sightings] == []
    assert flown.report.failures == ()
    assert flown.report.is_clean


def test_a_mark_is_found_in_every_store_where_one_was_planted(flown: Flown) -> None:
    report = flown.report
    assert report.unseen == ()
    decoded = {plant.place for plant in report.plants if plant.how == DECODED}
    for part in (
        "ClickHouse *.canary",
        "ClickHouse system.query_log",
        "Redis",
        "dead_letters.body",
        "dagster.public.kvs",
    ):
        assert any(part in place for place in decoded), part
    raw = {plant.place for plant in report.plants if plant.how == RAW}
    assert {"*/clickhouse/*", "*/postgres/*", "*/redis/*"} < raw
    assert {looked.how for looked in report.looked} == {DECODED, RAW}
    assert all(looked.parts and looked.size for looked in report.looked)


def test_a_mark_in_a_tag_of_a_run_is_found(flown: Flown) -> None:
    dagster = next(database for database in flown.reach.databases if database.name == "dagster")
    places = {hit.place for hit in Search(flown.tag.made).in_database(dagster).hits}
    assert {"PostgreSQL dagster.public.run_tags.value", "PostgreSQL dagster.public.runs.run_body"} <= places


def test_planted_marks_are_taken_away_again(flown: Flown) -> None:
    plants = [plant.mark for plant in flown.report.plants if "query_log" not in plant.place]
    looked = Search(plants).everywhere(replace(flown.reach, folders=()))
    assert {hit.place for store in looked for hit in store.hits} <= {
        # The log of statements keeps what was said in it for three days.
        "ClickHouse system.query_log.query",
        "ClickHouse system.user_query_log.query",
        "ClickHouse system.query_log.query_parameters",
        "ClickHouse system.user_query_log.query_parameters",
    }


def test_a_store_that_cannot_be_looked_through_is_no_pass(engines: PlatformHandle, flown: Flown) -> None:
    assert engines.settings.postgres.read_url is not None
    partial = Database("telemetry", engines.settings.postgres.read_url.get_secret_value())
    dead = engines.settings.redis.model_copy(update={"url": SecretStr("redis://127.0.0.1:1/0")})
    clickhouse = engines.settings.clickhouse.model_copy(update={"password": SecretStr("wrong")})
    looked = Search([]).everywhere(replace(flown.reach, clickhouse=clickhouse, databases=(partial,), redis=dead))
    by_store = {store.store: store for store in looked}
    assert "login" in by_store["ClickHouse"].failure
    assert "does not answer" in by_store["Redis"].failure
    assert "privacy.key_epochs" in by_store["PostgreSQL telemetry"].unread
    report = replace(flown.report, looked=tuple(looked))
    assert not report.is_clean


def test_the_trail_says_that_it_ran(engines: PlatformHandle, flown: Flown) -> None:
    settings = engines.settings
    with postgres.connect(settings.postgres) as conn:
        record_run(conn, load_key_ring(conn, settings.keys), flown.report, datetime.now(UTC))
    assert settings.postgres.read_url is not None
    with postgres.connect(settings.postgres.read_url.get_secret_value()) as conn:
        rows = conn.execute("SELECT outcome FROM audit.audit_logs WHERE action = 'canary.run'").fetchall()
    assert rows == [("success",)]
