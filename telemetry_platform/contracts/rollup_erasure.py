"""What an erasure does to rollups that hold counts: the run rebuilds their days before it certifies."""

from telemetry_platform.contracts.erasure import ExpiresOnly

REBUILT = ExpiresOnly(
    "it holds counts and at most five marks of persons a group, and an erasure rebuilds its days from what is left"
)
