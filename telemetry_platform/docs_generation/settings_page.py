"""docs/settings.md: every environment variable that the platform reads, from `settings/`."""

from __future__ import annotations

from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr

from telemetry_platform.docs_generation import markdown
from telemetry_platform.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic.fields import FieldInfo

PREFIX = "TELEMETRY_"
Row = tuple[str, str, str, str]
_INTRODUCTION = """\
All settings are environment variables; `telemetry_platform/settings/` is their only reader. A local platform
(`make up`, `make demo`) needs none of them: an address that is set here replaces the embedded service, and nothing else
changes. Secrets are never printed, logged or taken from a command line."""
_NAMES: dict[Any, str] = {str: "text", int: "number", float: "number", bool: "true or false", SecretStr: "secret"}


def render() -> str:
    """The page."""
    sections = []
    for title, what, rows in _sections():
        sections += [f"## {title}", what, markdown.table(("variable", "type", "default", "meaning"), rows)]
    return markdown.page("Settings", _INTRODUCTION, sections)


def _sections() -> Iterator[tuple[str, str, list[Row]]]:
    """A section for each nested model, in the order of the fields; plain settings come last."""
    plain: list[Row] = []
    for name, info in Settings.model_fields.items():
        model = info.annotation
        if isinstance(model, type) and issubclass(model, BaseModel):
            yield name, (model.__doc__ or "").strip(), list(_rows(model, f"{PREFIX}{name.upper()}__"))
        else:
            plain.append(_row(f"{PREFIX}{name.upper()}", info))
    yield "other", "What belongs to no part.", plain


def _rows(model: type[BaseModel], prefix: str) -> Iterator[Row]:
    for name, info in model.model_fields.items():
        nested = info.annotation
        if isinstance(nested, type) and issubclass(nested, BaseModel):
            yield from _rows(nested, f"{prefix}{name.upper()}__")
        else:
            yield _row(f"{prefix}{name.upper()}", info)


def _row(variable: str, info: FieldInfo) -> Row:
    return f"`{variable}`", _type(info.annotation), _default(info), info.description or ""


def _type(annotation: Any) -> str:  # noqa: ANN401 - annotations have no common type
    """A type as somebody who writes an environment file thinks of it."""
    if get_origin(annotation) is Annotated:
        return _type(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return " or ".join(dict.fromkeys(_type(member) for member in get_args(annotation) if member is not NoneType))
    if get_origin(annotation) is tuple:
        return "list"
    return _NAMES.get(annotation, getattr(annotation, "__name__", str(annotation)).lower())


def _default(info: FieldInfo) -> str:
    """The default; a default that is a secret's type stands in the code and so is none."""
    value = info.get_default(call_default_factory=True)
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    return "" if value in (None, "", ()) else f"`{value}`"
