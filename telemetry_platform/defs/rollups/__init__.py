"""Rollups in Dagster: assets by day, what rebuilds them, and the checks that compare them with what is behind them."""
