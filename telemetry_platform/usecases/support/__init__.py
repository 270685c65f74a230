"""What support asks of a session."""
