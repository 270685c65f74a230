"""Retention: one engine over both databases, driven by the contracts, with a proof for each table and run."""
