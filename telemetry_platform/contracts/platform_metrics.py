"""The platform's own metrics: what each says, and the one label that it may have.

Alerts are written against these names, and a test compares: a metric that is renamed here takes its alerts along.
Invariant: labels hold names of ours (streams, kinds, tables, rollups), never anything that was sent.
"""

from __future__ import annotations

from dataclasses import dataclass

PREFIX = "telemetry_platform_"


@dataclass(frozen=True)
class Metric:
    """One gauge: its name without the prefix, what it says, and the name of its label."""

    name: str
    description: str
    label: str = ""


UP = Metric("store_up", "1 when the store answered the exporter, else 0", "store")
QUEUE_ENTRIES = Metric("queue_entries", "entries that wait in a landing stream", "stream")
QUEUE_SECONDS = Metric("queue_oldest_seconds", "how long the oldest entry of a stream has waited", "stream")
DISK_FREE = Metric("disk_free_ratio", "share of a disk of the warehouse that is free", "disk")

OF_POSTGRES = (
    Metric("drain_lease_held", "1 while a drain holds the lease"),
    Metric("drain_silent_seconds", "since the lease was last renewed; grows while there is nothing to drain, too"),
    Metric("unfinished_batches", "batches that were begun and not ended", "stream"),
    Metric("unfinished_batch_tries", "most tries that one of them has taken", "stream"),
    Metric("unfinished_batch_seconds", "since the oldest of them was begun", "stream"),
    Metric("hour_events", "events of the last hour by what became of them", "outcome"),
    Metric("hour_longest_wait_seconds", "longest wait from the door to the table in the last hour", "kind"),
    Metric("lost_entries", "numbered entries that never reached the drain", "stream"),
    Metric("intake_gap_entries", "audit and security entries that did not come and that nobody explained", "place"),
    Metric("dead_letters_waiting", "entries that were put aside and wait for somebody to look", "kind"),
    Metric("retention_expired_rows", "rows that have expired and that the last run of retention left", "table"),
    Metric("retention_stuck", "1 where the last run of retention stalled or failed, else 0", "table"),
    Metric("retention_clean_age_seconds", "since retention last left nothing expired", "table"),
    Metric("retention_run_age_seconds", "since retention last ran"),
    Metric("trail_rows", "rows of the audit trail, ever"),
    Metric("trail_unverified_rows", "rows of the trail behind the last verification that found it whole"),
    Metric("trail_whole", "1 when the last verification found the trail whole, else 0"),
    Metric("trail_verified_age_seconds", "since a verification found the trail whole"),
    Metric("trail_full_age_seconds", "since a verification of all of it did"),
    Metric("exclusions_full_age_seconds", "since the exclusion list was last fetched whole"),
    Metric("exclusion_failures", "fetches of the exclusion list that failed within two days"),
    Metric("erasures_open", "erasures without a certificate", "status"),
    Metric("erasure_oldest_seconds", "since the oldest of them was asked for; those under a hold are not counted"),
    Metric("legal_holds", "legal holds in force"),
    Metric("key_epoch_age_seconds", "since the newest key of a domain came into use", "domain"),
    Metric("rollup_days_due", "days that a rollup has to rebuild", "rollup"),
    Metric("rollup_due_seconds", "how long the day of a rollup waits that waits longest", "rollup"),
)

METRICS = {metric.name: metric for metric in (UP, QUEUE_ENTRIES, QUEUE_SECONDS, DISK_FREE, *OF_POSTGRES)}
