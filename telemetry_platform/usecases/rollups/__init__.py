"""Rollups: rebuilding the days that are due, and comparing a day with its base."""
