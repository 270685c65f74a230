"""What an attacker holds: a `pg_dump` of the database, all of ClickHouse exported, and an older dump brought back."""

from __future__ import annotations

import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit, urlunsplit

from telemetry_platform.embedded import postgres_home
from telemetry_platform.stores import postgres
from telemetry_platform.stores.warehouse import open_warehouse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from telemetry_platform.embedded.platform import PlatformHandle
    from telemetry_platform.settings import Settings
    from telemetry_platform.stores.postgres import Connection


def _database(settings: Settings) -> str:
    return urlsplit(settings.postgres.url.get_secret_value()).path[1:]


def _run(engines: PlatformHandle, program: str, *words: str) -> bytes:
    """A program of PostgreSQL's own, as the server's administrator."""
    address = urlsplit(engines.postgres_admin_url)
    done = subprocess.run(
        [
            str(postgres_home.locate(engines.state).bin / program),
            f"--host={address.hostname}",
            f"--port={address.port}",
            f"--username={address.username}",
            *words,
        ],
        env={"PGPASSWORD": unquote(address.password or ""), "PATH": "/usr/bin:/bin", "LC_ALL": "C"},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def pg_dump(engines: PlatformHandle, settings: Settings) -> bytes:
    """The whole database as SQL."""
    return _run(engines, "pg_dump", "--format=plain", _database(settings))


def archive(engines: PlatformHandle, settings: Settings, path: Path) -> None:
    """The whole database, to bring back later."""
    _run(engines, "pg_dump", "--format=custom", f"--file={path}", _database(settings))


@contextmanager
def brought_back(engines: PlatformHandle, path: Path, name: str) -> Iterator[Connection]:
    """An archive, restored into a database of its own."""
    with postgres.connect(engines.postgres_admin_url, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
        try:
            _run(engines, "pg_restore", f"--dbname={name}", str(path))
            url = urlunsplit(urlsplit(engines.postgres_admin_url)._replace(path=f"/{name}"))
            with postgres.connect(url) as restored:
                yield restored
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


def all_of_clickhouse(settings: Settings) -> str:
    """Every row of every table as text."""
    with open_warehouse(settings.clickhouse, log_comment="tests") as warehouse:
        names = warehouse.client.query(
            "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine NOT LIKE '%View'"
        )
        return "\n".join(
            str(value)
            for (name,) in names
            for row in warehouse.client.query("SELECT * FROM {table:Identifier}", {"table": name})
            for value in row
        )
