"""What the canary can look through: all of a local platform as its administrator; else what the settings reach."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

from telemetry_platform.embedded import outside
from telemetry_platform.embedded.environment import DAGSTER_DATABASE, DATABASE, STORES
from telemetry_platform.settings import RedisSettings
from telemetry_platform.usecases.canary.searching import Database, Reach

if TYPE_CHECKING:
    from telemetry_platform.embedded.environment import LocalEnvironment
    from telemetry_platform.settings import Settings


def local_reach(environment: LocalEnvironment) -> Reach:
    """A profile's databases and its folders; what lies on real servers is reached by the settings alone."""
    found = settings_reach(environment.settings())
    state = environment.state
    folders = [state.path]
    if outside.is_needed() and (elsewhere := outside.profile_folder(state)).exists():
        folders.append(elsewhere)
    missing = [f"files of {store}" for store in STORES if store not in environment.embedded]
    databases, redis = found.databases, found.redis
    if "postgres" in environment.embedded:
        admin = urlsplit(environment.postgres_admin_url())
        databases = tuple(
            Database(name, urlunsplit(admin._replace(path=f"/{name}"))) for name in (DATABASE, DAGSTER_DATABASE)
        )
    if "redis" in environment.embedded:
        redis = RedisSettings.model_validate({"url": environment.redis_admin_url()})
    return Reach(found.clickhouse, databases, redis, tuple(folders), tuple(missing))


def settings_reach(settings: Settings) -> Reach:
    """Real servers: decoded only, and as the roles that the settings have connections of."""
    url = (settings.postgres.owner_url or settings.postgres.read_url or settings.postgres.url).get_secret_value()
    name = urlsplit(url).path.lstrip("/") or DATABASE
    return Reach(
        settings.clickhouse,
        (Database(name, url),),
        settings.redis,
        out_of_reach=(
            "files and write-ahead logs of the servers, which lie on other machines",
            "backups and replicas",
            "Dagster's own database, of which the settings have no connection",
            "logs, wherever they are collected",
        ),
    )
