"""Simulated patients that speak HTTP as a browser would; imported by the command line and by tests only."""
