"""Boards and alerts: what they ask is asked of the real engines, and what they read is there to be read."""
