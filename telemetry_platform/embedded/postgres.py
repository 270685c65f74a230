"""The embedded PostgreSQL 18: made once with `initdb`, then one server process on loopback TCP with scram passwords.

Invariants: no Unix socket (one door, and no limit on path lengths); statements and values never reach the log
(`log_error_verbosity`, `log_min_error_statement`); the superuser's password is read by `initdb` from a file that lives
only as long as the call. What a SIGKILL leaves (a stale `postmaster.pid`, orphaned backends) is cleared before a start,
and only when no process of ours runs in the data folder.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import struct
import subprocess
from typing import TYPE_CHECKING

from telemetry_platform.embedded import postgres_home
from telemetry_platform.embedded.service import Service
from telemetry_platform.errors import ConfigurationError, PermanentError

if TYPE_CHECKING:
    from pathlib import Path

    from telemetry_platform.embedded.postgres_home import PostgresHome
    from telemetry_platform.embedded.state import StateFolder

SUPERUSER = "postgres"
_PLAIN_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}
_HBA = "# Loopback only, passwords only.\nhost all all 127.0.0.1/32 scram-sha-256\n"


def _configuration(home: PostgresHome, port: int) -> str:
    """All settings; written anew at each start, so that the code is the only place to change them."""
    return "\n".join(
        (
            f"hba_file = '{_hba_file(home)}'",
            "listen_addresses = '127.0.0.1'",
            f"port = {port}",
            "unix_socket_directories = ''",
            "password_encryption = 'scram-sha-256'",
            "max_connections = 100",
            # One machine runs everything: the drain writes little, Dagster's storage is small.
            "shared_buffers = '96MB'",
            "maintenance_work_mem = '64MB'",
            "max_wal_size = '512MB'",
            "max_parallel_workers_per_gather = 0",
            "jit = off",
            # Values and statements carry personal data; a log line is a severity, a state and a name.
            "log_error_verbosity = 'terse'",
            "log_min_error_statement = 'panic'",
            "log_statement = 'none'",
            "log_parameter_max_length_on_error = 0",
            "log_checkpoints = off",
            "log_line_prefix = '%m [%p] %e '",
            "timezone = 'UTC'",
            "log_timezone = 'UTC'",
            "",
        )
    )


def _configuration_file(home: PostgresHome) -> Path:
    return home.folder / "postgresql.conf"


def _hba_file(home: PostgresHome) -> Path:
    return home.folder / "pg_hba.conf"


def _write_owned(home: PostgresHome, path: Path, content: str) -> None:
    """Write a 0600 file that the server's user may read, in a folder that is not this user's."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(content)
        if home.account:
            os.fchown(file.fileno(), home.account.uid, home.account.gid)


def _initialise(home: PostgresHome, password: str) -> None:
    """Make the database cluster; a half-made one of a killed command is thrown away first."""
    fresh = home.folder / "cluster.new"
    if fresh.exists():
        shutil.rmtree(fresh)
    postgres_home.make_owned_folder(home, fresh)
    password_file = home.folder / "superuser-password"
    _write_owned(home, password_file, password)
    argv = [
        str(home.bin / "initdb"),
        f"--pgdata={fresh}",
        f"--username={SUPERUSER}",
        f"--pwfile={password_file}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
    ]
    try:
        done = subprocess.run(
            argv,
            env=_PLAIN_ENVIRONMENT,
            cwd=home.folder,
            capture_output=True,
            text=True,
            check=False,
            user=home.account.uid if home.account else None,
            group=home.account.gid if home.account else None,
            extra_groups=[] if home.account else None,
        )
    except OSError as error:
        name = home.account.name if home.account else "this user"
        raise ConfigurationError(
            f"initdb cannot be run as {name} ({error.strerror}); run as an ordinary user, or set "
            "TELEMETRY_POSTGRES__URL to a real server"
        ) from error
    finally:
        password_file.unlink(missing_ok=True)
    if done.returncode != 0:
        raise PermanentError(
            f"initdb failed (exit {done.returncode}): {done.stderr.strip()[-1500:]}\n"
            f"Next: free disk space or shared memory as it says; {fresh} may be removed"
        )
    fresh.rename(home.cluster)


def _prepare(state: StateFolder, home: PostgresHome, port: int, password: str) -> None:
    """Everything before the server's start."""
    postgres_home.prepare(state, home)
    marker = state.path / "postgres.initialised"
    if not home.cluster.exists():
        if marker.exists():
            raise PermanentError(
                f"the data of PostgreSQL is gone from {home.folder} (was the temporary folder emptied?); keys and "
                f"audit trail cannot be made again: run `telemetry clean --profile {state.profile}` and start anew"
            )
        _initialise(home, password)
    marker.touch(mode=0o600)
    _write_owned(home, _configuration_file(home), _configuration(home, port))
    _write_owned(home, _hba_file(home), _HBA)
    # The supervisor has made sure that nothing of ours runs in this folder. After a reboot the number in the file may
    # belong to another process of the same user, and the server would refuse to start for its sake.
    (home.cluster / "postmaster.pid").unlink(missing_ok=True)


def answers(port: int, timeout: float = 2.0) -> bool:
    """Whether the server takes connections: it answers an SSL request with a single N (the wheel has no TLS)."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout) as connection:
            connection.sendall(struct.pack("!ii", 8, 80877103))
            if connection.recv(1) != b"N":
                return False
            # A server that is still recovering takes the connection and then says so; a ready one asks for a password.
            startup = b"user\0" + SUPERUSER.encode() + b"\0\0"
            connection.sendall(struct.pack("!ii", len(startup) + 8, 196608) + startup)
            return connection.recv(1024)[:1] == b"R"
    except OSError:
        return False


def postgres_service(state: StateFolder, port: int) -> Service:
    """PostgreSQL of one profile."""
    home = postgres_home.locate(state)
    return Service(
        name="postgres",
        argv=(str(home.server), "-D", str(home.cluster), "-c", f"config_file={_configuration_file(home)}"),
        environment=_PLAIN_ENVIRONMENT,
        folder=home.cluster,
        log_file=state.log_file("postgres"),
        is_ready=lambda: answers(port),
        address=f"127.0.0.1:{port}",
        prepare=lambda: _prepare(state, home, port, state.secrets()["postgres"]),
        account=home.account,
        binary=home.server,
        stop_signal=signal.SIGINT,  # "fast": sessions are ended, the last checkpoint is written
        stop_group=False,
        start_seconds=60.0,
        port=port,
    )


def url(user: str, password: str, port: int, database: str) -> str:
    """The connection of one role."""
    return f"postgresql://{user}:{password}@127.0.0.1:{port}/{database}"
