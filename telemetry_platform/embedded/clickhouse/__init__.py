"""One process that owns a data directory of the ClickHouse engine and answers ClickHouse's HTTP interface on loopback.

`python -m telemetry_platform.embedded.clickhouse --data-dir D --port 8123 --password-file F` runs it; `process.py`
starts and stops it from Python. `server.py` lists what it does not do.
"""
