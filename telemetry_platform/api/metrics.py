"""What the API counts, in Prometheus' text form. Labels come from closed sets only: nothing that a client sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

if TYPE_CHECKING:
    from telemetry_platform.contracts.consent import ConsentLevel
    from telemetry_platform.usecases.accept_events import Accepted

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)


class ApiMetrics:
    """Counters of one app; each app has a registry of its own, so that two in one process do not mix."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._events = Counter(
            "telemetry_events", "events by verdict", ("kind", "verdict", "reason"), registry=self.registry
        )
        self._drops = Counter(
            "telemetry_consent_drops",
            "events that consent did not allow, by the level that counted",
            ("kind", "level", "reason"),
            registry=self.registry,
        )
        self._unknown = Counter(
            "telemetry_unknown_fields", "fields that no contract knows, dropped", ("kind",), registry=self.registry
        )
        self._repaired = Counter(
            "telemetry_sanitised_events", "events with NUL or lone surrogates", ("kind",), registry=self.registry
        )
        self._refused = Counter(
            "telemetry_refused_requests", "requests refused as a whole", ("route", "code"), registry=self.registry
        )
        self._unrecorded = Counter(
            "telemetry_unrecorded_sightings",
            "entries about refusals that found no room in the queue, or no queue",
            registry=self.registry,
        )
        self._seconds = Histogram(
            "telemetry_request_seconds",
            "time to answer",
            ("route", "status"),
            buckets=_BUCKETS,
            registry=self.registry,
        )
        self.queue_fill = Gauge(
            "telemetry_queue_fill_ratio", "share of the queue server's memory in use", registry=self.registry
        )
        self.subjects_complete = Gauge(
            "telemetry_subjects_complete", "1 when Redis holds what all persons decided, else 0", registry=self.registry
        )
        self.exclusions_loaded = Gauge(
            "telemetry_exclusions_loaded",
            "1 when it is known which networks are excluded, else 0",
            registry=self.registry,
        )
        self.excluded_networks = Gauge(
            "telemetry_excluded_networks", "networks in this process's exclusion list", registry=self.registry
        )
        self.exclusions_age = Gauge(
            "telemetry_exclusions_look_age_seconds",
            "seconds since PostgreSQL was asked for a newer exclusion list",
            registry=self.registry,
        )
        self.key_list_age = Gauge(
            "telemetry_key_list_age_seconds", "seconds since the key list was read", registry=self.registry
        )

    def count(self, kind: str, level: ConsentLevel, accepted: Accepted) -> None:
        """Count the verdicts on one request's events, which were judged at this level."""
        for (verdict, reason), number in accepted.counts.items():
            self._events.labels(kind, verdict, reason).inc(number)
            if verdict == "dropped":
                self._drops.labels(kind, str(int(level)), reason).inc(number)
        if accepted.unknown_fields:
            self._unknown.labels(kind).inc(accepted.unknown_fields)
        if accepted.repaired:
            self._repaired.labels(kind).inc(accepted.repaired)

    def refuse(self, route: str, code: str) -> None:
        """Count a request that ended in a problem."""
        self._refused.labels(route, code).inc()

    def unrecorded(self, sightings: int) -> None:
        """Count what security was not told."""
        self._unrecorded.inc(sightings)

    def answered(self, route: str, status: int, seconds: float) -> None:
        """Count an answer."""
        self._seconds.labels(route, str(status)).observe(seconds)

    def text(self) -> bytes:
        """Everything, for a scrape."""
        return generate_latest(self.registry)
