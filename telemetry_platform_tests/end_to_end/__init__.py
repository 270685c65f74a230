"""The whole path on the real engines."""
