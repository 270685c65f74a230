"""Sends a service's telemetry: `Client` takes typed events, and a thread of its own posts them in batches.

A call never waits for the network and never raises into the caller; what could not be sent is counted in `Counts.lost`
and logged once a batch. An event keeps its id over all attempts, so that the platform counts it once.
"""

from telemetry_platform.client.events import ApiMetric, AuditEvent, ErrorReport, Event, SecurityEvent, StaffMetric
from telemetry_platform.client.sender import Client, Counts

__all__ = ["ApiMetric", "AuditEvent", "Client", "Counts", "ErrorReport", "Event", "SecurityEvent", "StaffMetric"]
