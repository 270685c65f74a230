"""Tables that no event lands in: what the platform keeps about itself and its proofs, one file per group.

A file here defines `RECORDS`, and is found by being here (`records()`), as kinds are. Invariant: a column that holds a
pseudonym, or text that may speak of a person, is named here with its rule; the live databases are compared with these
contracts, so that no table with personal data is forgotten by an erasure.
"""

from __future__ import annotations

import importlib
import pkgutil
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from telemetry_platform.contracts.event_kind import Store

if TYPE_CHECKING:
    from collections.abc import Mapping

    from telemetry_platform.contracts.consent import LegalBasis
    from telemetry_platform.contracts.erasure import Erasure
    from telemetry_platform.contracts.owners import Owner
    from telemetry_platform.contracts.pii import Domain
    from telemetry_platform.contracts.retention import Retention


@dataclass(frozen=True)
class Record:
    """One such table.

    `persons` are its columns with pseudonyms and their domains, `texts` those with scrubbed text that may speak of a
    person, `plain` those that look as if they could and hold names, ids and digests of ours alone: the live databases
    are searched for text that is named nowhere. `retention` None: rows live as long as what they describe, and
    `why_kept` says so. `erasure` as for any table.
    """

    name: str
    description: str
    owner: Owner
    erasure: Erasure
    legal_basis: LegalBasis
    retention: Retention | None = None
    why_kept: str = ""
    persons: Mapping[str, Domain] = field(default_factory=dict, hash=False)
    texts: tuple[str, ...] = ()
    plain: tuple[str, ...] = ()
    store: Store = Store.POSTGRES


@lru_cache(maxsize=1)
def records() -> Mapping[str, Record]:
    """Every such table by its name.

    Raises TypeError for a file without RECORDS, a name given twice, and a table without a word on its retention.
    """
    found: dict[str, Record] = {}
    for module_info in sorted(pkgutil.iter_modules(__path__), key=lambda info: info.name):
        given = getattr(importlib.import_module(f"{__name__}.{module_info.name}"), "RECORDS", None)
        if not isinstance(given, tuple) or not all(isinstance(record, Record) for record in given):
            raise TypeError(f"contracts/records/{module_info.name}.py must define RECORDS, a tuple of Record")
        for record in given:
            if record.name in found or (record.retention is None and not record.why_kept):
                raise TypeError(f"{record.name}: named twice, or neither a retention nor a reason to keep it")
            found[record.name] = record
    return MappingProxyType(found)
