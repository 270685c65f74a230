"""What there is to watch, and in which renditions.

Invariant: the names are the kind of thing that must never rest in analytics; a raw one found in a table is a leak.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Medium:
    """One exercise video."""

    media_id: str
    seconds: int


CATALOGUE = (
    Medium("knee-squat-2", 190),
    Medium("shoulder-mobility-basic", 280),
    Medium("lumbar-stability-intro", 420),
    Medium("hip-bridge-3", 150),
    Medium("ankle-balance-board", 240),
    Medium("neck-relief-morning", 360),
    Medium("post-op-acl-week-4", 640),
    Medium("stroke-hand-therapy-1", 520),
    Medium("breathing-copd-gentle", 600),
    Medium("posture-desk-break", 120),
)


@dataclass(frozen=True)
class Rendition:
    """One quality of a video."""

    resolution: str
    bitrate: int


RENDITIONS = (
    Rendition("360p", 800_000),
    Rendition("480p", 1_400_000),
    Rendition("720p", 2_500_000),
    Rendition("1080p", 4_500_000),
)
