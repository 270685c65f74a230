"""An event of any kind, filled with marks: whatever its contract says must not rest as it came gets one.

Made from the payload's model, so that a new kind or field is covered without a line here: of the values below the first
that the field takes is sent. Invariant: a field for which none is found raises; a field whose treatment is not Kept
gets a mark, unless only a number or a moment fits in it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError

from telemetry_platform.contracts.pii import Hashed, Kept, PathReduced, Scrubbed
from telemetry_platform.errors import ContractViolationError
from telemetry_platform.usecases.canary.marks import Marks, kept_as

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

    from telemetry_platform.contracts.event_kind import EventKind

_Made = Callable[[Marks], Any]
# For fields that rest as they came: words and figures that say nothing of anybody.
_PLAIN = ("page_view", "CANARY_CHECK", "/exercises/{id}", "canary-1", "1.2.3", "720p", 1, 25, 200, 1.5, True)


_KEPT_BESIDE = {
    "session_id": (
        *("Redis session.key", "PostgreSQL *.privacy.dead_letters.body"),
        # The drain's statements name the sessions that they fold; the log of statements forgets them in three days.
        *("ClickHouse system.query_log.query", "ClickHouse system.user_query_log.query"),
    ),
    "event_id": (
        *("PostgreSQL *.audit.event_index.event_id", "PostgreSQL *.security.event_index.event_id"),
        "PostgreSQL *.privacy.dead_letters.event_id",
    ),
}
"""Where ids of sessions and events stand beside the tables of their contracts: what tells copies apart."""


@dataclass(frozen=True)
class Filler:
    """Fills events of one kind; `moment` is the client's clock, `org_id` the tenant of the run."""

    kind: EventKind
    marks: Marks
    moment: str
    org_id: str

    def events(self) -> list[dict[str, Any]]:
        """One for every variant of the payload, each with a field that no contract knows."""
        found = []
        for model in self.kind.payload:
            event = self._filled(model, f"{self.kind.name} {model.__name__}")
            where = f"{self.kind.name} {model.__name__}: unknown field"
            found.append({**event, self.marks.token(where): self.marks.email(where)})
        return found

    def _filled(self, model: type[BaseModel], where: str) -> dict[str, Any]:
        return {name: self._value(name, info, f"{where}.{name}") for name, info in model.model_fields.items()}

    def _value(self, name: str, info: FieldInfo, where: str) -> Any:  # noqa: ANN401 - a JSON value
        if info.examples:
            return info.examples[0]
        inner, is_list = _model(info.annotation)
        if inner is not None:
            event = self._filled(inner, where)
            return [event] if is_list else event
        # A type that is made while the program runs is none for a checker.
        field: Any = Annotated[info.annotation, *info.metadata]
        adapter: TypeAdapter[Any] = TypeAdapter(field)
        for make in self._candidates(name, info, where):
            # What is tried is made of nothing, and is no mark of the run.
            if _fits(adapter, make(Marks(bytes))):
                return make(self.marks)
        raise ContractViolationError(f"{where}: the canary has no value that this field takes; teach `filling` one")

    def _candidates(self, name: str, info: FieldInfo, where: str) -> list[_Made]:
        treatment = next(mark for mark in info.metadata if hasattr(mark, "__dataclass_fields__"))
        moment: _Made = lambda _: self.moment  # noqa: E731 - one of a list of makers
        plain = [_always(value) for value in (*_named(info.annotation), *_PLAIN)]
        uuid = _uuid(name, where)
        if name == "org_id":
            return [_always(self.org_id)]
        if isinstance(treatment, Kept):
            return [uuid, moment, *plain]
        if isinstance(treatment, Hashed):
            return [lambda marks: marks.user_id(where)]
        if isinstance(treatment, PathReduced):
            return [lambda marks: url(marks, where)]
        if isinstance(treatment, Scrubbed):
            return [
                lambda marks: named_values(marks, where, deep=True),
                lambda marks: named_values(marks, where, deep=False),
                lambda marks: text(marks, where),
                # A host: a name of one may stay, an address may not.
                lambda marks: marks.ipv4(where),
            ]
        return [*self._of_a_person(name, where), uuid, moment, *plain]

    def _of_a_person(self, name: str, where: str) -> list[_Made]:
        """What a service says of somebody else, and other words that are forgotten after the request."""
        of = self.kind.on_behalf
        if of is not None and name == of.address:
            return [lambda marks: marks.ipv4(where)]
        if of is not None and name == of.agent:
            return [lambda marks: agent(marks, where)]
        return [lambda marks: marks.user_id(where)]


def _uuid(name: str, where: str) -> _Made:
    """An id that its contract keeps: of a session, of an event."""
    return lambda marks: marks.uuid(where, *kept_as(name, *_KEPT_BESIDE.get(name, ())))


def _always(value: Any) -> _Made:  # noqa: ANN401 - a JSON value
    return lambda _: value


def _named(annotation: Any) -> tuple[Any, ...]:  # noqa: ANN401 - annotations have no common type
    """The values of a closed list."""
    if get_origin(annotation) is Literal:
        return get_args(annotation)
    return tuple(value for part in get_args(annotation) for value in _named(part))


def _fits(adapter: TypeAdapter[Any], value: Any) -> bool:  # noqa: ANN401 - a JSON value
    try:
        adapter.validate_python(value, strict=True)
    except ValidationError:
        return False
    return True


def _model(annotation: Any) -> tuple[type[BaseModel] | None, bool]:  # noqa: ANN401 - annotations have no common type
    """The model that a field holds, and whether it holds a list of it."""
    if get_origin(annotation) is Annotated:
        return _model(get_args(annotation)[0])
    if get_origin(annotation) is list:
        return _model(get_args(annotation)[0])[0], True
    is_model = isinstance(annotation, type) and issubclass(annotation, BaseModel)
    return (annotation if is_model else None), False


def text(marks: Marks, where: str) -> str:
    """Free text with all that people and programs write into it."""
    return (
        f"Could not save plan of {marks.email(where)} from {marks.ipv4(where)} and [{marks.ipv6(where)}]:443, "
        f"call {marks.phone(where)}; password={marks.token(where)} Authorization: Bearer {marks.token(where)}\n"
        f"    at load (https://app.example.org/patients?email={marks.email(where)}&q={marks.token(where)})\n"
        f"    at C:\\Users\\{marks.token(where)}\\app\\main.js:10:5\n"
        f"    at /home/{marks.token(where)}/app/main.js:20:7 session {marks.uuid(where)}"
    )


def named_values(marks: Marks, where: str, *, deep: bool) -> dict[str, Any]:
    """Values and names that are personal; `deep`: also within one another."""
    flat: dict[str, Any] = {marks.email(where): 1, "contact": text(marks, where), "ip": marks.ipv6(where)}
    if deep:
        flat["more"] = {marks.email(where): [marks.phone(where), marks.ipv4(where)]}
    return flat


def url(marks: Marks, where: str) -> str:
    """A page's address with a person in every part of it."""
    return (
        f"https://{marks.token(where)}:{marks.token(where)}@app.example.org/patients/{marks.user_id(where)}/"
        f"{marks.email(where)}?email={marks.email(where)}&ip={marks.ipv4(where)}#{marks.token(where)}"
    )


def agent(marks: Marks, where: str) -> str:
    """A browser's words of itself."""
    return (
        f"Mozilla/5.0 (X11; Linux x86_64; {marks.token(where)}) Chrome/120.0.0.0 Safari/537.36 {marks.token(where)}Bot"
    )
