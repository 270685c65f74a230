"""Every kind that clients post shows, in files, what it accepts and what it refuses, and by which field."""

from __future__ import annotations

import json
from functools import reduce
from operator import or_
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import pytest
from pydantic import Discriminator, TypeAdapter, ValidationError

from telemetry_platform.contracts.registry import kinds

if TYPE_CHECKING:
    from telemetry_platform.contracts.event_kind import EventKind

SAMPLES = Path(__file__).parent.parent / "samples"
POSTED = {name: kind for name, kind in kinds().items() if kind.payload}


def files(verdict: str) -> list[Any]:
    """Sample files of all kinds, as test parameters named by kind and file."""
    found = [
        (kind, path) for kind in POSTED.values() for path in sorted((SAMPLES / kind.name / verdict).glob("*.json"))
    ]
    return [
        pytest.param(kind, path, id=f"{kind.name}-{path.stem}")
        for kind, path in sorted(found, key=lambda pair: pair[1])
    ]


def validator(kind: EventKind) -> TypeAdapter[Any]:
    """What the payload of a kind is checked with."""
    union: Any = reduce(or_, kind.payload)
    return TypeAdapter(Annotated[union, Discriminator(kind.discriminator)] if kind.discriminator else union)


@pytest.mark.parametrize("name", sorted(POSTED))
def test_a_posted_kind_has_samples_of_both_sorts(name: str) -> None:
    for verdict in ("accepted", "rejected"):
        folder = SAMPLES / name / verdict
        assert list(folder.glob("*.json")), f"write a sample: telemetry_platform_tests/samples/{name}/{verdict}/*.json"


@pytest.mark.parametrize(("kind", "path"), files("accepted"))
def test_an_accepted_sample_is_valid(kind: EventKind, path: Path) -> None:
    validator(kind).validate_python(json.loads(path.read_text(encoding="utf-8")), strict=True)


@pytest.mark.parametrize(("kind", "path"), files("rejected"))
def test_a_rejected_sample_is_refused_by_the_field_that_it_names(kind: EventKind, path: Path) -> None:
    sample = json.loads(path.read_text(encoding="utf-8"))
    with pytest.raises(ValidationError) as caught:
        validator(kind).validate_python(sample["event"], strict=True)
    errors = caught.value.errors(include_input=False)
    fields = [".".join(str(part) for part in error["loc"] if part not in _tags(kind)) for error in errors]
    assert (sample["field"], sample["code"]) in list(zip(fields, (error["type"] for error in errors), strict=True))


def _tags(kind: EventKind) -> set[str]:
    """Values of the discriminator, which pydantic puts into the path of an error."""
    if kind.discriminator is None:
        return set()
    return {
        value
        for model in kind.payload
        for value in model.model_fields[kind.discriminator].annotation.__args__  # type: ignore[union-attr] # a discriminator is a Literal
    }
