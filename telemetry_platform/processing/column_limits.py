"""What a value must be like to enter a column: the rules for tables at rest, and what the payload's own types allow.

Both follow from the contracts alone, so that the queue is no way round what the API checks, for kinds to come neither.
Invariants: a value that the API lets through passes here; patterns are in RE2's language; work is done by column, and
text is looked at once for each distinct value.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, get_args

import orjson
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import AfterValidator, BaseModel, TypeAdapter, ValidationError

from telemetry_platform.contracts.columns import JSON, Stored
from telemetry_platform.contracts.erasure import SweptBy
from telemetry_platform.contracts.pii import Domain, Hashed, Kept
from telemetry_platform.contracts.registry import kinds
from telemetry_platform.processing.column_rules import pii_rule

if TYPE_CHECKING:
    from collections.abc import Mapping

    from telemetry_platform.contracts.columns import Column
    from telemetry_platform.contracts.event_kind import EventKind

SOMEBODY = "^[0-9a-f]{64}$"
"""A pseudonym where somebody, or some resource, must be."""
_PERSONS = frozenset({Domain.ACTOR, Domain.AUDIT_ACTOR})


@dataclass(frozen=True)
class Limit:
    """All text matches each of `patterns`, none of `forbidden`, and is taken as it is by one of `types`, if there are.

    All numbers lie within the bounds or in `values`.
    """

    patterns: tuple[str, ...] = ()
    forbidden: tuple[str, ...] = ()
    types: tuple[TypeAdapter[Any], ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    values: tuple[int, ...] = ()

    def hold(self, values: pa.Array | pa.ChunkedArray) -> bool:
        """Whether all values that are not NULL are as they must be."""
        if pa.types.is_string(values.type):
            return bool(pc.all(self._good_text(pc.unique(values).drop_null()), min_count=0).as_py())
        if self.values:
            return bool(pc.all(pc.is_in(values.drop_null(), pa.array(self.values, values.type)), min_count=0).as_py())
        if self.minimum is None and self.maximum is None:
            return True
        found = pc.min_max(values).as_py()
        return found["min"] is None or (
            (self.minimum is None or found["min"] >= self.minimum)
            and (self.maximum is None or found["max"] <= self.maximum)
        )

    def each(self, texts: pa.ChunkedArray) -> pa.ChunkedArray:
        """Whether each text is as it must be; NULL never is."""
        distinct = pc.unique(texts).drop_null()
        return pc.is_in(texts, value_set=distinct.filter(self._good_text(distinct)), skip_nulls=True)

    def _good_text(self, texts: pa.Array) -> pa.Array:
        good = pa.repeat(pa.scalar(True), len(texts))
        for pattern in self.patterns:
            good = pc.and_(good, pc.match_substring_regex(texts, pattern))
        for pattern in self.forbidden:
            good = pc.and_not(good, pc.match_substring_regex(texts, pattern))
        if not self.types:
            return good
        return pc.and_(good, pa.array([self._is_taken(text) for text in texts.to_pylist()], pa.bool_()))

    def _is_taken(self, text: str) -> bool:
        """A type that would make something else of the text has done so in the API: it does not come like this."""
        for adapter in self.types:
            try:
                if adapter.validate_python(text) == text:
                    return True
            except ValidationError:
                continue
        return False

    def takes(self, text: str) -> bool:
        """Whether the payload's types for the column are known, and the text is what one of them gives."""
        return bool(self.types) and self._is_taken(text)

    def allows(self, number: float) -> bool:
        """Whether the payload bounds the column on both sides, and the number lies within."""
        if self.minimum is None or self.maximum is None:
            return number in self.values
        return self.minimum <= number <= self.maximum


# PostgreSQL's jsonb refuses it, and the batch with it. A backslash that is itself escaped begins no escape.
_ESCAPED_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def _json_object(text: str) -> str:
    """The text, which must be one JSON object, without U+0000."""
    if isinstance(orjson.loads(text), dict) and not _ESCAPED_NUL.search(text):
        return text
    raise ValueError("must be one JSON object without U+0000")


_JSON_OBJECT = Limit(types=(TypeAdapter(Annotated[str, AfterValidator(_json_object)]),))


@lru_cache(maxsize=64)
def limits(kind: EventKind) -> Mapping[str, Limit]:
    """The limits of the columns of `kind`'s table, by name; a column without one is not in it."""
    found: dict[str, Limit] = {}
    of_payload = _of_payloads(kind.payload) if kind.payload else _numbers_of_any_payload()
    rules = [rule for column in kind.table.carried if (rule := pii_rule(column)) is not None]
    must_match = {rule.column: rule.pattern for rule in rules if rule.must_match}
    must_not = {rule.column: rule.pattern for rule in rules if not rule.must_match}
    for column in kind.table.carried:
        limit = _JSON_OBJECT if column.clickhouse == JSON else of_payload.get(column.name, Limit())
        pattern = SOMEBODY if _is_somebody(kind, column) else must_match.get(column.name)
        if pattern is not None:
            limit = replace(limit, patterns=(*limit.patterns, pattern))
        if column.name in must_not:
            limit = replace(limit, forbidden=(must_not[column.name],))
        if limit != Limit():
            found[column.name] = limit
    return MappingProxyType(found)


def _is_somebody(kind: EventKind, column: Column) -> bool:
    """Whether an empty pseudonym will not do: a row that is swept by it, and belongs to nobody, is never swept."""
    if kind.table.erasure == SweptBy(column.name):
        return not kind.may_be_nobodys
    if not isinstance(column.treatment, Hashed):
        return False
    return column.treatment.domain not in _PERSONS


@lru_cache(maxsize=1)
def _numbers_of_any_payload() -> dict[str, Limit]:
    """For kinds that the API makes out of others: a figure that is carried on keeps its name, and so its bounds."""
    every = _of_payloads(tuple(model for kind in kinds().values() for model in kind.payload))
    return {column: limit for column, limit in every.items() if not limit.types}


def _of_payloads(variants: tuple[type[BaseModel], ...]) -> dict[str, Limit]:
    """What the variants' types allow: a value that any of them takes will do."""
    offers: dict[str, list[TypeAdapter[Any]]] = {}
    for model in variants:
        _collect(model, offers)
    return {column: limit for column, offered in offers.items() if (limit := _union(offered)) != Limit()}


def _collect(model: type[BaseModel], offers: dict[str, list[TypeAdapter[Any]]]) -> None:
    """The types of a model's stored fields, and of those of the models within it, by column."""
    for name, info in model.model_fields.items():
        nested = [
            member
            for member in (info.annotation, *get_args(info.annotation))
            if isinstance(member, type) and issubclass(member, BaseModel)
        ]
        for inner in nested:
            _collect(inner, offers)
        if not nested and any(isinstance(mark, Kept) for mark in info.metadata):
            column = next((mark.name for mark in info.metadata if isinstance(mark, Stored) and mark.name), name)
            adapter: TypeAdapter[Any] = TypeAdapter(Annotated[info.annotation, info])  # type: ignore[arg-type]  # no type before it runs
            offers.setdefault(column, []).append(adapter)


def _union(types: list[TypeAdapter[Any]]) -> Limit:
    """One limit that lets through whatever any of the types does."""
    offered = [
        part
        for schema in (adapter.json_schema() for adapter in types)
        for part in schema.get("anyOf", [schema])
        if part.get("type") != "null"
    ]
    if all(schema.get("type") == "string" and schema.get("format") is None for schema in offered):
        # Variants mostly share a type: each is asked once.
        return Limit(types=tuple({str(adapter.core_schema): adapter for adapter in types}.values()))
    if not all(schema.get("type") in {"integer", "number"} for schema in offered):
        return Limit()
    chosen = [_values(schema) for schema in offered]
    if all(chosen):
        return Limit(values=tuple(sorted({value for values in chosen for value in values})))
    lows: list[Any] = [min(values) if (values := _values(schema)) else schema.get("minimum") for schema in offered]
    highs: list[Any] = [max(values) if (values := _values(schema)) else schema.get("maximum") for schema in offered]
    return Limit(minimum=None if None in lows else min(lows), maximum=None if None in highs else max(highs))


def _values(schema: dict[str, Any]) -> list[Any]:
    """The values that a Literal names."""
    return [schema["const"]] if "const" in schema else list(schema.get("enum", ()))
