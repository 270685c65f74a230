"""The rules of detection, as data: which events count, who they are counted for, how many within how long are how bad.

A rule is added by one entry in `RULES`; docs/detection.md is held against it by a test. Invariants: an account is
counted only by what a service posted or by a verified token, so that no rule counts what a refused token claims; a rule
counts within one tenant (what the API refuses without a verified token is the platform's own), so that a tenant sees
the attacks on its people and nobody else's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from functools import cached_property

from telemetry_platform.contracts import sightings as seen
from telemetry_platform.contracts.event_kind import Store
from telemetry_platform.contracts.registry import kinds_in

DETECTED = seen.DETECTED
"""The type of the security events that detection makes; `rule_id` names the rule."""

DETAILS = frozenset({"episode_id", "count", "counts", "first_at", "last_at", "window_seconds", "countries"})
"""What a detection tells: its episode, what was counted (events, or distinct values of something) and how many within
the window, and the first and last moment of what was counted."""


class By(StrEnum):
    """Columns by which events belong together, or are told apart."""

    NETWORK = "ip_truncated"
    ADDRESS = "address_hash"
    ACCOUNT = "actor_hash"
    TOKEN = "token"  # noqa: S105 - the name of a detail
    COUNTRY = "country_code"
    TENANT = "org_id"


class Severity(StrEnum):
    """How bad it is, from mild to bad."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"


LADDER = tuple(Severity)


@dataclass(frozen=True)
class Rule:
    """One rule.

    `counts` are types of security events or, for the audit trail, actions; one that begins with `*` stands for all that
    end so. `thresholds` are how many within `window` are how bad, from mild to bad. `distinct`: not the events are
    counted but how many different values of this they have. An episode ends when no threshold was reached for `quiet`;
    until then there is one event for each severity that it climbs to. It is no shorter than the window: what belongs to
    an episode has left the window when the next one may begin.
    """

    id: str
    description: str
    counts: tuple[str, ...]
    by: By
    window: timedelta
    thresholds: tuple[tuple[Severity, int], ...]
    distinct: By | None = None
    quiet: timedelta = timedelta(minutes=30)
    kind: str = "security"

    def takes(self, name: str) -> bool:
        """Whether an event of this type, or an entry with this action, counts."""
        return name in self._names or any(name.endswith(suffix) for suffix in self._suffixes)

    def severity_of(self, measure: int) -> Severity | None:
        """How bad so many are; None below the first threshold."""
        return next((severity for severity, least in reversed(self.thresholds) if measure >= least), None)

    @cached_property
    def window_ms(self) -> int:
        """`window` in milliseconds."""
        return round(self.window.total_seconds() * 1000)

    @cached_property
    def quiet_ms(self) -> int:
        """`quiet` in milliseconds."""
        return round(self.quiet.total_seconds() * 1000)

    @cached_property
    def _names(self) -> frozenset[str]:
        return frozenset(name for name in self.counts if not name.startswith("*"))

    @cached_property
    def _suffixes(self) -> tuple[str, ...]:
        return tuple(name[1:] for name in self.counts if name.startswith("*"))


def _ladder(**least: int) -> tuple[tuple[Severity, int], ...]:
    return tuple((Severity(name), number) for name, number in least.items())


_FAILED = ("auth.failed", seen.AUTH_REFUSED.type, seen.SIGNATURE_INVALID.type)
"""Failed authentication. An expired token is none: pages that were left open send those all day."""

RULES: tuple[Rule, ...] = (
    Rule(
        "failed_auth_by_network",
        "Authentication fails again and again from one network: passwords or tokens are guessed.",
        _FAILED,
        By.NETWORK,
        timedelta(minutes=5),
        _ladder(low=10, medium=30, high=100, critical=1000),
    ),
    Rule(
        "failed_auth_by_account",
        "Sign-ins to one account fail again and again, from wherever: its password is guessed.",
        ("auth.failed",),
        By.ACCOUNT,
        timedelta(minutes=10),
        _ladder(low=5, medium=10, high=30, critical=100),
    ),
    Rule(
        "many_accounts_from_network",
        "Credential stuffing: one network fails to sign in to many accounts.",
        ("auth.failed",),
        By.NETWORK,
        timedelta(minutes=10),
        _ladder(medium=10, high=30, critical=100),
        distinct=By.ACCOUNT,
    ),
    Rule(
        "account_from_many_networks",
        "Credential stuffing: many networks fail to sign in to one account.",
        ("auth.failed",),
        By.ACCOUNT,
        timedelta(minutes=30),
        _ladder(medium=5, high=10, critical=30),
        distinct=By.NETWORK,
    ),
    Rule(
        "failed_auth_from_many_addresses",
        "Credential stuffing over many addresses, each of which stays below what the other rules see.",
        _FAILED,
        By.TENANT,
        timedelta(minutes=10),
        _ladder(low=20, medium=50, high=200, critical=1000),
        distinct=By.ADDRESS,
    ),
    Rule(
        "refusals_by_network",
        "A burst of 401 and 403 answers to one network: doors are tried.",
        (seen.AUTH_REFUSED.type, seen.TOKEN_EXPIRED.type, seen.SIGNATURE_INVALID.type, seen.ACCESS_REFUSED.type),
        By.NETWORK,
        timedelta(minutes=1),
        _ladder(low=20, medium=60, high=300, critical=3000),
    ),
    Rule(
        "refusals_by_account",
        "A burst of 403 answers to one verified token's account: somebody tries what they have no role for.",
        (seen.ACCESS_REFUSED.type,),
        By.ACCOUNT,
        timedelta(minutes=5),
        _ladder(low=10, medium=30, high=100),
    ),
    Rule(
        "exports_by_account",
        "One account takes out more, and more often, than work asks for (exports from this API).",
        (seen.DATA_EXPORTED.type,),
        By.ACCOUNT,
        timedelta(hours=1),
        _ladder(low=5, medium=10, high=30, critical=100),
        quiet=timedelta(hours=2),
    ),
    Rule(
        "audited_exports_by_account",
        "The same by what services say in the audit trail. The event names no account, since the trail's pseudonym of "
        "a person is kept apart from theirs in events: the trail has it, in the tenant and time that the event names.",
        ("*.export", "*.exported"),
        By.ACCOUNT,
        timedelta(hours=1),
        _ladder(low=5, medium=10, high=30, critical=100),
        quiet=timedelta(hours=2),
        kind="audit",
    ),
    Rule(
        "token_in_two_countries",
        "One verified token is used from two countries within an hour: it was copied, or its owner uses a VPN.",
        (seen.TOKEN_ELSEWHERE.type,),
        By.TOKEN,
        timedelta(hours=1),
        _ladder(medium=2, high=3, critical=5),
        distinct=By.COUNTRY,
        quiet=timedelta(hours=2),
    ),
    Rule(
        "ingest_flood_by_network",
        "One network sends more without a valid token than its limits allow, and does not stop.",
        (seen.RATE_LIMITED.type,),
        By.NETWORK,
        timedelta(minutes=1),
        _ladder(low=30, medium=300, high=3000),
    ),
    Rule(
        "ingest_flood_by_account",
        "One verified token's account sends requests faster than any page of ours does.",
        (seen.INGEST_BUSY.type,),
        By.ACCOUNT,
        timedelta(minutes=1),
        _ladder(low=3000, medium=12_000, high=60_000),
    ),
    Rule(
        "signature_errors_by_network",
        "One network sends tokens that somebody else signed: tokens are forged.",
        (seen.SIGNATURE_INVALID.type,),
        By.NETWORK,
        timedelta(minutes=10),
        _ladder(medium=5, high=20, critical=100),
    ),
    Rule(
        "signature_errors_everywhere",
        "Tokens with wrong signatures come from everywhere: a forger with many networks, or our own keys do not fit.",
        (seen.SIGNATURE_INVALID.type,),
        By.TENANT,
        timedelta(minutes=10),
        _ladder(medium=20, high=100),
        distinct=By.NETWORK,
    ),
)


def rules_of(kind: str) -> tuple[Rule, ...]:
    """The rules that look at entries of a kind."""
    return tuple(rule for rule in RULES if rule.kind == kind)


def watched_kinds() -> frozenset[str]:
    """Kinds with a rule; the worker that appends them is where detection runs."""
    return frozenset(kind.name for kind in kinds_in(Store.POSTGRES)) & {rule.kind for rule in RULES}
