"""The generated pages say what the code says now."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel, ValidationError

from telemetry_platform.api import problems
from telemetry_platform.api.openapi import paths_of
from telemetry_platform.cli.docs import pages
from telemetry_platform.contracts import policy
from telemetry_platform.contracts.registry import kinds, tables
from telemetry_platform.contracts.rejects import Counted
from telemetry_platform.docs_generation import data_dictionary, markdown, posted_endpoints, schema_words, settings_page
from telemetry_platform.embedded.state import project_root
from telemetry_platform.processing.payload_reading import PayloadReader, Rejection
from telemetry_platform.settings import Settings
from telemetry_platform.usecases.accept_frames import CONFLICT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from telemetry_platform.contracts.event_kind import EventKind, Table

DOCS = project_root() / "docs"


@pytest.mark.parametrize("name", ["settings.md", "data-dictionary.md", "consent.md", "detection.md", "api.md"])
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


def _section(title: str) -> str:
    """What the dictionary says under a heading of the third level."""
    return data_dictionary.render().partition(f"\n### {title}\n")[2].partition("\n## ")[0].partition("\n### ")[0]


@pytest.mark.parametrize("table", tables().values(), ids=tables())
def test_every_column_of_every_table_has_a_line(table: Table) -> None:
    section = _section(table.name)
    frames = next((kind.frames for kind in kinds().values() if kind.table is table), None)
    points = set(frames.points) if frames else set()
    lines = {line.split("`")[1] for line in section.splitlines() if line.startswith("| `")}
    written = {column for line in lines for column in ({line.replace("<point>", point) for point in points} or {line})}
    assert written == {column.name for column in table.carried}
    assert table.retention.why in section
    assert "sorted by" in section or "primary key" in section


def test_every_table_is_in_both_overviews_and_every_link_leads_somewhere() -> None:
    page = data_dictionary.render()
    overviews = page.partition("\n## Treatments\n")[0]
    for table in tables().values():
        assert overviews.count(f"\n| [{table.name}](") == 2
    titles = [line.lstrip("#").strip() for line in page.splitlines() if line.startswith("##")]
    anchors = {re.sub(r"[^a-z0-9_ -]", "", title.lower()).replace(" ", "-") for title in titles}
    assert set(re.findall(r"\]\(#([^)]+)\)", page)) <= anchors
    assert all(f"## Kind `{name}`" in page for name in kinds())


def test_links_into_the_api_reference_lead_somewhere() -> None:
    api = pages(DOCS)[DOCS / "api.md"]
    titles = [line.removeprefix("## ") for line in api.splitlines() if line.startswith("## ")]
    anchors = {re.sub(r"[^a-z0-9_ -]", "", title.lower()).replace(" ", "-") for title in titles}
    linked = set(re.findall(r"\]\(api\.md#([^)]+)\)", data_dictionary.render()))
    assert len(linked) == len([kind for kind in kinds().values() if kind.endpoint])
    assert linked <= anchors


def test_a_family_of_columns_is_one_line_for_each_of_its_numbers() -> None:
    section = _section("pose_tracking_frames")
    assert section.count("<point>_") == 4
    assert "left_knee_x" not in section
    assert "`left_knee`" in section


def test_a_column_of_a_closed_list_says_what_may_stand_in_it() -> None:
    assert "kind of use: `page_view`, `click`, `feature_use`, `marketing_touch`, `behaviour_trace`" in _section(
        "analytics_events"
    )
    assert "`completed`" not in _section("media_events"), "a quality change has reasons of its own"


def test_an_officer_reads_what_must_be_agreed_to_and_what_an_erasure_does() -> None:
    page = data_dictionary.render()
    assert "| 2 (analytics), and the purpose `pose` by name | explicit consent | 6 months after occurred_at" in page
    assert "| 2 (analytics); 3 for `marketing_touch`, `behaviour_trace` |" in page
    assert "swept by `actor_hash`" in _section("media_sessions")


def test_a_database_calls_its_types_by_its_own_names() -> None:
    assert "| `occurred_at` | timestamptz |" in _section("audit.audit_logs")
    assert "| `details` | jsonb | yes |" in _section("audit.audit_logs")
    assert "| `occurred_at` | DateTime64(3, 'UTC') |" in _section("media_events")


def test_pseudonyms_are_called_so() -> None:
    lines = [line for line in data_dictionary.render().splitlines() if line.startswith("| `actor_hash`")]
    assert len(lines) >= 5
    assert all("pseudonymised" in line for line in lines)


def test_the_rules_and_every_exception_stand_in_the_dictionary() -> None:
    section = data_dictionary.render().partition("\n## Policy\n")[2]
    assert all(f"| `{rule.name}` | {rule.sentence} |" in section for rule in policy.RULES)
    for kind in kinds().values():
        for place, reason in kind.exceptions.items():
            assert f"| `{place}` | {reason} |" in section


@pytest.fixture(scope="module")
def api() -> str:
    return pages(DOCS)[DOCS / "api.md"]


def _takes(model: type[BaseModel], text: str) -> bool:
    try:
        model.model_validate_json(text)
    except ValidationError:
        return False
    return True


def _endpoint(api: str, path: str) -> str:
    return api.partition(f"\n## POST {path}\n")[2].partition("\n## ")[0]


@pytest.mark.parametrize("kind", [kind for kind in kinds().values() if kind.endpoint], ids=lambda kind: kind.name)
def test_an_endpoint_says_from_whom_it_takes_what_and_shows_an_event_that_it_takes(api: str, kind: EventKind) -> None:
    assert kind.endpoint is not None
    section = _endpoint(api, kind.endpoint.path)
    assert f"{kind.endpoint.max_events} " in section
    assert kind.table.legal_basis.value in section
    assert f"data-dictionary.md#{kind.table.name.replace('.', '')}" in section
    assert section.count("```json") == 1
    example = section.partition("```json")[2].partition("```")[0]
    assert any(_takes(model, example) for model in kind.payload)
    lines = [line for line in section.splitlines() if line.endswith("|") and "](#" in line]
    assert len(lines) == len(kind.payload)


def test_every_link_of_the_api_reference_leads_somewhere(api: str) -> None:
    titles = [line.lstrip("#").strip() for line in api.splitlines() if line.startswith("##")]
    anchors = {re.sub(r"[^a-z0-9_ -]", "", title.lower()).replace(" ", "-") for title in titles}
    assert set(re.findall(r"\]\(#([^)]+)\)", api)) <= anchors
    dictionary = set(re.findall(r"\(data-dictionary\.md#([^)]+)\)", api))
    posted = [kind for kind in kinds().values() if kind.endpoint]
    stored = {table.name for kind in posted for table in (kind.table, *kind.derived)}
    assert dictionary == {name.replace(".", "") for name in stored}


def test_what_single_types_and_purposes_need_stands_at_their_endpoint(api: str) -> None:
    analytics, pose = _endpoint(api, "/v1/analytics/events"), _endpoint(api, "/v1/pose/frames")
    assert "| `click` | 2 |" in analytics
    assert "| `behaviour_trace` | 3 |" in analytics
    assert "- purpose: `pose`" in pose
    assert "- at most: 300 frames" in pose
    reports = _endpoint(api, "/v1/errors/report")
    assert "without a token" in reports
    assert "with a token and again without one is two events" in reports


def test_what_becomes_of_a_frame_under_a_known_number_stands_at_its_endpoint(api: str) -> None:
    pose = _endpoint(api, "/v1/pose/frames")
    assert "`session_id` and `frame_no`" in pose
    for outcome in (CONFLICT.code, Counted.ID_CONFLICT.value):
        assert f"`{outcome}`" in pose


def test_the_answers_shown_are_those_that_are_given() -> None:
    kind = kinds()["analytics"]
    event = {"kind": "page_view", "route": "/exercises", "timestamp": "2026-02-17T10:00:00"}
    rejection = PayloadReader(kind).read(event)
    assert isinstance(rejection, Rejection)
    assert problems.of_rejection(rejection) == posted_endpoints.PROBLEM
    _, schemas = paths_of((kind,), 0)
    for answer in (posted_endpoints.ACCEPTED, posted_endpoints.DROPPED):
        assert set(schemas["EventAnswer"]["required"]) <= set(answer) <= set(schemas["EventAnswer"]["properties"])


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "integer", "minimum": 0, "maximum": 604_800_000}, "integer, at least 0 and at most 604 800 000"),
        ({"anyOf": [{"type": "number", "minimum": -10}, {"type": "null"}]}, "number, at least -10"),
        ({"type": "string", "maxLength": 64}, "string, at most 64 characters"),
        (
            {"type": "array", "items": {"type": "boolean"}, "minItems": 33, "maxItems": 33},
            "list of boolean, exactly 33 items",
        ),
        ({"type": "string", "minLength": 1}, "string, at least 1 character"),
        ({"type": "string", "minLength": 1, "maxLength": 256}, "string, at least 1 and at most 256 characters"),
        ({"type": "integer", "maximum": 9_007_199_254_740_991}, "integer, at most 9 007 199 254 740 991"),
        ({"type": "number", "minimum": 0.5}, "number, at least 0.5"),
        ({"type": "object", "maxProperties": 32}, "object, at most 32 keys"),
        ({"type": "boolean"}, "boolean"),
        ({"type": "string", "format": "uuid"}, "UUID"),
        ({"type": "string", "pattern": "^[a-z]{2}$"}, "string, like `^[a-z]{2}$`"),
        ({"enum": ["a", "b"]}, "`a`, `b`"),
        ({"$ref": "#/components/schemas/Seek"}, "[Seek](#seek)"),
    ],
)
def test_a_schema_is_said_in_words(schema: dict[str, Any], said: str) -> None:
    assert schema_words.values(schema) == said


def test_json_that_fits_on_a_line_stands_on_one() -> None:
    value = {"point": {"x": 0.5, "y": 1}, "names": ["a" * 60, "b" * 60]}
    text = schema_words.pretty(value)
    assert text.splitlines()[1] == '  "point": {"x": 0.5, "y": 1},'
    assert json.loads(text) == value


def test_a_bar_in_a_cell_does_not_break_the_table() -> None:
    assert markdown.table(["a"], [["x | y\nz"]]).splitlines()[-1] == "| x \\| y z |"
