"""Queue and warehouse over TLS: our clients check the server's certificate and speak through it, or not at all."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import SecretStr

from telemetry_platform.embedded.platform import PlatformHandle
from telemetry_platform.errors import PlatformError
from telemetry_platform.settings import ClickHouseSettings, RedisSettings
from telemetry_platform.stores import clickhouse, redis
from telemetry_platform_tests.embedded.tls_proxy import Authority, make_authority, tls_in_front_of


@dataclass(frozen=True)
class Doors:
    """TLS ports in front of the running engines, and the authority that signed their certificate."""

    redis_port: int
    clickhouse_port: int
    authority: Authority


@pytest.fixture(scope="module")
def doors(engines: PlatformHandle, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doors]:
    authority = make_authority(tmp_path_factory.mktemp("authority"))
    ports = engines.platform.ports()
    with (
        tls_in_front_of(ports["redis"], authority) as redis_port,
        tls_in_front_of(ports["clickhouse"], authority) as clickhouse_port,
    ):
        yield Doors(redis_port, clickhouse_port, authority)


def _redis(engines: PlatformHandle, port: int, ca_file: Path | None) -> RedisSettings:
    plain_port = engines.platform.ports()["redis"]
    plain = engines.settings.redis.url.get_secret_value()
    url = plain.replace("redis://", "rediss://").replace(f":{plain_port}/", f":{port}/")
    return RedisSettings.model_validate(
        {"url": SecretStr(f"{url}?socket_timeout=0.5&ssl_ca_certs={ca_file}" if ca_file else url)}
    )


def _clickhouse(engines: PlatformHandle, port: int, ca_file: Path | None) -> ClickHouseSettings:
    return engines.settings.clickhouse.model_copy(update={"url": f"https://localhost:{port}", "ca_file": ca_file})


def test_redis_works_over_tls_with_the_configured_authority(engines: PlatformHandle, doors: Doors) -> None:
    with redis.own_errors(), redis.connect(_redis(engines, doors.redis_port, doors.authority.ca_file)) as client:
        assert client.xadd("over-tls", {"n": "x" * 100_000})
        assert client.xlen("over-tls") == 1
        client.delete("over-tls")


def test_redis_refuses_a_certificate_of_an_unknown_authority(engines: PlatformHandle, doors: Doors) -> None:
    with (
        pytest.raises(PlatformError),
        redis.own_errors(),
        redis.connect(_redis(engines, doors.redis_port, None)) as client,
    ):
        client.ping()


def test_redis_is_not_spoken_to_in_plain_text_where_tls_is_demanded(engines: PlatformHandle, doors: Doors) -> None:
    plain_port = engines.platform.ports()["redis"]
    with (
        pytest.raises(PlatformError),
        redis.own_errors(),
        redis.connect(_redis(engines, plain_port, doors.authority.ca_file)) as client,
    ):
        client.ping()


def test_clickhouse_works_over_tls_with_the_configured_authority(engines: PlatformHandle, doors: Doors) -> None:
    with clickhouse.connect(_clickhouse(engines, doors.clickhouse_port, doors.authority.ca_file)) as client:
        assert client.scalar("SELECT sum(number) FROM numbers(1000)") == 499_500


def test_clickhouse_refuses_a_certificate_of_an_unknown_authority(engines: PlatformHandle, doors: Doors) -> None:
    with pytest.raises(PlatformError), clickhouse.connect(_clickhouse(engines, doors.clickhouse_port, None)):
        pass


def test_clickhouse_is_not_spoken_to_in_plain_text_where_tls_is_demanded(engines: PlatformHandle, doors: Doors) -> None:
    plain_port = engines.platform.ports()["clickhouse"]
    with (
        pytest.raises(PlatformError),
        clickhouse.connect(_clickhouse(engines, plain_port, doors.authority.ca_file)),
    ):
        pass
