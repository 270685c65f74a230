"""The OpenAPI document of kinds that are not there yet: nothing in it may depend on which kinds there are."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from telemetry_platform.api.openapi import paths_of
from telemetry_platform.contracts.event_kind import Endpoint, EventKind, Role
from telemetry_platform.contracts.payloads.envelope import Envelope
from telemetry_platform.contracts.pii import Kept
from telemetry_platform.contracts.registry import kinds

NOW_MS = 1_771_322_400_000


def _kind(name: str, *payload: type[Envelope], discriminator: str | None = None) -> EventKind:
    endpoint = Endpoint(f"/v1/{name}", frozenset({Role.PATIENT}), summary=f"Record {name}")
    return replace(kinds()["media"], name=name, payload=payload, endpoint=endpoint, discriminator=discriminator)


def _viewed(words: tuple[str, ...]) -> type[Envelope]:
    """A model that is always called the same."""

    class Viewed(Envelope):
        """Something was viewed."""

        surface: Annotated[Literal[words], Kept(), Field(description="where")]  # type: ignore[valid-type] # made here
        code: Annotated[str, Kept(), Field(pattern="^[A-Z]{2}[0-9]{4}$", description="what", examples=["RX0117"])]

    return Viewed


def _values(document: dict[str, Any], reference: str) -> list[str]:
    """What the surface of a referenced model may be."""
    surface = document[reference.rsplit("/", 1)[-1]]["properties"]["surface"]
    return list(surface.get("enum", [surface.get("const")]))


def test_two_kinds_may_call_a_model_alike() -> None:
    one, other = _viewed(("list", "detail")), _viewed(("print",))
    other.__qualname__ = f"{one.__qualname__}Again"
    paths, schemas = paths_of((_kind("lists", one), _kind("prints", other)), NOW_MS)
    bodies = {
        path: operations["post"]["requestBody"]["content"]["application/json"]["schema"]["oneOf"][0]
        for path, operations in paths.items()
    }
    assert _values(schemas, bodies["/v1/lists"]["$ref"]) == ["list", "detail"]
    assert _values(schemas, bodies["/v1/prints"]["$ref"]) == ["print"]


def test_variants_are_told_apart_by_the_contracts_discriminator() -> None:
    one, other = _viewed(("list", "detail")), _viewed(("print",))
    other.__qualname__ = f"{one.__qualname__}Again"
    paths, schemas = paths_of((_kind("views", one, other, discriminator="surface"),), NOW_MS)
    body = paths["/v1/views"]["post"]["requestBody"]["content"]["application/json"]
    mapping = body["schema"]["oneOf"][0]["discriminator"]["mapping"]
    assert {word: _values(schemas, reference) for word, reference in mapping.items()} == {
        "list": ["list", "detail"],
        "detail": ["list", "detail"],
        "print": ["print"],
    }
    assert set(body["examples"]) == {"list", "detail", "print", "batch"}


def test_a_field_brings_its_own_example() -> None:
    paths, _ = paths_of((_kind("views", _viewed(("list",))),), NOW_MS)
    examples = paths["/v1/views"]["post"]["requestBody"]["content"]["application/json"]["examples"]
    assert examples["views"]["value"]["code"] == "RX0117"


@pytest.mark.parametrize("name", [name for name, kind in kinds().items() if kind.endpoint])
def test_every_reference_leads_somewhere(name: str) -> None:
    paths, schemas = paths_of((kinds()[name],), NOW_MS)
    references = set(_references([paths, schemas]))
    assert references
    assert {reference.removeprefix("#/components/schemas/") for reference in references} <= schemas.keys()


def _references(part: Any) -> list[str]:  # noqa: ANN401 - a JSON value
    """All `$ref`s within."""
    if isinstance(part, list):
        return [found for each in part for found in _references(each)]
    if not isinstance(part, dict):
        return []
    own = [part["$ref"]] if isinstance(part.get("$ref"), str) else []
    return own + [found for each in part.values() for found in _references(each)]
