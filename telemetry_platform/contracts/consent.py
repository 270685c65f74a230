"""The consent ladder, and the bases in law on which an event may be kept."""

from __future__ import annotations

from enum import IntEnum, StrEnum


class ConsentLevel(IntEnum):
    """What a person agreed to; a higher level includes the lower ones. Nothing may raise the level of a request."""

    EXCLUDED = 0
    """Nothing but security and audit records (CCPA "Do Not Sell")."""
    ESSENTIAL = 1
    """Security events and error reports (legitimate interest). What every unreadable consent means."""
    ANALYTICS = 2
    """Product analytics, media sessions, pose (consent)."""
    FULL = 3
    """Marketing and behavioural analysis (explicit consent)."""


class LegalBasis(StrEnum):
    """Why a kind of event may be kept at all."""

    CONSENT = "consent"
    EXPLICIT_CONSENT = "explicit consent"
    LEGITIMATE_INTEREST = "legitimate interest"
    LEGAL_OBLIGATION = "legal obligation"


class DropReason(StrEnum):
    """Why an event was dropped before the landing queue; a drop is an answer, never an error."""

    EXCLUDED_NETWORK = "excluded_network"
    """The request came from a network that told MaxMind "Do Not Sell"."""
    CONSENT_TOO_LOW = "consent_too_low"
    """The request's own `X-Consent-Level` is lower than the event needs."""
    RECORDED_DECISION = "recorded_decision"
    """The header claims enough, and the person's recorded decision says less: a page that does not know of it yet."""
    GPC = "global_privacy_control"
    """The person agreed to enough, and a privacy signal, now or before, takes it back."""
    PURPOSE_NOT_AGREED = "purpose_not_agreed"
    """The level suffices, and the purpose that the event needs by name was not agreed to."""
    ERASED = "erased"
    """The event is from before the person was erased."""
