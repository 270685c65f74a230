"""Dashboards and alerts as code: declarations, what is built from them, and what Grafana and Prometheus load."""
