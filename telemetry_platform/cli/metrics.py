"""`telemetry metrics`: the platform's figures for Prometheus, printed once or served to scrapes; docs/alerts.md."""

import time
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel="Data")(metrics)


def metrics(
    listen: Annotated[
        str | None,
        typer.Option("--listen", metavar="HOST:PORT", help="Serve /metrics there until stopped, instead of printing."),
    ] = None,
) -> None:
    """Print how drain, audit trail, retention, rollups and disks stand, as Prometheus reads it."""
    from telemetry_platform.cli.store_settings import store_settings
    from telemetry_platform.usecases.platform_metrics import PlatformMetrics

    found = PlatformMetrics(store_settings(), time.monotonic)
    if listen is None:
        typer.echo(found.text(), nl=False)
        return
    from prometheus_client import start_http_server

    host, port = _address(listen)
    _, thread = start_http_server(port, host, found.registry)
    typer.echo(f"serving http://{listen}/metrics")
    thread.join()


def _address(listen: str) -> tuple[str, int]:
    host, _, port = listen.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 1 << 16:
        raise typer.BadParameter("give HOST:PORT, e.g. 127.0.0.1:9464", param_hint="--listen")
    return host.strip("[]"), int(port)
