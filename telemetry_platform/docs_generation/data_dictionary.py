"""docs/data-dictionary.md: every table that holds events, column by column, from the contracts and their SQL files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telemetry_platform.contracts import policy, registry
from telemetry_platform.contracts.pii import Domain, Hashed
from telemetry_platform.contracts.rollup_registry import of_base, rollups
from telemetry_platform.docs_generation import contract_words as words
from telemetry_platform.docs_generation import markdown, view_sections
from telemetry_platform.docs_generation.table_layout import layout

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from telemetry_platform.contracts.columns import Column
    from telemetry_platform.contracts.event_kind import EventKind, Frames, Store, Table

_INTRODUCTION = """\
What rests where, for how long, and why. Nothing in these tables is raw: identifiers are pseudonymised (HMAC-SHA-256
under a key of the named domain), addresses are truncated, and free text is scrubbed before it leaves the API process.
Retention is calendar arithmetic in UTC, and all times are UTC."""
_TREATMENTS = (
    ("", "rests as it came: its type is closed (a number, a word of a list, a code), so that it identifies nobody"),
    ("pseudonymised", "64 hexadecimal digits, made with a secret key of the domain in brackets"),
    ("scrubbed", "free text: e-mail and network addresses, tokens, phone numbers and long ids are replaced"),
    ("reduced path", "known segments of a page's path; every other one is `:x`; no query, no fragment"),
)
_COLUMN_TITLES = ("column", "type", "NULL", "unit", "treatment", "meaning")


def render() -> str:
    """The page."""
    kinds = tuple(registry.kinds().values())
    sections = ["## Tables", _tables(kinds), "## Why and how long", _lawfulness(kinds)]
    sections += ["## Treatments", markdown.table(("treatment", "what rests"), _TREATMENTS), *_domains(kinds)]
    for kind in kinds:
        sections += [f"## Kind `{kind.name}`", _kind(kind)]
        for table in _tables_of(kind):
            sections += [f"### {table.name}", table.description, _facts(table), *_columns(kind, table)]
    sections += [*view_sections.sections(), "## Policy", *_policy(kinds)]
    return markdown.page("Data dictionary", _INTRODUCTION, sections)


def _tables_of(kind: EventKind) -> tuple[Table, ...]:
    """A kind's tables, and the rollups that are counted from them."""
    own = (kind.table, *kind.derived)
    return (*own, *(rollup.table for table in own for rollup in of_base(table.name)))


def _tables(kinds: Iterable[EventKind]) -> str:
    """What an analyst looks for."""
    rows = [
        (
            _link(table),
            words.STORES[table.store],
            f"[{kind.name}](#kind-{kind.name})",
            f"{len(table.columns)}",
            table.description,
        )
        for kind in kinds
        for table in _tables_of(kind)
    ]
    return markdown.table(("table", "store", "kind", "columns", "what a row is"), rows)


def _lawfulness(kinds: Iterable[EventKind]) -> str:
    """What a compliance officer looks for."""
    rows = [
        (
            _link(table),
            words.consent(kind),
            table.legal_basis.value,
            f"{table.retention.sentence}: {table.retention.why}",
            words.erasure(table),
            table.owner.value,
        )
        for kind in kinds
        for table in _tables_of(kind)
    ]
    return markdown.table(("table", "consent", "legal basis", "kept", "erasure", "owner"), rows)


def _domains(kinds: Iterable[EventKind]) -> Iterator[str]:
    """Where each sort of pseudonym stands, and what may be joined by it."""
    found: dict[Domain, list[str]] = {}
    for kind in kinds:
        for table in _tables_of(kind):
            for column in table.columns:
                if isinstance(column.treatment, Hashed):
                    found.setdefault(column.treatment.domain, []).append(f"{_link(table)}.`{column.name}`")
    yield "Pseudonyms of one domain can be joined with one another, those of two domains cannot."
    rows = [
        (domain.value, words.DOMAINS[domain], words.keys_of(domain), ", ".join(found[domain]))
        for domain in Domain
        if domain in found
    ]
    yield markdown.table(("domain", "stands for", "its key", "columns"), rows)


def _policy(kinds: Iterable[EventKind]) -> Iterator[str]:
    """What holds for all contracts, and where it does not."""
    yield "Every kind keeps these rules; the contract tests and `telemetry contracts` hold it to them."
    yield markdown.table(("rule", "what is true"), [(f"`{rule.name}`", rule.sentence) for rule in policy.RULES])
    rows = [
        (f"[{kind.name}](#kind-{kind.name})", f"`{place}`", reason)
        for kind in kinds
        for place, reason in kind.exceptions.items()
    ]
    if rows:
        yield "Exceptions, each at one place and with its reason:"
        yield markdown.table(("kind", "rule: where", "why"), rows)


def _link(table: Table) -> str:
    """A link to the table's section; GitHub's anchor of a heading has no full stops."""
    return f"[{table.name}](#{table.name.replace('.', '')})"


def _kind(kind: EventKind) -> str:
    posted = (
        f"posted to [`{kind.endpoint.path}`](api.md#post-{kind.endpoint.path.replace('/', '').lower()}) "
        f"by {', '.join(sorted(kind.endpoint.roles))}"
        if kind.endpoint
        else "made by the API itself"
    )
    return f"{kind.description} Version {kind.version}, {posted}; consent level needed: {words.consent(kind)}."


def _facts(table: Table) -> str:
    rows = [
        ("owner", table.owner.value),
        ("kept", f"{table.retention.sentence}: {table.retention.why}"),
        ("erasure", words.erasure(table)),
        ("legal basis", table.legal_basis.value),
        ("a row is identified by", ", ".join(f"`{name}`" for name in table.key)),
        *layout(table),
    ]
    if table.derived_from:
        how = "rebuilt a day at a time" if table.name in rollups() else "in the drain"
        rows.append(("derived from", f"`{table.derived_from}`, {how}"))
    if table.final:
        rows.append(("reading", "rows are versions: the newest of each key counts (`FINAL`)"))
    return "\n".join(f"- {name}: {text}" for name, text in rows)


def _columns(kind: EventKind, table: Table) -> Iterator[str]:
    frames = kind.frames if table is kind.table else None
    numbers = {name for name, _ in frames.columns} if frames else set()
    # What is folded has words of its own, which its descriptions say.
    closed = words.closed_values(kind) if table is kind.table else {}
    rows = [_column(column, table.store, closed) for column in table.columns if column.name not in numbers]
    yield markdown.table(_COLUMN_TITLES, [*rows, *(_families(table, frames) if frames else ())])
    if frames:
        yield (
            f"`<point>` is one of {len(frames.points)}, in the order in which the payload has them: "
            f"{', '.join(f'`{point}`' for point in frames.points)}."
        )
    if table.beside:
        yield "Comes with a row and rests beside it, so that it can be blanked while the row stands:"
        yield markdown.table(_COLUMN_TITLES, [_column(column, table.store, {}) for column in table.beside])


def _families(table: Table, frames: Frames) -> Iterator[tuple[str, ...]]:
    """A line for each number that every point has, where there would be one for each point."""
    columns = {column.name: column for column in table.columns}
    for axis in frames.axes:
        name, *rest = _column(columns[f"{frames.points[0]}_{axis.name}"], table.store, {})
        bounds = f", from {axis.minimum:g} to {axis.maximum:g}"
        yield name.replace(frames.points[0], "<point>"), *rest[:-1], f"{axis.description}{bounds}"


def _column(column: Column, store: Store, closed: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    values = [value for value in closed.get(column.name, ()) if value not in column.description]
    return (
        f"`{column.name}`",
        words.column_type(column, store),
        "yes" if column.nullable else "",
        column.unit or "",
        words.treatment(column.treatment),
        column.description + (f": {', '.join(f'`{value}`' for value in closed[column.name])}" if values else ""),
    )
