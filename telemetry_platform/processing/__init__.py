"""How an event is processed, purely: no I/O, no clock, no Dagster. Time, keys and randomness are parameters."""
