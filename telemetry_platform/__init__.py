"""Telemetry and compliance platform of a tele-rehabilitation company.

Read `contracts/events/` first: it says what an event is and what may be done with it. Everything else follows from it.
"""
