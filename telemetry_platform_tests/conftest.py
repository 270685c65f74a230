"""The real engines, started once per session, and fresh databases on them for whoever asks.

Append-only tables cannot be emptied between tests, so every test (or module) that writes gets databases of its own:
a copy of a PostgreSQL database with the schema, a new ClickHouse database, and an own logical database of Redis.
"""

from __future__ import annotations

import itertools
import os
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

import hypothesis
import pytest
from pydantic import SecretStr

from telemetry_platform.embedded.platform import PlatformHandle, running_stores
from telemetry_platform.settings import RedisSettings, Settings
from telemetry_platform.stores import postgres, redis
from telemetry_platform.usecases.apply_schema import apply_schema
from telemetry_platform.usecases.ensure_keys import ensure_keys
from telemetry_platform_tests.exclusion_lists import load_exclusions
from telemetry_platform_tests.warehouses import Warehouses

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


# How long an example takes says more of the machine than of the code.
hypothesis.settings.register_profile("without deadline", deadline=None)
hypothesis.settings.load_profile("without deadline")

_REDIS_DATABASES = 511
_numbers = itertools.count(1)
_warehouses = Warehouses()
"""Of this process's server."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Addresses of real servers that the embedded engines' tests run against instead."""
    parser.addoption("--clickhouse-url", default=None, help="http(s)://user:password@host:port of a real ClickHouse")
    parser.addoption(
        "--postgres-admin-url",
        default=None,
        help="administrator's connection to a real PostgreSQL, also with TimescaleDB",
    )


@pytest.fixture(scope="session")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlatformHandle]:
    """PostgreSQL, Redis and ClickHouse with the schema, for the whole session; nothing stays behind."""
    base: Path = tmp_path_factory.mktemp("engines")
    with running_stores("test", base=base, remove=True) as handle:
        with postgres.connect(handle.settings.postgres.url.get_secret_value()) as connection:
            ensure_keys(connection, handle.settings.keys, datetime.now(UTC))
        # Nobody is excluded, and that is known: without a list an API takes security and audit only.
        load_exclusions(handle.settings)
        yield handle


def _at_database(url: SecretStr | None, name: str) -> str:
    """The same connection, to another database."""
    assert url is not None
    return urlunsplit(urlsplit(url.get_secret_value())._replace(path=f"/{name}"))


def fresh_platform(engines: PlatformHandle, *, with_warehouse: bool = True) -> Settings:
    """Settings of fresh databases on the running engines; without a warehouse of their own where none is looked at."""
    number = next(_numbers)
    name = f"telemetry_{os.getpid()}_{number}"
    with postgres.connect(engines.postgres_admin_url, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE telemetry OWNER telemetry_owner")
    given = engines.settings.model_dump()
    given["postgres"] |= {
        part: _at_database(getattr(engines.settings.postgres, part), name) for part in ("url", "owner_url")
    }
    for part in ("read_url", "retention_url", "dashboards_url"):
        if getattr(engines.settings.postgres, part) is not None:
            given["postgres"][part] = _at_database(getattr(engines.settings.postgres, part), name)
    # Each trail has checkpoints of its own.
    given["audit"]["checkpoints"] = str(engines.state.path / "checkpoints" / name)
    emptied = _warehouses.take() if with_warehouse else None
    given["clickhouse"]["database"] = emptied or name
    # A copy of the exclusion list is that of one database.
    given["exclusions"]["copy_file"] = None
    logical = str(number % _REDIS_DATABASES + 1)
    given["redis"]["url"] = _at_database(engines.settings.redis.url, logical)
    settings = Settings(**given)
    if with_warehouse and not emptied:
        apply_schema(settings, datetime.now(UTC))
        _warehouses.made(settings)
    admin_url = SecretStr(engines.redis_admin_url)
    with redis.connect(RedisSettings(url=SecretStr(_at_database(admin_url, logical)))) as client:
        client.flushdb()
    return settings


@contextmanager
def _passing_platform(engines: PlatformHandle) -> Iterator[Settings]:
    """Fresh databases whose queue is emptied afterwards: Redis' memory is one for all tests of a session.

    The warehouse goes to the next test, emptied.
    """
    settings = fresh_platform(engines)
    yield settings
    logical = _at_database(SecretStr(engines.redis_admin_url), urlsplit(settings.redis.url.get_secret_value()).path[1:])
    with redis.connect(RedisSettings(url=SecretStr(logical))) as client:
        client.flushdb()
    _warehouses.give_back(settings)


@pytest.fixture
def trail_platform(engines: PlatformHandle) -> Settings:
    """A fresh PostgreSQL database for one test of the audit trail, which looks at nothing else."""
    return fresh_platform(engines, with_warehouse=False)


@pytest.fixture
def platform(engines: PlatformHandle) -> Iterator[Settings]:
    """Fresh databases for one test."""
    with _passing_platform(engines) as settings:
        yield settings


@pytest.fixture(scope="module")
def module_platform(engines: PlatformHandle) -> Iterator[Settings]:
    """Fresh databases for all tests of a module."""
    with _passing_platform(engines) as settings:
        yield settings


@pytest.fixture(scope="session")
def make_platform(engines: PlatformHandle) -> Callable[[], Settings]:
    """Fresh databases as often as a test wants them."""
    return lambda: fresh_platform(engines)
