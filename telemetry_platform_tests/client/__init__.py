"""The HTTP front door, over real sockets, with real Redis and PostgreSQL behind it."""
