"""Tests of the simulator: no services."""
