"""Rules about what may identify a person: nothing of it comes to rest but as a pseudonym, cut, or scrubbed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telemetry_platform.contracts import columns
from telemetry_platform.contracts.pii import ROTATING_DOMAINS, Domain, Hashed, Kept, NotStored, PathReduced, Scrubbed
from telemetry_platform.contracts.policy.rule import Fault
from telemetry_platform.contracts.policy.values import Posted, posted, tables_of, values, words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from telemetry_platform.contracts.event_kind import EventKind

_OF_THE_PLATFORM = frozenset({"event_id", "session_id", "org_id", "batch_id"})
"""Ids that name no person and no thing of a person's: drawn at random for one event or view, or the tenant's."""

_OF_PERSONS = frozenset({Domain.ACTOR, Domain.AUDIT_ACTOR, Domain.SUBJECT})

_PERSONS = frozenset({
    "user", "patient", "person", "actor", "staff", "member", "employee", "doctor", "physician", "therapist",
    "clinician", "nurse", "carer", "guardian", "customer", "contact", "account",
})  # fmt: skip
_ADDRESSES = frozenset({"ip", "address", "addr"})
_PERSONAL = frozenset({
    "name", "firstname", "lastname", "surname", "nickname", "username", "login", "email", "mail", "phone", "telephone",
    "mobile", "fax", "birth", "birthday", "birthdate", "dob", "age", "gender", "sex", "ethnicity", "religion",
    "address", "addr", "ip", "city", "town", "street", "zip", "postcode", "postal", "latitude", "longitude", "lat",
    "lon", "lng", "geo", "coordinates", "location", "ssn", "cnp", "passport", "iban", "licence", "license", "insurance",
    "diagnosis", "symptom", "symptoms", "comment", "comments", "note", "notes", "photo", "avatar", "voice",
})  # fmt: skip
_PERSONAL_NAMES = frozenset({"user_agent", "useragent"})
_REDUCED = frozenset({columns.IP_TRUNCATED.name})
"""What the API process itself reduces: an address is cut before it gets this name."""
_CREDENTIALS = frozenset({
    "password", "passwd", "passphrase", "secret", "token", "jwt", "cookie", "authorization", "bearer", "credential",
    "credentials", "pin", "otp",
})  # fmt: skip
_PATHS = frozenset({"url", "uri", "href", "path", "page", "route", "permalink"})

_IDENTIFYING = {
    "an e-mail address": "ana.popescu@example.com",
    "a name": "Ana Popescu",
    "a phone number": "0721555123",
    "a phone number with its country": "+40 721 555 123",
    "a personal number": "1850101221144",
    "an IPv4 address": "203.0.113.7",
    "an IPv6 address": "2001:db8::7",
    "a UUID": "f47ac10b-58cc-4372-a567-0e02b2c3d479",
    "a key in hexadecimal": "c0ffee" * 10 + "cafe",
    "a token": "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0NzExIn0",
    "a path with an id": "/patients/4711",
    "a URL with a query": "https://app.example.com/diary?patient=4711",
}
"""Synthetic values of each sort that must not rest as they come."""


def ids_are_pseudonyms(kind: EventKind) -> Iterator[Fault]:
    """Whatever is called an id is hashed, or forgotten once the request is done."""
    for value in values(kind):
        named_so = value.name.endswith(("_id", "_ids")) or value.name == "id"
        if named_so and value.name not in _OF_THE_PLATFORM and not isinstance(value.treatment, (Hashed, NotStored)):
            yield Fault(value.where, "an id rests as it came: give it Hashed(Domain.RESOURCE), or NotStored()")


def persons_are_actors(kind: EventKind) -> Iterator[Fault]:
    """A person's pseudonym is the actor's, whose key changes and which erasure finds; any other would stay for ever."""
    for value in values(kind):
        if not isinstance(value.treatment, Hashed) or value.treatment.domain in ROTATING_DOMAINS:
            continue
        if value.name.endswith(("_id", "_ids")) and _PERSONS & words(value.name):
            yield Fault(
                value.where,
                "names a person under a key that never changes, where no erasure looks: leave it out, since the token "
                "says who it is; what a service posts of somebody is NotStored() and named in on_behalf.actor",
            )


def addresses_are_cut(kind: EventKind) -> Iterator[Fault]:
    """An address rests cut (ip_truncated), or as a pseudonym whose key is destroyed after 90 days."""
    for value in values(kind):
        if not _ADDRESSES & words(value.name) or value.name in _REDUCED or value.name.endswith("_key_epoch"):
            continue
        if not isinstance(value.treatment, NotStored) and value.treatment != Hashed(Domain.ADDRESS):
            yield Fault(
                value.where, "an address rests otherwise than cut: give it NotStored(), and take c.IP_TRUNCATED"
            )


def kept_values_identify_nobody(kind: EventKind) -> Iterator[Fault]:
    """A field that is kept takes none of the values that could tell who somebody is."""
    for field in posted(kind):
        if not isinstance(field.treatment, Kept):
            continue
        taken = [sort for sort, text in _IDENTIFYING.items() if _holds(field, text)]
        if taken:
            yield Fault(
                field.where,
                f"is kept, and takes {', '.join(taken)}: give it a closed type (a Literal, Code, Word, Route), or "
                "Scrubbed() if it is free text",
            )


def _holds(field: Posted, text: str) -> bool:
    """Whether the field takes a text as it stands, alone or in a list or an object."""
    return field.keeps(text) or field.takes([text]) or field.takes({"key": text})


def nothing_is_personal_by_name(kind: EventKind) -> Iterator[Fault]:
    """Nothing that is kept is named like personal data, whatever its type."""
    for value in values(kind):
        if not isinstance(value.treatment, Kept) or value.name in _REDUCED or value.name.endswith("_key_epoch"):
            continue
        hit = sorted(_PERSONAL & words(value.name)) or sorted(_PERSONAL_NAMES & {value.name})
        if hit:
            yield Fault(
                value.where,
                f"is kept, and is named like personal data ({', '.join(hit)}): leave it out, or give it Hashed(), "
                "Scrubbed() or NotStored(); if it is none, name it for what it is",
            )


def credentials_are_not_taken(kind: EventKind) -> Iterator[Fault]:
    """No field asks for a secret: what is never sent cannot leak."""
    for value in values(kind):
        if hit := _CREDENTIALS & words(value.name):
            yield Fault(value.where, f"asks for a secret ({', '.join(sorted(hit))}): leave the field out")


def paths_are_reduced(kind: EventKind) -> Iterator[Fault]:
    """A page or a path is reduced to known segments, or is a template; scrubbing leaves the names in it."""
    for field in posted(kind):
        if _PATHS & words(field.name) and isinstance(field.treatment, (Scrubbed, Hashed)):
            yield Fault(
                field.where,
                "scrubbing sees no name in a path, and a path's pseudonym groups nothing: give it PathReduced(), or "
                "the type Route if it is a template",
            )


def treatments_fit_their_types(kind: EventKind) -> Iterator[Fault]:
    """Every field carries one treatment, and a treatment of texts stands on a text."""
    for field in posted(kind):
        if len(field.treatments) != 1:
            yield Fault(field.where, f"carries {len(field.treatments)} treatments: give it exactly one (see pii.py)")
        elif isinstance(field.treatment, (Hashed, PathReduced)) and field.base is not str:
            yield Fault(field.where, f"{type(field.treatment).__name__}() is for texts: make it a text, or NotStored()")
        elif isinstance(field.treatment, Scrubbed) and field.base not in {str, dict}:
            yield Fault(field.where, "Scrubbed() is for texts and objects: numbers and closed lists are Kept()")


def callers_are_reduced(kind: EventKind) -> Iterator[Fault]:
    """What a service says of somebody else (id, address, agent) is reduced by the platform and stored by no field."""
    concerned = kind.on_behalf
    if concerned is None:
        return
    names = {concerned.actor, concerned.address, concerned.agent}
    for field in posted(kind):
        if field.name in names and not isinstance(field.treatment, NotStored):
            yield Fault(
                field.where,
                "says whom the event concerns, and becomes a column in its reduced form: give it NotStored() here",
            )


def pseudonyms_carry_their_epoch(kind: EventKind) -> Iterator[Fault]:
    """A pseudonym of a key that changes stands beside the number of its key; else it can be neither swept nor dated."""
    for table in tables_of(kind):
        names = {column.name for column in table.columns}
        for column in table.columns:
            if not isinstance(column.treatment, Hashed) or column.treatment.domain not in ROTATING_DOMAINS:
                continue
            epoch = "address_key_epoch" if column.treatment.domain is Domain.ADDRESS else columns.KEY_EPOCH.name
            if epoch not in names:
                yield Fault(
                    f"{table.name}.{column.name}",
                    f"the key of {column.treatment.domain.value} changes: add the column {epoch} to the table",
                )


def a_row_links_no_pseudonyms(kind: EventKind) -> Iterator[Fault]:
    """A row holds one pseudonym of a person; two would let whoever reads it join what is kept apart on purpose."""
    for table in tables_of(kind):
        persons = [
            column
            for column in table.columns
            if isinstance(column.treatment, Hashed) and column.treatment.domain in _OF_PERSONS
        ]
        for column in persons:
            if isinstance(column.treatment, Hashed) and column.treatment.domain is Domain.SUBJECT:
                yield Fault(
                    f"{table.name}.{column.name}", "the pseudonym of consent decisions never stands in an event"
                )
        if len({column.treatment for column in persons}) > 1:
            listed = ", ".join(column.name for column in persons)
            yield Fault(table.name, f"{listed} link two pseudonyms of one person: keep one, the kind's actor_domain")
