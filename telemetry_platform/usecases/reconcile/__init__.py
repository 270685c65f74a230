"""Does every number add up: what was sent, what was answered, what the drain counted, and what the tables hold."""
