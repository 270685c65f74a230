"""Dagster's front door, thin: assets, jobs, sensors, schedules and checks over use-cases and contracts.

Invariants: `dagster` is imported here and in `definitions.py` only; loading needs no running service and no secret; no
payload enters configuration, metadata, logs or exceptions. Adding a kind changes nothing here: everything is made from
the contracts' registry.
"""
