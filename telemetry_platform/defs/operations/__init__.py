"""Keeping watch: schedules for quiet times."""
