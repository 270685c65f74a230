"""One file a kind: what is told of it, what its rows must say, and what faulty senders make of it."""
