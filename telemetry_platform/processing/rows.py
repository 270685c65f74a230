"""From a valid payload to the columns that travel in an entry's body: every field is treated as its contract says.

Invariant: the treatments are read from the contract, so a field that is to be hashed or scrubbed cannot pass here as it
came, whichever kind it belongs to. A plan per model is made once; the work per event is copying dictionaries.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel

from telemetry_platform.contracts.columns import Stored
from telemetry_platform.contracts.pii import Domain, Hashed, Kept, KeptBeside, PathReduced, Scrubbed
from telemetry_platform.processing.scrub import scrub
from telemetry_platform.processing.scrub_values import scrubbed_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic.fields import FieldInfo


@dataclass(frozen=True)
class _Plan:
    """What happens to the fields of one model: (field, column) pairs by treatment, and the models within it."""

    kept: tuple[tuple[str, str], ...]
    hashed: tuple[tuple[str, str, Domain], ...]
    scrubbed: tuple[tuple[str, str], ...]
    reduced: tuple[tuple[str, str], ...]
    moments: tuple[tuple[str, str], ...]
    nested: tuple[tuple[str, _Plan], ...]
    is_plain: bool
    """All fields are kept under their own names."""


class RowBuilder:
    """Builds rows of the variants of one kind."""

    def __init__(self, variants: tuple[type[BaseModel], ...], reduced_path: Callable[[str], str]) -> None:
        self._plans = {model: _plan(model) for model in variants}
        self._reduced_path = reduced_path

    def row(self, model: BaseModel, pseudonym: Callable[[Domain, str], str]) -> dict[str, Any]:
        """The columns that the payload brings; nothing of the envelope that is not stored."""
        row: dict[str, Any] = {}
        self._fill(row, model, self._plans[type(model)], pseudonym)
        return row

    def _fill(
        self, row: dict[str, Any], model: BaseModel, plan: _Plan, pseudonym: Callable[[Domain, str], str]
    ) -> None:
        values = model.__dict__
        for field, column in plan.kept:
            row[column] = values[field]
        for field, column, domain in plan.hashed:
            value = values[field]
            row[column] = None if value is None else pseudonym(domain, str(value))
        for field, column in plan.scrubbed:
            row[column] = _scrubbed(values[field])
        for field, column in plan.reduced:
            value = values[field]
            row[column] = None if value is None else self._reduced_path(value)
        for field, column in plan.moments:
            value = values[field]
            row[column] = None if value is None else round(value.timestamp() * 1000)
        for field, nested in plan.nested:
            if nested.is_plain:
                row.update(values[field].__dict__)
            else:
                self._fill(row, values[field], nested, pseudonym)


def _scrubbed(value: str | dict[str, Any] | None) -> str | None:
    """Text without personal data; named values become one JSON object."""
    if isinstance(value, dict):
        return scrubbed_json(value)
    return None if value is None else scrub(value)


def _plan(model: type[BaseModel]) -> _Plan:
    kept: list[tuple[str, str]] = []
    hashed: list[tuple[str, str, Domain]] = []
    scrubbed: list[tuple[str, str]] = []
    reduced: list[tuple[str, str]] = []
    moments: list[tuple[str, str]] = []
    nested: list[tuple[str, _Plan]] = []
    for name, info in model.model_fields.items():
        inner = _model(info)
        column = next((mark.name for mark in info.metadata if isinstance(mark, Stored) and mark.name), name)
        if inner is not None:
            nested.append((name, _plan(inner)))
            continue
        for mark in info.metadata:
            if isinstance(mark, Kept) and not isinstance(mark, KeptBeside):
                (moments if _is_moment(info) else kept).append((name, column))
            elif isinstance(mark, Hashed):
                hashed.append((name, column, mark.domain))
            elif isinstance(mark, Scrubbed):
                scrubbed.append((name, column))
            elif isinstance(mark, PathReduced):
                reduced.append((name, column))
    # Fields that are not stored are in no list; a model that has some is not plain.
    plain = len(kept) == len(model.model_fields) and all(field == column for field, column in kept)
    return _Plan(tuple(kept), tuple(hashed), tuple(scrubbed), tuple(reduced), tuple(moments), tuple(nested), plain)


def _is_moment(info: FieldInfo) -> bool:
    """Whether a field holds a time, which travels as milliseconds since 1970."""
    return any(member is datetime for member in (info.annotation, *get_args(info.annotation)))


def _model(info: FieldInfo) -> type[BaseModel] | None:
    """The model that a field holds, if it holds one."""
    for member in get_args(info.annotation) or (info.annotation,):
        if isinstance(member, type) and issubclass(member, BaseModel):
            return member
    return None
