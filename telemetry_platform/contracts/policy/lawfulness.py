"""Rules about why an event may be kept, for how long, and how it goes: consent, legal basis, retention, erasure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telemetry_platform.contracts.columns import COUNTRY_CODE, IP_TRUNCATED, REGION, TIME
from telemetry_platform.contracts.consent import ConsentLevel, LegalBasis
from telemetry_platform.contracts.erasure import ExpiresOnly, SweptBy
from telemetry_platform.contracts.event_kind import Role, Store
from telemetry_platform.contracts.pii import Domain, Hashed
from telemetry_platform.contracts.policy.rule import Fault
from telemetry_platform.contracts.policy.values import posted, tables_of, words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from telemetry_platform.contracts.event_kind import EventKind, Table
    from telemetry_platform.contracts.retention import Retention

_CONSENT = frozenset({LegalBasis.CONSENT, LegalBasis.EXPLICIT_CONSENT})
_WITHOUT_CONSENT = frozenset({LegalBasis.LEGITIMATE_INTEREST, LegalBasis.LEGAL_OBLIGATION})
_HEALTH = frozenset({
    "landmarks", "joint", "joints", "gait", "posture", "pain", "mood", "heart", "pulse", "medication", "diagnosis",
    "symptoms",
})  # fmt: skip
_PLACES = frozenset({IP_TRUNCATED.name, COUNTRY_CODE.name, REGION.name, "address_hash"})
_DAYS = {"day": 1.0, "month": 365.25 / 12, "year": 365.25}
_CONSENT_YEARS = 2
_TRAIL_YEARS = 6
_REASON_WORDS = 3


def basis_follows_from_consent(kind: EventKind) -> Iterator[Fault]:
    """What needs consent says so in its legal basis, and what does not need it names another one."""
    if kind.consent is ConsentLevel.EXCLUDED:
        yield Fault(kind.name, "level 0 is no consent: write consent=None, and why it may be kept as legal_basis")
        return
    allowed = _CONSENT if kind.consent is not None and kind.consent >= ConsentLevel.ANALYTICS else _WITHOUT_CONSENT
    level = "no consent" if kind.consent is None else f"consent level {int(kind.consent)}"
    for table in tables_of(kind):
        if table.legal_basis not in allowed:
            bases = " or ".join(sorted(basis.value for basis in allowed))
            yield Fault(table.name, f"needs {level}, but its basis is {table.legal_basis.value}: write {bases}")


def derived_tables_keep_the_basis(kind: EventKind) -> Iterator[Fault]:
    """What is folded from rows may be kept for no other reason than the rows themselves."""
    for table in kind.derived:
        if table.legal_basis is not kind.table.legal_basis:
            basis = f"LegalBasis.{kind.table.legal_basis.name}"
            yield Fault(table.name, f"is folded from {kind.table.name}, and kept on its basis alone: write {basis}")


def single_types_need_more_never_less(kind: EventKind) -> Iterator[Fault]:
    """Types of event that need another level than their kind need a higher one."""
    for event, level in kind.consent_of.items():
        if kind.consent is None or level <= kind.consent:
            yield Fault(f"{kind.name}.consent_of", f"{event} needs no more than its kind: leave it out, or raise it")


def health_data_needs_a_purpose(kind: EventKind) -> Iterator[Fault]:
    """What tells of somebody's health rests on explicit consent to a purpose that has a name (GDPR Art. 9)."""
    named = sorted(word for field in posted(kind) for word in _HEALTH & words(field.name))
    explicit = all(table.legal_basis is LegalBasis.EXPLICIT_CONSENT for table in tables_of(kind))
    if (named or kind.frames) and not (explicit and kind.purpose):
        yield Fault(
            kind.name,
            f"tells of health ({', '.join(named) or 'frames of movement'}): set purpose, and legal_basis "
            "LegalBasis.EXPLICIT_CONSENT on each of its tables",
        )
    elif kind.purpose and not explicit:
        yield Fault(kind.name, "asks for a purpose by name: its legal_basis is LegalBasis.EXPLICIT_CONSENT")
    elif kind.consent is not ConsentLevel.FULL and explicit and not kind.purpose:
        yield Fault(kind.name, "rests on explicit consent below level 3: set the purpose that is consented to")


def health_data_has_no_place(kind: EventKind) -> Iterator[Fault]:
    """Rows of a named purpose say nothing of where somebody was: no purpose needs it, and it would tell who."""
    for table in tables_of(kind) if kind.purpose else ():
        for column in table.columns:
            if column.name in _PLACES:
                yield Fault(f"{table.name}.{column.name}", "tells where somebody was: leave it out of health data")


def gated_kinds_come_from_persons(kind: EventKind) -> Iterator[Fault]:
    """Consent is a person's own, so services post only kinds that need none, and persons only kinds that do."""
    if kind.endpoint is None:
        return
    if kind.consent is None and kind.endpoint.roles != {Role.SERVICE}:
        yield Fault(kind.endpoint.path, "needs no consent, so that only services may post it: roles {Role.SERVICE}")
    if kind.consent is None and kind.on_behalf is None:
        yield Fault(kind.name, "is posted by services: say in on_behalf whom it concerns (OnBehalf() for nobody)")
    if kind.consent is not None and (kind.on_behalf or kind.endpoint.roles == {Role.SERVICE}):
        yield Fault(kind.name, "needs a person's consent, which no service can bring: set consent=None or other roles")
    if kind.endpoint.anonymous and (kind.consent is None or kind.consent > ConsentLevel.ESSENTIAL):
        yield Fault(kind.endpoint.path, "takes events of nobody, who agreed to nothing: consent may be 1 at most")


def erasure_reaches_persons(kind: EventKind) -> Iterator[Fault]:
    """Who withdraws consent is found: such tables are swept by the pseudonym; the others say why rows stay."""
    for table in tables_of(kind):
        persons = {column.name for column in table.columns if column.treatment == Hashed(Domain.ACTOR)}
        match table.erasure:
            case SweptBy(column=column) if column not in persons:
                yield Fault(table.name, f"cannot be swept by {column}: it is no pseudonym of the domain actor")
            case ExpiresOnly() if persons and table.legal_basis in _CONSENT:
                yield Fault(table.name, 'keeps persons by their consent: write erasure=SweptBy("actor_hash")')
            case ExpiresOnly(why=why) if len(why.split()) < _REASON_WORDS:
                yield Fault(table.name, "expires only: the reason is read by compliance, write it as a sentence")
            case _:
                pass


def retention_has_reason_and_limit(kind: EventKind) -> Iterator[Fault]:
    """Rows go when their reason goes: by a time that each row has, and within what the law sets."""
    for table in tables_of(kind):
        retention = table.retention
        if retention.amount < 1:
            yield Fault(table.name, "nothing could be kept so: retention is 1 day or more")
        if len(retention.why.split()) < _REASON_WORDS:
            yield Fault(table.name, "the reason of the retention is read by compliance: write it as a sentence")
        dated = {column.name for column in table.columns if column.clickhouse == TIME and not column.nullable}
        if retention.column not in dated:
            yield Fault(table.name, f"retention goes by {retention.column}: name a time that no row is without")
        elif table.store is Store.POSTGRES and retention.column != "recorded_at":
            yield Fault(table.name, "PostgreSQL drops partitions of recorded_at: retention must go by it")
        yield from _limits(table, retention)


def _limits(table: Table, retention: Retention) -> Iterator[Fault]:
    years = retention.amount * _DAYS[retention.unit] / _DAYS["year"]
    domains = {column.treatment.domain for column in table.columns if isinstance(column.treatment, Hashed)}
    if Domain.AUDIT_ACTOR in domains and years < _TRAIL_YEARS:
        yield Fault(table.name, "an audit trail is kept for six years at least (45 CFR 164.316(b)(2)(i))")
    if Domain.ACTOR in domains and table.legal_basis in _CONSENT and years > _CONSENT_YEARS:
        yield Fault(table.name, "persons are kept by consent for two years at most: shorten it, or count without them")
