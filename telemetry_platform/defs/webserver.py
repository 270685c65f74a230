"""Dagster's UI behind a guard: `python -m telemetry_platform.defs.webserver --port 3000`.

Invariant: the UI is never served without `Guard` (see there why). It binds to loopback; anything else belongs behind a
proxy that signs people in and is named with `--allow-host`, with `--read-only` for those who only look.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import dagster as dg
import typer
import uvicorn
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster_webserver.app import create_app_from_workspace_process_context
from dagster_webserver.version import __version__

from telemetry_platform.defs.webserver_guard import Guard
from telemetry_platform.logs import guard

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.types import ASGIApp

_WORKSPACE = Path(__file__).parents[2] / "workspace.yaml"
# A statement of the UI that runs longer is a mistake; Dagster's own default.
_STATEMENT_TIMEOUT_MS = 15_000
_POOL_RECYCLE_SECONDS = 3600
_POOL_OVERFLOW = 20
_SHUTDOWN_SECONDS = 5


def guarded(context: WorkspaceProcessContext, *, hosts: Sequence[str]) -> ASGIApp:
    """The UI as an ASGI application that serves these hosts only."""
    return Guard(create_app_from_workspace_process_context(context), hosts=hosts)


def served_hosts(host: str, port: int, allowed: Sequence[str]) -> tuple[str, ...]:
    """What a Host header may say: ourselves by name and number, and what a proxy in front of us is called."""
    bound = f"[{host}]" if ":" in host else host
    return (*(f"{name}:{port}" for name in (bound, "127.0.0.1", "localhost", "[::1]")), *allowed)


def serve(
    *,
    host: Annotated[str, typer.Option(help="address to bind")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="port to bind", min=1, max=65535)] = 3000,
    workspace: Annotated[Path, typer.Option("--workspace", "-w", help="workspace file")] = _WORKSPACE,
    allow_host: Annotated[
        list[str] | None, typer.Option(help="another Host that is served, as the proxy is called: name or name:port")
    ] = None,
    read_only: Annotated[bool, typer.Option("--read-only", help="look, and change nothing")] = False,
) -> None:
    """Serve Dagster's UI to its own pages only."""
    with dg.DagsterInstance.get() as instance:
        instance.optimize_for_webserver(_STATEMENT_TIMEOUT_MS, _POOL_RECYCLE_SECONDS, _POOL_OVERFLOW)
        with WorkspaceProcessContext(
            instance,
            version=__version__,
            read_only=read_only,
            workspace_load_target=WorkspaceFileTarget(paths=[str(workspace)]),
        ) as context:
            uvicorn.run(
                guarded(context, hosts=served_hosts(host, port, allow_host or [])),
                host=host,
                port=port,
                log_level="warning",
                # Addresses of people who look are nobody's business; nor is a header believed that anybody can send.
                access_log=False,
                proxy_headers=False,
                server_header=False,
                timeout_graceful_shutdown=_SHUTDOWN_SECONDS,
            )


if __name__ == "__main__":
    guard()
    typer.run(serve)
