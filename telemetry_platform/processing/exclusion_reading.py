"""A list of exclusions as it was sent, and what of it can be used.

Invariants: one bad entry costs itself only; what is noticed is counted by kind and never quoted, because a network may
be one household; unknown keys are nothing, unknown types are ignored, and a body of another shape is no list at all,
least of all an empty one.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from ipaddress import IPv6Network, ip_network
from typing import TYPE_CHECKING, Any

import orjson
from pydantic_core import PydanticCustomError

from telemetry_platform.contracts.exclusions import ALARMING, Remark
from telemetry_platform.contracts.types import parse_timestamp
from telemetry_platform.errors import ContractViolationError
from telemetry_platform.processing.exclusions import in_ipv4

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from telemetry_platform.processing.address import Network

EXCLUSION_TYPE = "ccpa_do_not_sell"
DATA_TYPE = "network"
_SHORTEST = {4: 8, 6: 16}


@dataclass(frozen=True)
class ReadList:
    """The networks with when each was last published, and what was noticed. `received` counts entries of all kinds."""

    networks: Mapping[Network, datetime | None] = field(repr=False)
    received: int
    remarks: Counter[Remark]

    @property
    def ignored(self) -> int:
        """Entries of types that we do not know."""
        return self.remarks[Remark.UNKNOWN_TYPE]

    @property
    def refused(self) -> int:
        """Entries that should exclude somebody and do not."""
        return sum(count for remark, count in self.remarks.items() if remark in ALARMING)


def read_list(body: bytes) -> ReadList:
    """Read the body of a successful answer. Raises ContractViolationError when it is no list."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        raise ContractViolationError("the answer is no JSON") from None
    entries = document.get("exclusions") if isinstance(document, dict) else None
    if not isinstance(entries, list):
        raise ContractViolationError("the answer has no list `exclusions`")
    remarks: Counter[Remark] = Counter()
    networks: dict[Network, datetime | None] = {}
    for entry in entries:
        network = _network(entry, remarks)
        if network is None:
            continue
        updated = _moment(entry, remarks)
        if network in networks:
            remarks[Remark.DUPLICATE] += 1
            known = networks[network]
            updated = max(known, updated) if known and updated else known or updated
        networks[network] = updated
    return ReadList(networks, len(entries), remarks)


def _network(entry: Any, remarks: Counter[Remark]) -> Network | None:  # noqa: ANN401 - whatever JSON held
    """The network of one entry as it is matched; None for what is ignored or refused, which is counted."""
    if not isinstance(entry, dict):
        remarks[Remark.UNREADABLE_ITEM] += 1
        return None
    if entry.get("exclusion_type") != EXCLUSION_TYPE or entry.get("data_type") != DATA_TYPE:
        # What names its types may be a law that we do not know yet; what names none may be a mangled exclusion.
        known = isinstance(entry.get("exclusion_type"), str) and isinstance(entry.get("data_type"), str)
        remarks[Remark.UNKNOWN_TYPE if known else Remark.UNREADABLE_ITEM] += 1
        return None
    value = entry.get("value")
    # Numbers are addresses to ip_network: only text is a network here.
    written = value.strip() if isinstance(value, str) else ""
    if "%" in written:  # a zone: of this machine's interfaces, and of no network
        written = ""
    try:
        return _as_matched(ip_network(written, strict=False), written, remarks)
    except ValueError:
        remarks[Remark.UNREADABLE_NETWORK] += 1
        return None


def _as_matched(network: Network, written: str, remarks: Counter[Remark]) -> Network | None:
    address = written.partition("/")[0]
    if ip_network(address).network_address != network.network_address:
        remarks[Remark.HOST_BITS] += 1
    embedded = in_ipv4(network) if isinstance(network, IPv6Network) else None
    found = embedded or network
    if found.prefixlen < _SHORTEST[found.version]:
        remarks[Remark.TOO_WIDE] += 1
        return None
    if embedded is not None:
        remarks[Remark.EMBEDDED_IPV4] += 1
    return found


def _moment(entry: Mapping[str, Any], remarks: Counter[Remark]) -> datetime | None:
    try:
        return parse_timestamp(entry.get("last_updated"))
    except PydanticCustomError:
        remarks[Remark.UNREADABLE_TIME] += 1
        return None
