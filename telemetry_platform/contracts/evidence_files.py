"""The data files of an evidence archive, each with its fields: the README in the archive is made of this.

Invariant: no field holds a raw id, an address that was not truncated, a name of an account or a secret. Whoever did
something is a pseudonym, in the trail's row that says so.
"""

from __future__ import annotations

from telemetry_platform.contracts.evidence import DataFile
from telemetry_platform.contracts.evidence_trail import (
    ACCESS,
    ANCHORS,
    CHECKPOINTS,
    FRESH,
    READERS,
    RESUMPTIONS,
    TRAIL,
    VERIFICATIONS,
)

__all__ = [
    "ACCESS",
    "ANCHORS",
    "ATTACKS",
    "CHECKPOINTS",
    "DATA_FILES",
    "DROPS",
    "ERASURES",
    "FRESH",
    "GAPS",
    "HOLDS",
    "KEKS",
    "KEY_EPOCHS",
    "POLICY",
    "READERS",
    "RESUMPTIONS",
    "RUNS",
    "SYNCS",
    "TRAIL",
    "VERIFICATIONS",
    "DataFile",
]

POLICY = DataFile(
    "retention/policy.jsonl",
    "Retention policy",
    "how long each table is kept, as it was said up to the end of the period: every change is a line",
    "audit.policy",
    {
        "policy_id": "order of the changes",
        "table_name": "table",
        "amount": "how many units",
        "unit": "day, month or year, by the calendar",
        "counted_from": "column whose time a row is counted from",
        "since": "in force since",
        "why": "reason",
        "is_in_force": "whether it was the newest one at the end of the period",
        "is_new": "whether it was said in the period",
    },
)
RUNS = DataFile(
    "retention/runs.jsonl",
    "Retention runs",
    "a proof for each table and run of the period, and whatever lies between in the chain",
    "privacy.retention_runs",
    {
        "number": "place in the chain, without gaps",
        "run_id": "reference of the run",
        "table_name": "table",
        "store": "clickhouse or postgres",
        "policy": "what was in force",
        "began_at": "when the table's turn began",
        "ended_at": "when it ended",
        "cut_off": "rows before this are expired",
        "dry_run": "whether it only looked",
        "rows_before": "rows before",
        "rows_after": "rows after",
        "expired_before": "expired rows before",
        "expired_after": "expired rows that were left",
        "partitions_dropped": "whole partitions that were dropped",
        "rows_dropped": "rows that were removed",
        "rows_held": "expired rows that a legal hold keeps",
        "oldest_remaining": "time of the oldest row that is left",
        "status": "done, partial, postponed, stalled, held, failed or interrupted",
        "prev_hash": "row_hash of the run before",
        "row_hash": "SHA-256 over prev_hash and the columns above",
    },
)
ERASURES = DataFile(
    "privacy/erasures.jsonl",
    "Erasures and certificates",
    "each erasure that was asked for, certified or open in the period; nobody is named, by no pseudonym either",
    "privacy.erasures",
    {
        "erasure_id": "random reference",
        "org_id": "tenant",
        "status": "requested, held, erasing, erased, certified or failed",
        "requested_at": "when it was asked for",
        "erased_at": "what was received or began by then is erased",
        "began_at": "when the sweep began",
        "attempts": "how often it was tried",
        "waits_for": "why the latest try came to no end",
        "certified_at": "when nothing was left",
        "certificate": "counts by table, what is kept and why, epochs, when backups are clear",
        "trail_seq": "place of the trail's row that says so; null before it is certified",
    },
)
SYNCS = DataFile(
    "privacy/exclusion-syncs.jsonl",
    "Exclusion list syncs",
    'each try of the period to bring the "do not sell" list up to date; no network is named',
    "privacy.privacy_exclusion_sync_log",
    {
        "sync_id": "number",
        "mode": "full or delta",
        "status": "how it ended; all but succeeded leave the list as it was",
        "began_at": "when it began",
        "ended_at": "when it ended",
        "accept_shrink": "whether somebody said that a much smaller list is a true one",
        "updates_after": "from when on a delta asked",
        "requests": "HTTP requests that it took",
        "http_status": "status of the last answer",
        "error_code": "documented code of a refusal",
        "received": "entries of the list",
        "ignored": "of these, of types that are not known",
        "refused": "of these, too wide or unreadable",
        "added": "networks that came into force",
        "withdrawn": "networks that went",
        "active": "networks in force afterwards",
        "warnings": "what was noticed, how often",
    },
)
KEY_EPOCHS = DataFile(
    "privacy/keys.jsonl",
    "Pseudonym keys",
    "every key by domain and epoch, and its destruction in three recorded steps; no key, wrapped or not",
    "privacy.key_states",
    {
        "domain": "what is hashed under it",
        "epoch": "number within the domain",
        "kek_id": "name of the key-encryption key that it was last wrapped under",
        "active_from": "first moment of use",
        "active_until": "end of use; null while it is open",
        "created_at": "when it was made",
        "destruction_begun_at": "step 1: the others were wrapped anew and this one was not",
        "bytes_removed_at": "step 2: its bytes were removed",
        "last_kek_destroyed_at": "step 3: the end of its key-encryption keys was stated",
        "living_keks": "key-encryption keys that could still open a copy in some dump; empty after step 3",
    },
)
KEKS = DataFile(
    "privacy/keks.jsonl",
    "Key-encryption keys",
    "names and ends of the keys that the pseudonym keys were ever wrapped under; not who stated an end",
    "privacy.keks",
    {
        "kek_id": "name",
        "first_used_at": "first use",
        "retired_at": "when another one took over",
        "destroyed_at": "when somebody stated that it is destroyed wherever it was kept",
    },
)
HOLDS = DataFile(
    "privacy/legal-holds.jsonl",
    "Legal holds",
    "each hold that was placed, released or in force in the period; nobody is named, by no pseudonym either",
    "privacy.legal_holds",
    {
        "hold_id": "random reference",
        "org_id": "tenant",
        "placed_at": "since when",
        "released_at": "until when; null while it is in force",
        "why": "the reason given",
        "released_why": "the reason of the release",
    },
)
DROPS = DataFile(
    "privacy/consent-drops.jsonl",
    "Consent drops",
    "events that consent, a privacy signal, an erasure or an excluded network kept out: counts",
    "consent_drops",
    {
        "day": "day on which they were taken (UTC)",
        "kind": "kind of event",
        "consent_level": "level that was used",
        "reason": "why they were dropped",
        "events": "how many",
    },
)
ATTACKS = DataFile(
    "security/events-by-day.jsonl",
    "Security events",
    "how many there were: counts",
    "security.security_events",
    {
        "day": "day on which they were recorded (UTC)",
        "type": "what was seen",
        "severity": "how bad it is",
        "rule_id": "rule that found it; null for one that was reported",
        "events": "events of that day",
    },
)
GAPS = DataFile(
    "intake/gaps.jsonl",
    "Intake gaps",
    "numbered audit and security entries that did not arrive; each gap that was noticed, closed or open in the period",
    "audit.intake_gaps",
    {
        "gap_id": "number",
        "origin": "service or api",
        "place": "kind of event, or stream",
        "producer": "process that numbered them",
        "first_missing": "first number that was missing",
        "last_missing": "last one",
        "still_missing": "how many have not come",
        "noticed_at": "when it was noticed",
        "closed_at": "when all of it had come",
        "explained_at": "when somebody said why the rest will not come; who is in the trail",
        "explanation": "what they said",
    },
)
DATA_FILES = (
    TRAIL,
    READERS,
    CHECKPOINTS,
    RESUMPTIONS,
    ANCHORS,
    FRESH,
    VERIFICATIONS,
    POLICY,
    RUNS,
    ERASURES,
    SYNCS,
    KEY_EPOCHS,
    KEKS,
    HOLDS,
    DROPS,
    ATTACKS,
    GAPS,
)
"""All of them."""
