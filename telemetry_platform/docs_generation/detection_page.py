"""docs/detection.md: what the platform notices of attacks, by which rules, and what it does not claim."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telemetry_platform.contracts.detection import DETECTED, RULES, By
from telemetry_platform.contracts.sightings import sightings
from telemetry_platform.docs_generation import markdown
from telemetry_platform.stores.queue_room import SIGHTINGS_SHARE
from telemetry_platform.usecases.watch import EVERY_SECONDS, MOST_OF_NETWORK, MOST_SORTS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import timedelta

    from telemetry_platform.contracts.detection import Rule

_MOST_A_SECOND = round((4 * MOST_SORTS + len(sightings())) / EVERY_SECONDS)
_INTRODUCTION = f"""\
The drain looks at every security event and every audit entry that it stores, and adds security events of its own where
a rule says that there are too many. They have the type `{DETECTED}`, the rule's name in `rule_id`, and in
`details` the episode, what was counted and how many. `GET /v1/security/events` shows them to compliance, the drain's
asset counts them (`attacks_detected`), and the check `no_attack_is_under_way` warns for an hour."""

_HOW = """\
- An **episode** begins where a rule's first threshold is reached within its window, and ends when none was for the
  quiet period. There is one event for each severity that it climbs to, all with one `episode_id`: the events are
  append-only, so a worse severity is another row.
- Windows follow the events' **own times**, not the clock of whoever looks: what is drained late is judged as it would
  have been at once. A service's events count when they happened (`timestamp`, corrected by `sent_at`), so that a batch
  that was held back is no burst.
- Windows lie in Redis, by event id: an event that is sent, queued or drained twice **counts once**. An episode's id and
  those of its events follow from rule, group and beginning, and they are written in the transaction that ends the
  batch: a crash neither loses nor doubles one.
- A rule counts **within one tenant**; what this API refuses without a verified token is the tenant `platform`'s.
- **Accounts** are counted by what services post (`auth.failed` with its `actor_id`) and by verified tokens. What a
  refused token claims to be is never looked at.
- The **address** is the one behind the trusted proxies. A header that a client wrote hides nothing and accuses nobody.
  It is kept cut to /24 or /48, and as a keyed hash (`address_hash`) for correlation.
- Networks on the exclusion list ("do not sell") are watched like all others: security events are kept whatever
  consent says."""

_COST = f"""\
Refusals are noted in passing and written every {EVERY_SECONDS} s, so that a refused request costs no round trip and an
answer never waits for it. Alike ones become one entry with `details.count`; of one network at most {MOST_OF_NETWORK}
sorts are told apart between two writes, of all networks {MOST_SORTS}, and what is more is counted under fewer words
(the network, then only the sort). What is told of a verified token is counted apart from these, by person, so that no
flood takes the name off what somebody takes out. A flood from everywhere is {_MOST_A_SECOND} entries a second and
process at worst, however large it is. They may fill {SIGHTINGS_SHARE:.0%} of the room that all kinds share, and none
of the trail's own; what finds no room is counted in `/metrics` (`telemetry_unrecorded_sightings_total`). Without Redis
the API answers as it would, and what it saw is kept for a minute.

Names of keys in Redis are HMACs under a random key of the day, which lies in Redis only and is gone within days. A
token is known by such a hash of what its signature covers, and its networks for an hour."""

_LIMITS = """\
- A process that is killed loses what it noted within the last half second.
- When Redis is emptied, or a drain was down for longer than a quarter of an hour, windows begin anew; an episode that
  goes on may then be told again. When Redis is as full as the landing queue may make it, windows are not kept: each
  batch is judged by itself. When it has no memory at all, batches are stored without detection, and the log says so.
- `token_in_two_countries` needs a geo database, and knows a VPN from a thief as little as anybody. It looks at persons'
  tokens only: services send from many places.
- Of more than 1,000 events (or twice the highest threshold) of one group within a window no more are kept: how many
  there were beyond the worst severity is in the events themselves."""


def render() -> str:
    """The page."""
    return markdown.page(
        "Detection",
        _INTRODUCTION,
        (
            "## Rules",
            markdown.table(("rule", "what it sees", "counts", "of one", "within", "severities", "quiet"), _rules()),
            "## How it works",
            _HOW,
            "## What the API sees by itself",
            markdown.table(("type", "severity", "when"), _sightings()),
            "## What it costs",
            _COST,
            "## What it does not do",
            _LIMITS,
        ),
    )


_NAMES = {
    By.NETWORK: "network (/24, /48)",
    By.ADDRESS: "address",
    By.ACCOUNT: "account",
    By.TOKEN: "token",
    By.COUNTRY: "country",
    By.TENANT: "tenant",
}
_MANY = {By.NETWORK: "networks", By.ADDRESS: "addresses", By.ACCOUNT: "accounts", By.COUNTRY: "countries"}


def _rules() -> Iterator[tuple[str, ...]]:
    for rule in RULES:
        ladder = ", ".join(f"{severity.value} {least:,}" for severity, least in rule.thresholds)
        yield (
            f"`{rule.id}`", rule.description, _counted(rule), _NAMES[rule.by], _length(rule.window), ladder,
            _length(rule.quiet),
        )  # fmt: skip


def _counted(rule: Rule) -> str:
    names = ", ".join(f"`{name}`" for name in rule.counts)
    of = names if rule.kind == "security" else f"audit actions {names}"
    return of if rule.distinct is None else f"different {_MANY[rule.distinct]} of {of}"


def _length(time: timedelta) -> str:
    minutes = round(time.total_seconds() / 60)
    return f"{minutes // 60} h" if minutes >= 60 and minutes % 60 == 0 else f"{minutes} min"  # noqa: PLR2004 - minutes of an hour


def _sightings() -> Iterator[tuple[str, ...]]:
    for sighting in sightings():
        yield f"`{sighting.type}`", sighting.severity, sighting.description
