"""`telemetry docs`: the pages of `docs/` that follow from code."""

from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import SecretStr

from telemetry_platform.cli.console import out
from telemetry_platform.embedded.state import project_root
from telemetry_platform.errors import ConfigurationError

_MOMENT_MS = 1_771_322_400_000  # 2026-02-17T10:00:00Z


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command(rich_help_panel="Development")(docs)


def docs(
    *, check: Annotated[bool, typer.Option("--check", help="Write nothing; exit code 1 when a page is stale.")] = False
) -> None:
    """Write docs/settings.md, data-dictionary.md, consent.md, detection.md and api.md from the code."""
    folder = project_root() / "docs"
    if not folder.is_dir():
        raise ConfigurationError("there is no docs/ here: run this in a checkout of the project")
    found = pages(folder)
    stale = [path for path, text in found.items() if not path.exists() or path.read_text("utf-8") != text]
    for path in stale:
        if not check:
            path.write_text(found[path], encoding="utf-8")
        out.print(f"{'stale' if check else 'written'}: {path.relative_to(folder.parent)}", markup=False)
    if check and stale:
        out.print("Next: make docs")
        raise typer.Exit(1)
    if not stale:
        out.print("The generated pages are current.")


def pages(folder: Path) -> dict[Path, str]:
    """Each generated page with its text."""
    from telemetry_platform.docs_generation import (
        api_page,
        consent_page,
        data_dictionary,
        detection_page,
        settings_page,
    )

    return {
        folder / "settings.md": settings_page.render(),
        folder / "data-dictionary.md": data_dictionary.render(),
        folder / "consent.md": consent_page.render(),
        folder / "detection.md": detection_page.render(),
        folder / "api.md": api_page.render(_openapi()),
    }


def _openapi() -> dict[str, Any]:
    """The API's own description, with examples of one moment, so that the page is the same whenever it is written.

    It depends on no key and no address; only the app's start-up asks for them.
    """
    from telemetry_platform.api.app import create_app
    from telemetry_platform.settings import ApiSettings, Settings, TokenSettings

    token = TokenSettings(secret=SecretStr("only to describe the API, never used"))
    return create_app(Settings(api=ApiSettings(token=token)), lambda: _MOMENT_MS).openapi()
