"""Lays out a data directory for the engine and writes its configuration: caps, logs, durability, and grants.

Invariants: the engine's user holds no grant that leaves the data directory (no FILE, URL, REMOTE, S3 ..., no CREATE
DICTIONARY, whose EXECUTABLE source runs programs, and only the table engines listed here). The database `default` must
exist on disk before the engine starts: the engine's own `default` is an overlay that reads any path as a table.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

GIB: Final = 1024**3
MIB: Final = 1024**2

# The engine insists on one overlay database that looks up missing tables as files; grants make it useless, and this
# name keeps it out of the way of `default`.
OVERLAY: Final = "_files"
_DEFAULT_DATABASE: Final = "ATTACH DATABASE _ UUID '6f0e4a1c-51d7-4f0e-9a52-0f4b6f6b1d35'\nENGINE = Atomic\n"
_MERGE_TREES: Final = ("", "Replacing", "Aggregating", "Summing", "Collapsing", "VersionedCollapsing", "Coalescing")
_ENGINES: Final = (
    *(f"{prefix}MergeTree" for prefix in _MERGE_TREES),
    *("Memory", "Null", "Log", "TinyLog", "StripeLog", "Set", "Join", "Buffer", "Merge", "GenerateRandom", "Alias"),
    *("View", "MaterializedView", "Atomic"),
)
_PRIVILEGES: Final = (
    *("CHECK", "SHOW", "SELECT", "INSERT", "ALTER", "DROP", "UNDROP TABLE", "TRUNCATE", "OPTIMIZE", "KILL QUERY"),
    *("CREATE DATABASE", "CREATE TABLE", "CREATE VIEW", "CREATE TEMPORARY TABLE", "CREATE ARBITRARY TEMPORARY TABLE"),
    *("CREATE FUNCTION", "DROP FUNCTION", "SYSTEM MERGES", "SYSTEM TTL MERGES", "SYSTEM FLUSH", "SYSTEM DROP CACHE"),
    *("dictGet", "INTROSPECTION"),
)
_GRANTS: Final = (
    f"GRANT {', '.join(_PRIVILEGES)} ON *.*",
    *(f"GRANT TABLE ENGINE ON {engine}" for engine in _ENGINES),
)


@dataclass(frozen=True)
class Limits:
    """Memory that the engine may take; its defaults take the machine."""

    server_bytes: int = 4 * GIB
    query_bytes: int = 2 * GIB
    mark_cache_bytes: int = 256 * MIB


def prepare(data_dir: Path, limits: Limits) -> str:
    """Write the layout and both configuration files; return what the engine wants as a connection string."""
    engine_dir, config_dir = data_dir / "data", data_dir / "config"
    metadata = engine_dir / "metadata"
    for folder in (metadata, config_dir, data_dir / "run"):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not (metadata / "default.sql").exists():
        _write(metadata / "default.sql", _DEFAULT_DATABASE)
    # A convenience link that the engine makes with the first table; left there, the next start loads `default` twice
    # and aborts ("Mapping for table with UUID ... already exists").
    (metadata / "default").unlink(missing_ok=True)
    users = config_dir / "users.xml"
    _write(users, _users(limits))
    _write(config_dir / "config.xml", _server(limits, users))
    return f"{engine_dir}?config-file={config_dir / 'config.xml'}"


def _write(path: Path, text: str) -> None:
    """Replace a file whole, so that a killed start leaves the old one or the new one."""
    fresh = path.with_suffix(".new")
    fresh.write_text(text, encoding="utf-8")
    fresh.chmod(0o600)
    fresh.replace(path)


def _users(limits: Limits) -> str:
    """The one user that every connection of the engine has; clients sign in at the HTTP door, not here."""
    grants = "".join(f"<query>{grant}</query>" for grant in _GRANTS)
    return f"""<clickhouse>
  <profiles><default>
    <max_memory_usage>{limits.query_bytes}</max_memory_usage>
    <log_queries>1</log_queries>
    <implicit_select>0</implicit_select>
  </default></profiles>
  <quotas><default/></quotas>
  <users><default>
    <password/><networks><ip>::/0</ip></networks><profile>default</profile><quota>default</quota>
    <grants>{grants}</grants>
  </default></users>
</clickhouse>
"""


def _log(name: str) -> str:
    """A system log that lives three days: long enough to look up what a run did, short enough to forget."""
    return (
        f"<{name}><database>system</database><table>{name}</table><partition_by>toYYYYMMDD(event_date)</partition_by>"
        f"<ttl>event_date + INTERVAL 3 DAY DELETE</ttl><flush_interval_milliseconds>2000</flush_interval_milliseconds>"
        f"</{name}>"
    )


def _server(limits: Limits, users: Path) -> str:
    """The server's configuration; acknowledged entries are deleted from the queue, so inserts reach the disk first.

    Since they do, replaced parts need not lie there for minutes: an erasure is certified when they are gone.
    """
    return f"""<clickhouse>
  <max_server_memory_usage>{limits.server_bytes}</max_server_memory_usage>
  <mark_cache_size>{limits.mark_cache_bytes}</mark_cache_size>
  <default_database>{OVERLAY}</default_database>
  <timezone>UTC</timezone>
  <users_config>{users}</users_config>
  <access_control_improvements>
    <table_engines_require_grant>true</table_engines_require_grant>
  </access_control_improvements>
  <remote_url_allow_hosts/>
  <merge_tree>
    <fsync_after_insert>1</fsync_after_insert>
    <fsync_part_directory>1</fsync_part_directory>
    <old_parts_lifetime>1</old_parts_lifetime>
    <cleanup_delay_period>1</cleanup_delay_period>
    <cleanup_delay_period_random_add>0</cleanup_delay_period_random_add>
    <max_cleanup_delay_period>5</max_cleanup_delay_period>
  </merge_tree>
  {_log("query_log")}
  {_log("part_log")}
</clickhouse>
"""


def owned_by(data_dir: Path, uid: int, gid: int) -> None:
    """Give the whole data directory to a user, without following links out of it."""
    for root, folders, files in os.walk(data_dir):
        for path in (root, *(os.path.join(root, name) for name in (*folders, *files))):  # noqa: PTH118 - os.walk gives text
            os.chown(path, uid, gid, follow_symlinks=False)
