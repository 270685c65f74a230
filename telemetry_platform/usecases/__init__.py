"""The verbs of the platform: plain functions over stores and contracts that return report objects."""
