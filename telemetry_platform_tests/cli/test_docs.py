"""The generated pages say what the code says now."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pydantic import BaseModel

from telemetry_platform.cli.docs import pages
from telemetry_platform.contracts.registry import kinds, tables
from telemetry_platform.docs_generation import data_dictionary, markdown, settings_page
from telemetry_platform.embedded.state import project_root
from telemetry_platform.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCS = project_root() / "docs"


@pytest.mark.parametrize("name", ["settings.md", "data-dictionary.md", "api.md"])
def test_the_page_is_current(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == pages(DOCS)[DOCS / name], "run `make docs`"


def _variables(model: type[BaseModel], prefix: str) -> Iterator[str]:
    for name, info in model.model_fields.items():
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            yield from _variables(info.annotation, f"{prefix}{name.upper()}__")
        else:
            yield f"{prefix}{name.upper()}"


def test_every_setting_has_a_line_with_its_meaning() -> None:
    lines = [line for line in settings_page.render().splitlines() if line.startswith("| `TELEMETRY_")]
    assert sorted(line.split("`")[1] for line in lines) == sorted(_variables(Settings, "TELEMETRY_"))
    assert not [line for line in lines if line.endswith("|  |")], "a setting without a description"


def test_every_column_of_every_table_has_a_line() -> None:
    page = data_dictionary.render()
    for table in tables().values():
        section = page.split(f"\n### {table.name}\n")[1].split("\n### ")[0]
        assert section.count("\n| `") == len(table.columns)
        assert table.retention.why in section
    assert all(f"## Kind `{name}`" in page for name in kinds())


def test_pseudonyms_are_called_so() -> None:
    lines = [line for line in data_dictionary.render().splitlines() if line.startswith("| `actor_hash`")]
    assert len(lines) >= 5
    assert all("pseudonymised" in line for line in lines)


def test_a_bar_in_a_cell_does_not_break_the_table() -> None:
    assert markdown.table(["a"], [["x | y\nz"]]).splitlines()[-1] == "| x \\| y z |"
