"""Tests of the stores on the real engines."""
