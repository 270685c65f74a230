"""The local ClickHouse, PostgreSQL and Redis for one machine, reached by the command line and tests only.

Nothing outside may depend on a stand-in being one: each answers on an address that the settings can replace.
"""
