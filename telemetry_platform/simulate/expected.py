"""A written truth, read back as the reconciliation takes it."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from telemetry_platform.usecases.reconcile.expected import Expected, ExpectedRow, Posted

if TYPE_CHECKING:
    from pathlib import Path

    Record = dict[str, Any]

_LEAVES_MORE = {"media": ("audit", "drops", "errors")}
"""Kinds whose events leave entries of other kinds."""


class _Reader:
    """What the records add up to."""

    def __init__(self) -> None:
        self.kinds: list[str] = []
        self.unanswered = 0
        self.opt_outs = 0
        self.answers: dict[str, Counter[str]] = {}
        self.answered: dict[str, Counter[str]] = {}
        self.reasons: Counter[str] = Counter()
        self.told: Counter[str] = Counter()
        self.outcomes: dict[str, Counter[str]] = {}
        self.drops: Counter[tuple[str, int, str]] = Counter()
        self.rows: dict[str, dict[tuple[str, str], ExpectedRow]] = {}
        self.accesses: Counter[str] = Counter()
        self.stalls: Counter[str] = Counter()
        self.sessions: dict[tuple[str, str], dict[str, Any]] = {}

    def run(self, record: Record) -> None:
        """What was run."""
        self.unanswered = record["unanswered"]
        self.opt_outs = record["opt_outs"]
        self.kinds = record["kinds"]
        for kind in self.kinds:
            self.answers[kind], self.answered[kind] = Counter(), Counter()
            for other in (kind, *_LEAVES_MORE.get(kind, ())):
                self.outcomes.setdefault(other, Counter())

    def sent(self, record: Record) -> None:
        """One event that was sent."""
        kind = record["kind"]
        self.answers[kind][record["must_answer"]] += 1
        self.answered[kind][record["answer"]] += 1
        if record["must_say"] is not None:
            self.reasons[kind] += 1
            self.told[kind] += record["must_say"] == record["reason"]
        for each, outcome in record["entries"].items():
            self.outcomes.setdefault(each, Counter())[outcome] += 1
        if record["entries"].get("drops") == "stored":
            self.drops[kind, record["level"], record["must_say"]] += 1
        if kind == "media" and record["entries"].get("audit") == "stored":
            self.accesses[record["sender"]] += 1
        for each, row in record["rows"].items():
            key = record["org_id"], record["event_id"] or ""
            self.rows.setdefault(each, {})[key] = ExpectedRow(row["columns"], row["alike"])

    def session(self, record: Record) -> None:
        """One view."""
        if record["is_stored"]:
            self.sessions[record["org_id"], record["session_id"]] = record["figures"]
            self.stalls.update({cause: count for cause, count in record["stalls"].items() if count})

    def expected(self) -> Expected:
        """The sum."""
        posted = {
            kind: Posted(self.answers[kind], self.answered[kind], self.reasons[kind], self.told[kind])
            for kind in self.kinds
        }
        return Expected(
            unanswered=self.unanswered,
            posted=posted,
            outcomes=self.outcomes,
            drops=self.drops,
            rows=self.rows,
            accesses=self.accesses,
            stalls=self.stalls,
            sessions=self.sessions,
            opt_outs=self.opt_outs,
        )


def read_expected(path: Path) -> Expected:
    """The truth of a run."""
    reader = _Reader()
    take = {"run": reader.run, "sent": reader.sent, "session": reader.session}
    with path.open(encoding="utf-8") as file:
        for record in map(json.loads, file):
            take[record["record"]](record)
    return reader.expected()
