"""The first keys of an installation.

Invariant: keys that were lost are never silently made anew. An empty list of keys beside rows with pseudonyms is a
database that was restored without it: new keys would take the numbers of the old ones, and one person would be two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from telemetry_platform.contracts.pii import Domain
from telemetry_platform.errors import PermanentError
from telemetry_platform.stores import postgres
from telemetry_platform.stores.keys import key_states
from telemetry_platform.stores.subjects import persons_known
from telemetry_platform.usecases.ensure_keys import KeysReport, ensure_keys
from telemetry_platform.usecases.key_uses import in_tables

if TYPE_CHECKING:
    from datetime import datetime

    from telemetry_platform.settings import Settings


def first_keys(settings: Settings, now: datetime, *, log_comment: str) -> KeysReport:
    """Give every domain without keys its first one; safe to repeat. Raises PermanentError when keys were lost."""
    with postgres.connect(settings.postgres, application="telemetry-keys") as conn:
        held = {state.domain for state in key_states(conn)}
        if held and held != set(Domain):
            missing = ", ".join(sorted(domain.value for domain in set(Domain) - held))
            raise PermanentError(
                f"keys were lost: there are some, and none of {missing}. New ones would make other persons of those "
                "that are known. Restore privacy.key_epochs and privacy.keks"
            )
        if not held:
            people = persons_known(conn)
            conn.commit()
            if people:
                raise PermanentError(
                    f"{people:,} persons have decided, were erased or are held, and there is no key at all: new keys "
                    "would make strangers of them. Restore privacy.key_epochs and privacy.keks"
                )
            found = in_tables(settings, log_comment=log_comment)
            if found:
                raise PermanentError(
                    f"there are rows with pseudonyms ({'; '.join(map(str, found))}) and no key at all: new "
                    "keys would take the numbers of the lost ones. Restore privacy.key_epochs and privacy.keks"
                )
        return ensure_keys(conn, settings.keys, now)
