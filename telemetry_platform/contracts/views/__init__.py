"""The views that analysts read, a pair a file: one by day, one of a period."""
