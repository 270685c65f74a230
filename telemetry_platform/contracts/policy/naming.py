"""Rules about what things are called, and what is said of them: whoever writes a query reads these first."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from telemetry_platform.contracts.event_kind import Store
from telemetry_platform.contracts.pii import NotStored
from telemetry_platform.contracts.policy.rule import Fault
from telemetry_platform.contracts.policy.values import tables_of, values, words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from telemetry_platform.contracts.event_kind import EventKind

_NAME = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
_LONGEST_NAME = 63
"""PostgreSQL cuts longer names, and says nothing."""
_ENDPOINT = re.compile(r"/v1(?:/[a-z]+(?:-[a-z]+)*)+")
_UNITS = {"ms": "ms", "seconds": "s", "bytes": "byte", "percent": "%"}
"""Last word of a name, and the unit that it stands for."""
_UNITS_IN_NAMES = {"ms": "_ms", "s": "_seconds", "byte": "_bytes"}
_UNUSED_UNITS = frozenset({
    "sec", "secs", "millis", "us", "micros", "ns", "minutes", "mins", "hours", "days", "kb", "mb", "kib", "mib",
})  # fmt: skip
# PostgreSQL's reserved words, then those that ClickHouse's parser reads as something else.
_RESERVED = frozenset({
    "all", "analyse", "analyze", "and", "any", "array", "as", "asc", "asymmetric", "authorization", "between", "binary",
    "both", "case", "cast", "check", "collate", "collation", "column", "concurrently", "constraint", "create", "cross",
    "current_catalog", "current_date", "current_role", "current_schema", "current_time", "current_timestamp",
    "current_user", "default", "deferrable", "desc", "distinct", "do", "else", "end", "except", "false", "fetch", "for",
    "foreign", "freeze", "from", "full", "grant", "group", "having", "ilike", "in", "initially", "inner", "intersect",
    "into", "is", "isnull", "join", "lateral", "leading", "left", "like", "limit", "localtime", "localtimestamp",
    "natural", "not", "notnull", "null", "offset", "on", "only", "or", "order", "outer", "overlaps", "placing",
    "primary", "references", "returning", "right", "select", "session_user", "similar", "some", "symmetric",
    "system_user", "table", "tablesample", "then", "to", "trailing", "true", "union", "unique", "user", "using",
    "variadic", "verbose", "when", "where", "window", "with", "date", "final", "format", "index", "interval",
    "partition", "prewhere", "projection", "sample", "settings", "timestamp", "ttl",
})  # fmt: skip
_MOST_EVENTS = 500
_SAYS_NOTHING = frozenset({
    "a", "an", "the", "of", "its", "this", "field", "column", "for", "in", "at",
})  # fmt: skip


def names_need_no_quotes(kind: EventKind) -> Iterator[Fault]:
    """Kinds, tables and columns have plain names that no SQL dialect reads as something else."""
    if not _is_plain(kind.name):
        yield Fault(kind.name, "a kind's name is snake_case in lower case: it names streams and folders")
    for table in tables_of(kind):
        parts = table.name.split(".")
        if len(parts) != (2 if table.store is Store.POSTGRES else 1) or not all(map(_is_plain, parts)):
            yield Fault(table.name, "write snake_case: `table` in ClickHouse, `schema.table` in PostgreSQL")
        for column in table.carried:
            if not _is_plain(column.name):
                yield Fault(f"{table.name}.{column.name}", f"write snake_case, {_LONGEST_NAME} characters at most")
            elif column.name in _RESERVED:
                yield Fault(f"{table.name}.{column.name}", "is a word of SQL: take another, or Stored(name=...)")


def _is_plain(name: str) -> bool:
    return len(name) <= _LONGEST_NAME and _NAME.fullmatch(name) is not None


def units_stand_in_names(kind: EventKind) -> Iterator[Fault]:
    """Times are `_ms` or `_seconds`, sizes `_bytes`; the unit of a column is the one that its name says."""
    for value in values(kind):
        last = value.name.rsplit("_", 1)[-1]
        if last in _UNUSED_UNITS:
            yield Fault(value.where, "measure times in _ms or _seconds and sizes in _bytes, as all tables do")
        elif last in _UNITS and value.unit != _UNITS[last] and not isinstance(value.treatment, NotStored):
            yield Fault(value.where, f'the name says {_UNITS[last]}: write Stored(unit="{_UNITS[last]}")')
        elif value.unit in _UNITS_IN_NAMES and not value.name.endswith(_UNITS_IN_NAMES[value.unit]):
            yield Fault(value.where, f"is measured in {value.unit}: let its name end in {_UNITS_IN_NAMES[value.unit]}")


def descriptions_say_something(kind: EventKind) -> Iterator[Fault]:
    """A field's description says more than its name, without a full stop; a table's and a kind's are sentences."""
    for value in values(kind):
        said = set(re.findall(r"[a-z0-9]+", value.description.lower()))
        if not said - words(value.name) - _SAYS_NOTHING:
            yield Fault(value.where, f"the description ({value.description!r}) repeats the name: say what it means")
        elif value.description.endswith(".") and not value.description.endswith("..."):
            yield Fault(value.where, "a column's comment is no sentence: leave out the full stop")
    for where, text in ((kind.name, kind.description), *((table.name, table.description) for table in tables_of(kind))):
        if not (text.endswith(".") and text[:1].isupper()):
            yield Fault(where, f"the description ({text!r}) is shown as it is: write a sentence with a full stop")


def endpoints_are_plain(kind: EventKind) -> Iterator[Fault]:
    """Endpoints are nouns under /v1/ without parameters: an id in a path would rest in every log on the way."""
    endpoint = kind.endpoint
    if endpoint is None:
        return
    if not _ENDPOINT.fullmatch(endpoint.path):
        yield Fault(endpoint.path, "write /v1/ and words in lower case; what tells events apart stands in their bodies")
    if not endpoint.roles:
        yield Fault(endpoint.path, "nobody may post here: name the roles")
    if not 1 <= endpoint.max_events <= _MOST_EVENTS:
        yield Fault(endpoint.path, f"a request takes 1 to {_MOST_EVENTS} events: set max_events")
    if not endpoint.summary:
        yield Fault(endpoint.path, "the API's page lists endpoints by their summary: write one")
