"""Blank the details of one row of the trail, for what should never have been written there.

Invariant: the row, its hash and the digest of the details stay, and an entry of its own says who did it and why; the
chain verifies afterwards as it did before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from telemetry_platform.contracts.own_actions import AUDIT_REDACTED
from telemetry_platform.errors import ConfigurationError, ContractViolationError
from telemetry_platform.stores import audit_log, postgres
from telemetry_platform.usecases.ensure_keys import load_key_ring
from telemetry_platform.usecases.own_actions import ActedBy, entry

if TYPE_CHECKING:
    from datetime import datetime

    from telemetry_platform.settings import Settings

_LONGEST_REASON = 200


def redact(settings: Settings, seq: int, why: str, *, by: ActedBy, now: datetime) -> int:
    """Blank them; the place of the entry that says so.

    Raises ContractViolationError for a reason that is none, ConfigurationError without the connection of
    telemetry_retention, PermanentError when the row has no details or they are blank already.
    """
    if not why.strip() or len(why) > _LONGEST_REASON:
        raise ContractViolationError(f"`why` must say in 1 to {_LONGEST_REASON} characters why, and name no person")
    if settings.postgres.retention_url is None:
        raise ConfigurationError("details are blanked by telemetry_retention: set TELEMETRY_POSTGRES__RETENTION_URL")
    with postgres.connect(settings.postgres, application="telemetry-cli") as connection:
        ring = load_key_ring(connection, settings.keys)
    said = entry(ring, AUDIT_REDACTED, now, by=by, details={"seq": seq, "why": why.strip()})
    with postgres.connect(settings.postgres.retention_url.get_secret_value(), application="telemetry-cli") as conn:
        return audit_log.redact(conn, seq, said)
