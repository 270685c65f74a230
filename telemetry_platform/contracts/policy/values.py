"""What rules look at: the fields that a client posts, and the columns that are declared by hand.

A field is judged by what its type does with a value, not by how the type is written: `keeps` and `takes` put a value to
it. So a rule holds for types that nobody has thought of yet.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from inspect import get_annotations
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin
from uuid import UUID

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from telemetry_platform.contracts.columns import Stored, payload_columns
from telemetry_platform.contracts.pii import Hashed, Kept, NotStored, PathReduced, Scrubbed, Treatment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic.fields import FieldInfo

    from telemetry_platform.contracts.columns import Column
    from telemetry_platform.contracts.event_kind import EventKind, Table

_STRICT = ConfigDict(strict=True, allow_inf_nan=False)
"""As payloads are."""
_REFUSED = object()


@dataclass(frozen=True)
class Posted:
    """One plain field of a payload. `where` names the model that declares it, so that heirs do not repeat a fault."""

    where: str
    name: str
    info: FieldInfo

    @property
    def treatments(self) -> tuple[Treatment, ...]:
        """All treatments that the field carries; one, if the contract is right."""
        marks = (Kept, Hashed, Scrubbed, PathReduced, NotStored)
        return tuple(mark for mark in self.info.metadata if isinstance(mark, marks))

    @property
    def treatment(self) -> Treatment:
        """What happens to the value; a field that nobody has decided about counts as kept, which is judged hardest."""
        return self.treatments[0] if self.treatments else Kept()

    @property
    def stored(self) -> Stored:
        """How the column differs from the default of its type."""
        return next((mark for mark in self.info.metadata if isinstance(mark, Stored)), Stored())

    @property
    def unit(self) -> str | None:
        """The unit of the column."""
        return self.stored.unit

    @property
    def description(self) -> str:
        """What the field says."""
        return self.info.description or ""

    @property
    def base(self) -> type[Any] | None:
        """The plain type: str, int, float, bool, UUID, datetime, dict, list; None for a closed list and the unknown."""
        return _base(self.info.annotation)

    def takes(self, value: object) -> bool:
        """Whether a client may post this value."""
        return self._validated(value) is not _REFUSED

    def keeps(self, text: str) -> bool:
        """Whether this text is taken as it stands."""
        return self._validated(text) == text

    def schema(self) -> dict[str, Any]:
        """The field's JSON schema."""
        return self._adapter.json_schema()

    def _validated(self, value: object) -> object:
        try:
            return self._adapter.validate_python(value)
        except ValidationError:
            return _REFUSED

    @cached_property
    def _adapter(self) -> TypeAdapter[Any]:
        form: Any = Annotated[self.info.annotation, *self.info.metadata]
        return TypeAdapter(form, config=_STRICT)


@dataclass(frozen=True)
class Declared:
    """One column that comes from no payload, or from a payload but into another table."""

    where: str
    name: str
    column: Column

    @property
    def treatment(self) -> Treatment:
        """What has happened to the value."""
        return self.column.treatment

    @property
    def unit(self) -> str | None:
        """The unit of the column."""
        return self.column.unit

    @property
    def description(self) -> str:
        """What the column says."""
        return self.column.description


Value = Posted | Declared


def tables_of(kind: EventKind) -> tuple[Table, ...]:
    """The table that entries land in, and what is folded from it."""
    return (kind.table, *kind.derived)


def posted(kind: EventKind) -> Iterator[Posted]:
    """Every plain field that a client may post, once, whichever variants inherit it."""
    seen: set[str] = set()
    for model in kind.payload:
        for field in _fields(model):
            if field.where not in seen:
                seen.add(field.where)
                yield field


def declared(kind: EventKind) -> Iterator[Declared]:
    """Columns of all tables of a kind, but for those of its payload and the numbers of its frames."""
    from_payload = {column.name for column in payload_columns(kind.payload)} if kind.payload else set()
    from_frames = {name for name, _ in kind.frames.columns} if kind.frames else set()
    for table in tables_of(kind):
        elsewhere = from_payload | from_frames if table is kind.table else set()
        for column in table.carried:
            if column.name not in elsewhere:
                yield Declared(f"{table.name}.{column.name}", column.name, column)


def values(kind: EventKind) -> Iterator[Value]:
    """Fields and columns."""
    yield from posted(kind)
    yield from declared(kind)


def words(name: str) -> frozenset[str]:
    """The words of a snake_case name."""
    return frozenset(name.lower().split("_"))


def _fields(model: type[BaseModel]) -> Iterator[Posted]:
    for name, info in model.model_fields.items():
        inner = _models(info.annotation)
        for nested in inner:
            yield from _fields(nested)
        if not inner or _base(info.annotation) is list:
            yield Posted(f"{_declaring(model, name).__name__}.{name}", name, info)


def _declaring(model: type[BaseModel], name: str) -> type[Any]:
    """The class in which a field is written."""
    return next(base for base in model.__mro__ if name in get_annotations(base))


def _models(annotation: Any) -> tuple[type[BaseModel], ...]:  # noqa: ANN401 - annotations have no common type
    """The models that a field holds, also in a list or a union."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return (annotation,)
    if get_origin(annotation) is Annotated:
        return _models(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType, list):
        return tuple(model for member in get_args(annotation) for model in _models(member))
    return ()


def _base(annotation: Any) -> type[Any] | None:  # noqa: ANN401 - annotations have no common type
    if get_origin(annotation) is Annotated:
        return _base(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        members = [member for member in get_args(annotation) if member is not NoneType]
        return _base(members[0]) if len(members) == 1 else None
    if get_origin(annotation) is Literal:
        return None
    plain = get_origin(annotation) or annotation
    return plain if plain in (str, int, float, bool, UUID, datetime, dict, list) else None
