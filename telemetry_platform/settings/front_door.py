"""Settings of the HTTP front door, and of who may speak there."""

from __future__ import annotations

import re
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, Field, SecretStr, field_validator
from pydantic_settings import NoDecode

Network = IPv4Network | IPv6Network
_ORIGIN = re.compile(
    r"(?!http://.*:80$)(?!https://.*:443$)[a-z][a-z0-9+.-]*://"
    r"(?:\[[0-9a-f:]+\]|[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(?::[1-9][0-9]{0,4})?"
)

_SEGMENTS = (
    "about", "account", "achievements", "activity", "admin", "analytics", "api", "app", "appointments", "auth",
    "billing", "calendar", "callback", "chat", "consent", "contact", "dashboard", "details", "diary", "edit",
    "exercise", "exercises", "faq", "feedback", "forgot-password", "goals", "help", "history", "home",
    "index.html", "invite", "language", "legal", "library", "login", "logout", "media", "messages", "mobile",
    "new", "notifications", "onboarding", "overview", "patient", "patients", "plan", "plans", "player",
    "privacy", "profile", "program", "programs", "progress", "questionnaire", "questionnaires", "register",
    "reminders", "reports", "reset-password", "results", "review", "schedule", "search", "session", "sessions",
    "settings", "sign-in", "sign-up", "staff", "start", "statistics", "summary", "support", "survey", "team",
    "teams", "terms", "today", "training", "users", "v1", "v2", "v3", "verify", "video", "videos", "welcome",
    "workout", "workouts",
)  # fmt: skip


class TokenSettings(BaseModel):
    """Who may speak: JWT verification. Exactly one key source is used; the key's type decides the algorithms."""

    secret: SecretStr | None = Field(
        None, description="HS256 secret of at least 32 bytes; development only, loopback bind only"
    )
    jwks_url: str | None = Field(None, description="https URL of the JWKS with RS256 or ES256 keys")
    jwks_file: Path | None = Field(None, description="file with the same JWKS")
    issuer: str = Field("telemetry-dev", description="required `iss`")
    audience: str = Field("telemetry", description="required `aud`")
    leeway_seconds: int = Field(5, ge=0, le=300, description="clock difference that `exp` may have")


class ApiSettings(BaseModel):
    """The HTTP front door."""

    host: str = Field("127.0.0.1", description="address to bind")
    port: int = Field(8080, ge=0, le=65535, description="port to bind")
    trusted_proxies: Annotated[tuple[Network, ...], NoDecode] = Field(
        (), description="comma-separated CIDRs whose X-Forwarded-For lines are believed"
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (),
        description="comma-separated origins whose pages may call, each exactly as a browser sends it, e.g. "
        "`https://app.example.org`; there is no `*`",
    )
    path_segments: Annotated[tuple[str, ...], NoDecode] = Field(
        _SEGMENTS, description="comma-separated segments of page paths that may be kept; every other one becomes `:x`"
    )
    anonymous_org_id: str = Field(
        "anonymous",
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_:-]{0,127}$",
        description="tenant under which error reports without a token are kept",
    )
    anonymous_per_minute: int = Field(
        60,
        ge=1,
        le=1_000_000,
        description="events a minute without a valid token from one address, after its burst: a page that fails once "
        "a second; whole clinics share an address",
    )
    anonymous_burst: int = Field(
        120,
        ge=1,
        le=1_000_000,
        description="events at once without a valid token from one address, and so the most in one such request: the "
        "reports of a few pages that were offline",
    )
    anonymous_prefix_per_minute: int = Field(
        600,
        ge=1,
        le=1_000_000,
        description="the same for a whole /24 or /48, whose owner may send from any address in it: worth ten addresses",
    )
    anonymous_prefix_burst: int = Field(1200, ge=1, le=1_000_000, description="the burst of a whole /24 or /48")
    max_body_bytes: int = Field(1024 * 1024, ge=1024, description="largest request body in bytes")
    max_batch_events: int = Field(500, ge=1, description="most events in one request")
    producer: str | None = Field(None, description="name of this process in the queue; random when unset")
    token: TokenSettings = Field(default_factory=TokenSettings)

    @field_validator("trusted_proxies", "cors_origins", "path_segments", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        """Comma-separated text becomes a tuple; anything else is left to pydantic."""
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("cors_origins")
    @classmethod
    def _are_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        """Refuse what no browser sends: it would be compared with every request and match none."""
        if not all(_ORIGIN.fullmatch(origin) for origin in origins):
            raise ValueError(
                "write each origin as a browser sends it: scheme://host, or scheme://host:port where the port is not "
                "the scheme's own; lower case, nothing after it, no `*` and no `null`"
            )
        return origins
