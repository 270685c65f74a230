"""`telemetry retention` as whoever is responsible for it uses it: look, try, do, prove."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from telemetry_platform.stores import postgres
from telemetry_platform.stores.warehouse import open_warehouse
from telemetry_platform_tests.cli.test_rights import telemetry
from telemetry_platform_tests.usecases.expiring import count, days_ago, patient, put
from telemetry_platform_tests.usecases.expiring_records import SAMPLES

if TYPE_CHECKING:
    from telemetry_platform.settings import Settings


def _line(told: str, table: str) -> list[str]:
    """The cells of a table's line."""
    (line,) = [line for line in told.splitlines() if line.startswith(f"{table} ")]
    return line.split()


def test_nothing_goes_unless_it_is_said(platform: Settings) -> None:
    settings = patient(platform)
    assert settings.postgres.owner_url is not None
    with (
        open_warehouse(settings.clickhouse) as warehouse,
        postgres.connect(settings.postgres.owner_url.get_secret_value(), autocommit=True) as owner,
    ):
        put(warehouse, "api_metrics", days_ago(800), days_ago(1))
        SAMPLES["privacy.dead_letters"](owner, datetime(2020, 5, 6, tzinfo=UTC))

        told = telemetry(settings, "retention", "status")
        assert _line(told, "api_metrics")[-5:-2] == ["2", "1", "0"]
        assert _line(told, "api_metrics")[-1] == "never"
        assert "audit.details" in told
        assert "rows live as long as the row of the trail that they belong to" in told

        told = telemetry(settings, "retention", "run")
        assert "A dry run: 2 rows have expired in 2 tables; nothing was changed." in told
        assert count(warehouse, "api_metrics") == 2

        told = telemetry(settings, "retention", "run", "--do-it", "--table", "api_metrics")
        assert _line(told, "api_metrics")[1:7] == ["2", "1", "1", "1", "0", "0"]
        assert "privacy.dead_letters" not in told
        assert count(warehouse, "api_metrics") == 1

        told = telemetry(settings, "retention", "run", "--do-it")
        assert "1 rows removed, 0 expired rows left." in told
        (row,) = owner.execute("SELECT count(*) FROM privacy.dead_letters").fetchall()
        assert row == (0,)

        told = telemetry(settings, "retention", "verify")
        (newest,) = owner.execute("SELECT max(number) FROM privacy.retention_runs").fetchall()
        assert f"{newest[0]:,} proofs are one chain, 1 to {newest[0]:,}." in told


def test_a_table_that_is_none_is_refused(platform: Settings) -> None:
    told = telemetry(platform, "retention", "run", "--table", "media_event", code=1)
    assert "media_event is no table that retention works on by itself" in told
