"""Tests of the Dagster front door, on the real engines."""
