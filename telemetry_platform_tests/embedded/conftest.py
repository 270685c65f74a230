"""Fixtures of the ClickHouse tests: one server for all of them, and a database of its own for each."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest

from telemetry_platform.embedded.clickhouse.process import USER, start_clickhouse
from telemetry_platform_tests.embedded.clickhouse_process import PASSWORD, Address

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx
    from clickhouse_connect.driver.client import Client


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With a real server's address, leave out the tests of what only the stand-in has: its process and its door."""
    own = collection_path.name.startswith("test_clickhouse_own_")
    return True if own and config.getoption("--clickhouse-url") else None


@pytest.fixture(scope="session")
def clickhouse_address(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Address]:
    """The server that all shared assertions run against: the given one, or an embedded one started for the session."""
    given = request.config.getoption("--clickhouse-url")
    if given:
        yield Address.parse(str(given))
        return
    folder = tmp_path_factory.mktemp("clickhouse")
    server = start_clickhouse(folder / "data", 0, PASSWORD, folder / "log")
    try:
        yield Address(server.url, USER, PASSWORD)
    finally:
        server.stop()


@pytest.fixture
def database(clickhouse_address: Address) -> Iterator[str]:
    """A database for one test."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    with clickhouse_address.client() as client:
        client.command(f"CREATE DATABASE {name}")
    yield name
    with clickhouse_address.client() as client:
        client.command(f"DROP DATABASE {name} SYNC")


@pytest.fixture
def client(clickhouse_address: Address, database: str) -> Iterator[Client]:
    """An unchanged clickhouse-connect client in the test's database."""
    with clickhouse_address.client(database=database) as opened:
        yield opened


@pytest.fixture
def http(clickhouse_address: Address, database: str) -> Iterator[httpx.Client]:
    """The bare protocol, signed in, in the test's database."""
    with clickhouse_address.http(database) as opened:
        yield opened
