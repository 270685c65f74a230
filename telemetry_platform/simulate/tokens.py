"""Tokens of simulated patients, signed with the development secret of the platform that they speak to."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

import jwt

if TYPE_CHECKING:
    from datetime import datetime

    from telemetry_platform.simulate.people import Patient

_VALID_FOR = timedelta(hours=12)


@dataclass(frozen=True)
class Signer:
    """Signs tokens; the secret is shown by no representation."""

    secret: str = field(repr=False)
    issuer: str
    audience: str

    def token(self, patient: Patient, now: datetime) -> str:
        """A patient's token, as the Core API would make it."""
        claims = {
            "sub": patient.user_id,
            "org_id": patient.org_id,
            "roles": ["patient"],
            "iat": int(now.timestamp()),
            "exp": int((now + _VALID_FOR).timestamp()),
            "iss": self.issuer,
            "aud": self.audience,
        }
        return jwt.encode(claims, self.secret, algorithm="HS256")
