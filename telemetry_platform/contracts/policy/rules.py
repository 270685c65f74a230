"""The table of all rules, and what they find.

An exception covers one rule at one place (`"rule: where"`) and says why. It must be needed: one that covers nothing is
a finding itself, so that no exception outlives its reason and hides a later fault.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from telemetry_platform.contracts.policy import lawfulness, naming, personal_data, structure
from telemetry_platform.contracts.policy.rule import Finding, Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from telemetry_platform.contracts.event_kind import EventKind
    from telemetry_platform.contracts.policy.rule import Check

_EXCEPTIONS = "exceptions_are_needed"
_SHARED = "names_are_one_kinds"
_REASON_WORDS = 3


def _rule(check: Check, sentence: str) -> Rule:
    """A rule is called as its function is."""
    return Rule(check.__name__, sentence, check)


RULES: tuple[Rule, ...] = (
    # What may identify a person
    _rule(personal_data.ids_are_pseudonyms, "Whatever is called an id is hashed or not stored."),
    _rule(personal_data.persons_are_actors, "A person's pseudonym is the actor's, or none is stored."),
    _rule(personal_data.addresses_are_cut, "Addresses rest cut, or under a key that is destroyed."),
    _rule(personal_data.kept_values_identify_nobody, "A kept field takes no address, number, name, key or path."),
    _rule(personal_data.nothing_is_personal_by_name, "Nothing that is kept is named like personal data."),
    _rule(personal_data.credentials_are_not_taken, "No field asks for a secret."),
    _rule(personal_data.paths_are_reduced, "Pages and paths are reduced to known segments, or are templates."),
    _rule(personal_data.treatments_fit_their_types, "Every field carries one treatment, which fits its type."),
    _rule(personal_data.callers_are_reduced, "Whom a service speaks of is stored in reduced form alone."),
    _rule(personal_data.pseudonyms_carry_their_epoch, "A pseudonym stands beside the number of its key."),
    _rule(personal_data.a_row_links_no_pseudonyms, "A row holds one pseudonym of a person at most."),
    # Why it may be kept, and how it goes
    _rule(lawfulness.basis_follows_from_consent, "The legal basis is consent where consent is needed, and only there."),
    _rule(lawfulness.derived_tables_keep_the_basis, "What is folded from rows rests on their legal basis."),
    _rule(lawfulness.single_types_need_more_never_less, "Single types of event need more consent than their kind."),
    _rule(lawfulness.health_data_needs_a_purpose, "Health data rests on explicit consent to a named purpose."),
    _rule(lawfulness.health_data_has_no_place, "Rows of a named purpose hold no address and no place."),
    _rule(lawfulness.gated_kinds_come_from_persons, "Persons post what needs consent, services what needs none."),
    _rule(lawfulness.erasure_reaches_persons, "Rows kept by consent are swept by their pseudonym."),
    _rule(lawfulness.retention_has_reason_and_limit, "Retention goes by a time of the row, says why, and has a limit."),
    # What must fit together
    _rule(structure.numbers_fit_their_columns, "Numbers are bounded by what their columns hold."),
    _rule(structure.sizes_are_bounded, "Texts, lists and objects have a longest."),
    _rule(structure.times_carry_zones, "Times carry their zone."),
    _rule(structure.what_is_named_exists, "Fields, types and columns that a contract names exist."),
    _rule(structure.variants_are_told_apart, "Variants are told apart by a closed list, each value in one."),
    _rule(structure.resends_are_recognised, "An event that is sent again is recognised by its id."),
    _rule(structure.freshness_can_be_kept, "A table is late after a minute at the earliest, a day at the latest."),
    _rule(structure.tables_carry_the_common_columns, "Common columns are there, and mean the same everywhere."),
    # What it is called
    _rule(naming.names_need_no_quotes, "Names are snake_case and no words of SQL."),
    _rule(naming.units_stand_in_names, "A name's unit is its column's unit."),
    _rule(naming.descriptions_say_something, "Descriptions say more than names."),
    _rule(naming.endpoints_are_plain, "Endpoints are words under /v1/, without parameters."),
)


def findings(kind: EventKind, rules: Iterable[Rule] = RULES) -> tuple[Finding, ...]:
    """What breaks a rule without an exception, and exceptions that are not needed; empty for a good contract."""
    return tuple(_findings(kind, tuple(rules)))


def findings_of_all(kinds: Iterable[EventKind]) -> tuple[Finding, ...]:
    """The findings of each, and endpoints and tables that two kinds claim."""
    found: list[Finding] = []
    owners: dict[str, str] = {}
    for kind in kinds:
        found += findings(kind)
        path = (kind.endpoint.path,) if kind.endpoint else ()
        for name in (*path, *(table.name for table in (kind.table, *kind.derived))):
            owner = owners.setdefault(name, kind.name)
            if owner != kind.name:
                found.append(Finding(kind.name, _SHARED, name, f"belongs to {owner} already: take another"))
    return tuple(found)


def _findings(kind: EventKind, rules: tuple[Rule, ...]) -> Iterator[Finding]:
    unused = dict(kind.exceptions)
    for rule in rules:
        for fault in rule.check(kind):
            place = f"{rule.name}: {fault.where}"
            reason = kind.exceptions.get(place)
            unused.pop(place, None)
            if reason is None:
                yield Finding(kind.name, rule.name, fault.where, f"{fault.what}; or except it: {_line(place)}")
            elif len(reason.split()) < _REASON_WORDS:
                yield Finding(kind.name, _EXCEPTIONS, place, "the exception needs a reason that compliance understands")
    for place in unused:
        yield Finding(kind.name, _EXCEPTIONS, place, _why_unused(place, {rule.name for rule in rules}))


def _line(place: str) -> str:
    """What to write in the contract."""
    return f'exceptions={{"{place}": "<why>"}}'


def _why_unused(place: str, names: set[str]) -> str:
    name, separator, where = place.partition(": ")
    if name not in names:
        return f"there is no rule {name}: take the exception out"
    if not (separator and where):
        return 'an exception covers one place: write "rule: where" as the finding shows it'
    return "the exception covers nothing: take it out"
