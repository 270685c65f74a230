"""Whether somebody is attacking: what the drain's detection told within the last hour.

Invariant: the check reads the table that the drain writes; it names rules and numbers, no network, tenant or person:
those are for compliance to read, and reading them is audited.
"""

from datetime import timedelta

import dagster as dg

from telemetry_platform.contracts.detection import LADDER, RULES, Severity
from telemetry_platform.contracts.events.security import EVENTS
from telemetry_platform.defs.keys import table_key
from telemetry_platform.defs.resources import PlatformResource
from telemetry_platform.defs.safe_errors import safely
from telemetry_platform.stores import postgres
from telemetry_platform.stores.attacks import newest_attacks

UNDER_WAY = "no_attack_is_under_way"
_WITHIN = timedelta(hours=1)
_WARNS_FROM = Severity.HIGH


@dg.asset_check(
    name=UNDER_WAY,
    asset=table_key(EVENTS),
    description=(
        "Within the last hour no rule of detection climbed to `high` or `critical`. Red, somebody attacks, or what is "
        "ours looks like it: read `GET /v1/security/events` with the role compliance, and docs/detection.md for what "
        "the rule saw."
    ),
)
@safely
def check_attacks(platform: PlatformResource) -> dg.AssetCheckResult:
    """Read the newest detections."""
    settings = platform.settings.postgres
    address = settings.read_url or settings.url
    with postgres.connect(address.get_secret_value(), application="telemetry-checks") as connection:
        found = newest_attacks(connection, _WITHIN)
    bad = [attack for attack in found if LADDER.index(attack.worst) >= LADDER.index(_WARNS_FROM)]
    return dg.AssetCheckResult(
        passed=not bad,
        severity=dg.AssetCheckSeverity.WARN,
        description="; ".join(f"{one.rule_id}: {one.worst.value}, last at {one.last_at:%H:%M:%S} UTC" for one in bad)
        or "no rule climbed so far within the last hour",
        metadata={
            "rules": len(RULES),
            "episodes": sum(attack.episodes for attack in found),
            "by_rule": ", ".join(f"{one.rule_id} {one.worst.value} ({one.episodes})" for one in found) or "none",
        },
    )
