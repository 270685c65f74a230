"""Tokens of simulated senders, signed with the development secret of the platform that they speak to."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

import jwt

if TYPE_CHECKING:
    from datetime import datetime

    from telemetry_platform.simulate.senders import Sender

_VALID_FOR = timedelta(hours=12)


@dataclass(frozen=True)
class Signer:
    """Signs tokens; the secret is shown by no representation."""

    secret: str = field(repr=False)
    issuer: str
    audience: str

    def token(self, sender: Sender, now: datetime) -> str:
        """A sender's token, as the Core API would make it."""
        claims = {
            "sub": sender.user_id,
            "org_id": sender.org_id,
            "roles": list(sender.roles),
            "purposes": list(sender.purposes),
            "iat": int(now.timestamp()),
            "exp": int((now + _VALID_FOR).timestamp()),
            "iss": self.issuer,
            "aud": self.audience,
        }
        return jwt.encode(claims, self.secret, algorithm="HS256")
