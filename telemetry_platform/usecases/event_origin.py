"""Whom an event concerns and from where it came, and the columns that follow from that and from what it says.

A service's event names somebody else's id, address and user agent; they are reduced here exactly as a request's own.
Invariant: the full address goes no further than the keyed hash that is made of it here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from telemetry_platform.contracts.pii import Domain
from telemetry_platform.processing import address as addresses
from telemetry_platform.processing.fingerprint import fingerprint
from telemetry_platform.usecases.request_entries import Origin

if TYPE_CHECKING:
    from collections.abc import Mapping

    from telemetry_platform.contracts.event_kind import EventKind
    from telemetry_platform.usecases.request_entries import RequestEntries, Submission


def origin_of(
    kind: EventKind, values: Mapping[str, Any], submission: Submission
) -> tuple[Origin, addresses.Address | None]:
    """The origin of one event, and the full address that a service named; whatever does not parse is none."""
    named = kind.on_behalf
    if named is None:
        return submission.origin, None
    address = addresses.parse(values.get(named.address or "") or "")
    origin = Origin(
        org_id=values.get(named.org) or submission.origin.org_id,
        actor_id=values.get(named.actor or ""),
        ip_truncated=None if address is None else addresses.truncated(address),
        user_agent=values.get(named.agent or "") or "",
    )
    return origin, address


def source_of(values: Mapping[str, Any]) -> tuple[str, int] | None:
    """The process that made the event and its number there; None unless the event says both."""
    producer, number = values.get("producer"), values.get("producer_seq")
    return None if producer is None or number is None else (producer, number)


def complete(
    kind: EventKind,
    row: dict[str, Any],
    values: Mapping[str, Any],
    request: RequestEntries,
    address: addresses.Address | None,
) -> None:
    """Add the columns that no single field of the payload brings, as far as the kind's contract asks for them."""
    if kind.fingerprint_of is not None:
        source, code, message, stack = kind.fingerprint_of
        row["fingerprint"] = fingerprint(row[source], row[code], row[message], row[stack] if stack else None)
    if kind.on_behalf is not None and kind.on_behalf.hashes_address and address is not None:
        row["address_hash"] = request.pseudonym(Domain.ADDRESS, str(addresses.unmapped(address)))
        row["address_key_epoch"] = request.epoch(Domain.ADDRESS)
    resource = kind.resource
    if resource is not None and values[resource.type_field] in resource.persons:
        identifier = values[resource.id_field]
        row[resource.column] = None if identifier is None else request.pseudonym(kind.actor_domain, identifier)
