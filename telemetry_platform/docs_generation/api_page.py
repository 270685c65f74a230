"""docs/api.md: every path of the HTTP API, from its OpenAPI description."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from telemetry_platform.docs_generation import markdown

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_INTRODUCTION = """\
The same as the API's own page under `/docs`, for reading without a running platform. Errors are problem documents
(RFC 9457, `application/problem+json`) that name the field and never repeat what was sent. The examples work as they
stand, but for their time: an event that is older than a week is refused."""
_METHODS = ("get", "put", "post", "delete", "patch")

OpenApi = dict[str, Any]


def render(openapi: Mapping[str, Any]) -> str:
    """The page."""
    return markdown.page("HTTP API", _INTRODUCTION, (*_paths(openapi), *_types(openapi)))


def _paths(openapi: Mapping[str, Any]) -> Iterator[str]:
    for path, operations in openapi["paths"].items():
        for method in _METHODS:
            if method in operations:
                yield f"## {method.upper()} {path}"
                yield from _operation(openapi, operations[method])


def _operation(openapi: Mapping[str, Any], operation: OpenApi) -> Iterator[str]:
    yield from filter(None, (operation.get("summary", ""), operation.get("description", "")))
    if parameters := operation.get("parameters"):
        described = [_parameter(openapi, parameter) for parameter in parameters]
        yield markdown.table(("parameter", "in", "required", "meaning"), described)
    for media_type, content in operation.get("requestBody", {}).get("content", {}).items():
        for name, example in _examples(content):
            yield f"Body (`{media_type}`){f', {name}' if name else ''}:"
            yield markdown.code(json.dumps(example, indent=2), "json")
    rows = [(status, answer.get("description", "")) for status, answer in sorted(operation["responses"].items())]
    yield markdown.table(("status", "answer"), rows)


def _parameter(openapi: Mapping[str, Any], parameter: OpenApi) -> tuple[str, str, str, str]:
    found = _resolved(openapi, parameter)
    name, place, meaning = (str(found.get(key, "")) for key in ("name", "in", "description"))
    return f"`{name}`", place, "yes" if found.get("required") else "", meaning


def _examples(content: OpenApi) -> Iterator[tuple[str, Any]]:
    """Name and value of each example; OpenAPI has one place for a single one and another for several."""
    if "example" in content:
        yield "", content["example"]
    for name, example in content.get("examples", {}).items():
        yield example.get("summary", name), example.get("value")


def _types(openapi: Mapping[str, Any]) -> Iterator[str]:
    """The objects that bodies and answers are made of, field by field."""
    yield "## Types"
    for name, schema in sorted(openapi["components"]["schemas"].items()):
        if fields := schema.get("properties"):
            required = schema.get("required", ())
            rows = [
                (f"`{field}`", _values(part), "yes" if field in required else "", part.get("description", ""))
                for field, part in fields.items()
            ]
            yield f"### {name}"
            yield from filter(None, (schema.get("description", ""),))
            yield markdown.table(("field", "value", "required", "meaning"), rows)


def _values(schema: OpenApi) -> str:
    """What a field may hold, in words."""
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[-1]
        return f"[{name}](#{name.lower()})"
    for several in ("anyOf", "oneOf", "allOf"):
        if several in schema:
            return " or ".join(_values(part) for part in schema[several])
    if "const" in schema or "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema.get("enum", [schema.get("const")]))
    if schema.get("type") == "array":
        return f"list of {_values(schema.get('items', {}))}"
    kind = schema.get("type", "anything")
    if isinstance(kind, list):
        return " or ".join(kind)
    return f"{schema.get('format', kind)}{_bounds(schema)}"


def _bounds(schema: OpenApi) -> str:
    """Limits of a number or of a text's length."""
    low, high = (schema.get(f"{end}imum", schema.get(f"{end}Length")) for end in ("min", "max"))
    limits = [f"at least {low}" if low is not None else "", f"at most {high}" if high is not None else ""]
    unit = " characters" if "maxLength" in schema else ""
    return f", {' and '.join(filter(None, limits))}{unit}" if any(limits) else ""


def _resolved(openapi: Mapping[str, Any], part: OpenApi) -> OpenApi:
    """A part, or what its `$ref` points at."""
    if "$ref" not in part:
        return part
    found: Any = openapi
    for step in part["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    return dict(found)
