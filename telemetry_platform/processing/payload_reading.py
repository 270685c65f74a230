"""What a client posted becomes a payload of its kind, or a rejection that names the field and repeats nothing.

Invariants: a rejection holds names of our own fields only, never a client's key or value; the validator of a kind is
compiled once; an event with unknown fields is accepted without them, and they are counted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import reduce
from operator import or_
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, Discriminator, TypeAdapter, ValidationError

from telemetry_platform.contracts.types import MaxBytes
from telemetry_platform.processing.json_reading import excess

if TYPE_CHECKING:
    from collections.abc import Collection

    from telemetry_platform.contracts.event_kind import EventKind

_CODES = {"finite_number": "invalid_number", "union_tag_invalid": "unknown_event", "union_tag_not_found": "missing"}


@dataclass(frozen=True)
class FieldFault:
    """One thing that is wrong: in which field, what would be right, and a code for programs."""

    field: str
    message: str
    code: str


@dataclass(frozen=True)
class Rejection:
    """Why one event is refused. `status` is what the answer would carry if the event came alone.

    `names` says which one is meant where its place does not: numbers that the answer may repeat.
    """

    code: str
    detail: str
    faults: tuple[FieldFault, ...] = ()
    status: int = 422
    names: tuple[tuple[str, int | None], ...] = ()

    def naming(self, **names: int | None) -> Rejection:
        """The same, of the one with these names."""
        return replace(self, names=tuple(names.items()))


@dataclass(frozen=True)
class Payload:
    """A valid event and how many of its fields nobody knows."""

    model: BaseModel
    unknown_fields: int


class PayloadReader:
    """Reads events of one kind, or what its events are made of: `models` instead of the kind's own variants.

    `names` are fields of ours beside those of the models.
    """

    def __init__(self, kind: EventKind, models: tuple[type[BaseModel], ...] = (), names: Collection[str] = ()) -> None:
        payload = models or kind.payload
        union: Any = reduce(or_, payload)
        self._discriminator = kind.discriminator
        adapter: TypeAdapter[Any] = TypeAdapter(
            Annotated[union, Discriminator(kind.discriminator)] if kind.discriminator else union
        )
        self._validate = adapter.validator.validate_python
        self._known = frozenset(name for model in payload for name in _names(model)).union(names)
        self._tags = _tags(kind)
        # Per variant, the fields that hold a model themselves.
        self._nested = {model: _nested(model) for model in payload}
        # Per variant, the fields whose shape is the client's own: no type of ours limits what is in them.
        self._free = {model: _free(model) for model in payload}
        self._longer = {name: limit for model in payload for name, limit in _longer(model).items()}

    def read(self, value: Any) -> Payload | Rejection:  # noqa: ANN401 - whatever JSON held
        """The payload, or why it is none. Raises JsonFaultError when the value is nested too deeply."""
        try:
            model = self._validate(value, strict=True)
        except ValidationError as error:
            return self._rejection(value, error)
        unknown = len(value) - len(model.model_fields_set)
        for name in self._nested[type(model)]:
            given = value.get(name)
            if given:
                unknown += len(given) - len(getattr(model, name).model_fields_set)
        is_free = unknown or any(value.get(name) for name in self._free[type(model)])
        if is_free and (beyond := self._beyond_limits(value)):
            return beyond
        return Payload(model, unknown)

    def _beyond_limits(self, value: dict[str, Any]) -> Rejection | None:
        """The refusal of an event that goes beyond a limit of all events."""
        beyond = excess(value, self._known, self._longer)
        if beyond is None:
            return None
        # Below a free field all names are the client's, even those that are spelt like ours.
        first = beyond.field.partition(".")[0]
        field = first if any(first in names for names in self._free.values()) else beyond.field
        return Rejection("invalid_event", beyond.message, (FieldFault(field, beyond.message, beyond.code),))

    def _rejection(self, value: Any, error: ValidationError) -> Rejection:  # noqa: ANN401 - as in `read`
        """The faults of an event, in our own words where the validator's would quote it."""
        if not isinstance(value, dict):
            fault = FieldFault("", "must be an object", "object_expected")
            return Rejection("invalid_event", "an event must be a JSON object", (fault,))
        if beyond := self._beyond_limits(value):
            return beyond
        found = error.errors(include_url=False, include_context=False, include_input=False)
        faults = tuple(self._fault(each["type"], each["loc"], each["msg"]) for each in found)
        return Rejection("invalid_event", "the event is not what its contract says", faults)

    def _fault(self, code: str, location: tuple[int | str, ...], message: str) -> FieldFault:
        if code in {"union_tag_invalid", "union_tag_not_found"}:
            allowed = ", ".join(self._tags)
            return FieldFault(self._discriminator or "", f"must be one of {allowed}", _CODES[code])
        # The first part is the variant, which says the same as the discriminator.
        parts = location[1:] if self._discriminator else location
        # A number is a place in a list.
        field = ".".join(str(part) for part in parts if isinstance(part, int) or part in self._known)
        return FieldFault(field, message, _CODES.get(code, code))


def _models(annotation: Any) -> list[type[BaseModel]]:  # noqa: ANN401 - annotations have no common type
    members = get_args(annotation) or (annotation,)
    return [member for member in members if isinstance(member, type) and issubclass(member, BaseModel)]


def _nested(model: type[BaseModel]) -> tuple[str, ...]:
    return tuple(name for name, info in model.model_fields.items() if _models(info.annotation))


def _names(model: type[BaseModel]) -> set[str]:
    """Names of all fields, those of nested models too."""
    names = set(model.model_fields)
    for info in model.model_fields.values():
        for nested in _models(info.annotation):
            names |= _names(nested)
    return names


def _free(model: type[BaseModel]) -> tuple[str, ...]:
    """Fields that hold an object whose names are the client's."""
    return tuple(
        name
        for name, info in model.model_fields.items()
        if any(get_origin(member) is dict for member in _plain(info.annotation))
    )


def _plain(annotation: Any) -> list[Any]:  # noqa: ANN401 - annotations have no common type
    """An annotation, or the members of a union, without what is attached to them."""
    members = get_args(annotation) if get_origin(annotation) in {Union, UnionType} else (annotation,)
    return [get_args(member)[0] if get_origin(member) is Annotated else member for member in members]


def _longer(model: type[BaseModel]) -> dict[str, int]:
    """Limits of the fields that may be longer than others, in bytes."""
    return {
        name: mark.limit
        for name, info in model.model_fields.items()
        for mark in (*info.metadata, *_marks(info.annotation))
        if isinstance(mark, MaxBytes)
    }


def _marks(annotation: Any) -> list[Any]:  # noqa: ANN401 - annotations have no common type
    """Marks on the members of a union: `Stack | None` keeps them there."""
    return [mark for member in get_args(annotation) for mark in getattr(member, "__metadata__", ())]


def _tags(kind: EventKind) -> tuple[str, ...]:
    """What the discriminator may say."""
    if kind.discriminator is None:
        return ()
    return tuple(tag for model in kind.payload for tag in get_args(model.model_fields[kind.discriminator].annotation))
