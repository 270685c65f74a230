"""`python -m telemetry_platform.cli`, the same as the installed command `telemetry`."""

from telemetry_platform.cli import main

main()
