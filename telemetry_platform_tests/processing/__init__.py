"""Pure functions: no services, seconds."""
