"""All that is told: the kinds of patients' browsers, and those of the Core API.

A kind that is not here is not simulated, and nothing else is wrong with it.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from telemetry_platform.simulate.tellers import (
    analytics,
    api_metrics,
    audit,
    errors,
    media,
    pose,
    security,
    staff_metrics,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from random import Random

    from telemetry_platform.simulate.breakages import Breakage
    from telemetry_platform.simulate.events import Outgoing, Request
    from telemetry_platform.simulate.practice import Practice
    from telemetry_platform.simulate.visits import Visit

OF_VISITS: Mapping[str, Callable[[Visit, Random], list[Request]]] = MappingProxyType(
    {teller.KIND: teller.tell for teller in (analytics, errors, pose)}
)
"""What a browser sends of a visit, beside the player's events."""

OF_SERVICES: Mapping[str, Callable[[Practice, Random], list[Outgoing]]] = MappingProxyType(
    {teller.KIND: teller.tell for teller in (api_metrics, audit, security, staff_metrics)}
)
"""What the Core API sends of everybody's days."""

BREAKAGES: Mapping[str, Mapping[str, Breakage]] = MappingProxyType(
    {
        teller.KIND: teller.BREAKAGES
        for teller in (analytics, api_metrics, audit, errors, media, pose, security, staff_metrics)
    }
)

CONTRADICTIONS: Mapping[str, Callable[[Outgoing], Outgoing]] = MappingProxyType(
    {teller.KIND: teller.contradict for teller in (api_metrics, audit, security, staff_metrics)}
)

SIMULATED = (media.KIND, *OF_VISITS, *OF_SERVICES)
"""Every kind that is told, in the order in which it is shown."""
