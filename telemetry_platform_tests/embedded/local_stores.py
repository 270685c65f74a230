"""Fixtures with the embedded PostgreSQL and Redis in a folder of the test's own."""

from collections.abc import Iterator

import pytest

from telemetry_platform.embedded.platform import PlatformHandle, running_stores


@pytest.fixture(scope="module")
def local_stores(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlatformHandle]:
    """PostgreSQL and Redis without schema, shared by a module; its tests start again what they kill."""
    base = tmp_path_factory.mktemp("stores")
    with running_stores(stores=("postgres", "redis"), with_schema=False, remove=True, base=base) as handle:
        yield handle
