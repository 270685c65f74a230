"""An analyst's connection to the warehouse, as the user that an administrator made for them."""

from __future__ import annotations

from pydantic import SecretStr

from telemetry_platform.settings import ClickHouseSettings
from telemetry_platform.stores import clickhouse
from telemetry_platform.stores.warehouse import Warehouse

_SECONDS = 35.0
"""A little more than the role's limit of 30 s, so that the server's own word arrives."""


def connect(url: str, user: str, password: str, *, database: str = "telemetry") -> Warehouse:
    """Connect to ClickHouse, e.g. `connect("https://clickhouse.example:8443", "ana", getpass())`.

    Raises ConfigurationError for an address that is none, TransientError when nothing answers, UnreadyStoreError when
    the login is refused.
    """
    settings = ClickHouseSettings(
        url=url, user=user, password=SecretStr(password), database=database, ca_file=None, timeout_seconds=_SECONDS
    )
    return Warehouse(clickhouse.connect(settings, log_comment="analysis"))
