"""docs/api.md: every path of the HTTP API, from its OpenAPI description and the contracts behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from telemetry_platform.contracts import registry
from telemetry_platform.docs_generation import markdown, posted_endpoints
from telemetry_platform.docs_generation.schema_words import pretty, values

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_INTRODUCTION = """\
The same as the API's own page under `/docs`, for reading without a running platform. Errors are problem documents
(RFC 9457, `application/problem+json`) that name the field and never repeat what was sent. The examples work as they
stand, but for their time: an event that is older than a week is refused. What becomes of a field once it is taken is in
the [data dictionary](data-dictionary.md)."""
_METHODS = ("get", "put", "post", "delete", "patch")

OpenApi = dict[str, Any]


def render(openapi: Mapping[str, Any]) -> str:
    """The page."""
    kinds = [kind for kind in registry.kinds().values() if kind.endpoint]
    posted = {("post", kind.endpoint.path) for kind in kinds if kind.endpoint}
    sections = [*posted_endpoints.shared(openapi, kinds)]
    for kind in kinds:
        sections += posted_endpoints.endpoint_section(openapi, kind)
    return markdown.page("HTTP API", _INTRODUCTION, (*sections, *_paths(openapi, posted), *_types(openapi)))


def _paths(openapi: Mapping[str, Any], posted: set[tuple[str, str]]) -> Iterator[str]:
    """Everything but what takes events."""
    for path, operations in openapi["paths"].items():
        for method in _METHODS:
            if method in operations and (method, path) not in posted:
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
            yield markdown.code(pretty(example), "json")
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
                (f"`{field}`", values(part), "yes" if field in required else "", part.get("description", ""))
                for field, part in fields.items()
            ]
            yield f"### {name}"
            yield from filter(None, (schema.get("description", ""),))
            yield markdown.table(("field", "value", "required", "meaning"), rows)
        elif words := schema.get("enum"):
            yield f"### {name}"
            yield from filter(None, (schema.get("description", ""),))
            yield f"One of {', '.join(f'`{word}`' for word in words)}."


def _resolved(openapi: Mapping[str, Any], part: OpenApi) -> OpenApi:
    """A part, or what its `$ref` points at."""
    if "$ref" not in part:
        return part
    found: Any = openapi
    for step in part["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    return dict(found)
