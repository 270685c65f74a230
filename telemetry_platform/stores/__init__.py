"""The outside world: Redis, ClickHouse, PostgreSQL, files. The only importers of drivers, one driver module each."""
