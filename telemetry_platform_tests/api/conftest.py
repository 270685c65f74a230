"""Servers for tests: databases are made once a module, since these tests write to Redis only, and Redis is emptied."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit

import pytest
from pydantic import SecretStr

from telemetry_platform.stores import redis
from telemetry_platform_tests.api.serving import Api, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from telemetry_platform.embedded.platform import PlatformHandle
    from telemetry_platform.settings import Settings


@pytest.fixture
def empty_platform(engines: PlatformHandle, module_platform: Settings) -> Settings:
    """The module's databases with an empty landing queue."""
    database = urlsplit(module_platform.redis.url.get_secret_value()).path
    admin = SecretStr(urlunsplit(urlsplit(engines.redis_admin_url)._replace(path=database)))
    with redis.connect(module_platform.redis.model_copy(update={"url": admin})) as client:
        client.flushdb()
    return module_platform


@pytest.fixture
def api(empty_platform: Settings) -> Iterator[Api]:
    """A server for one test, with empty streams."""
    with serving(empty_platform) as running:
        yield running


@pytest.fixture(scope="module")
def shared_api(make_platform: Callable[[], Settings]) -> Iterator[Api]:
    """A server for all tests of a module that look at answers only."""
    with serving(make_platform()) as running:
        yield running


@pytest.fixture(scope="module")
def untouched_api(make_platform: Callable[[], Settings]) -> Iterator[Api]:
    """A server that nothing valid is posted to."""
    with serving(make_platform()) as running:
        yield running
