"""Where the ClickHouse of a test answers, and the ways to speak to it."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import clickhouse_connect
import httpx

if TYPE_CHECKING:
    from collections.abc import Callable

    from clickhouse_connect.driver.client import Client

PASSWORD = "synthetic: not 'a' real\\password"
# Runs for minutes unless it is killed; the tests that use it fail by their own assertion long before.
ENDLESS = "SELECT count() FROM numbers(1000000000000) WHERE sipHash64(number) = 1"


@dataclass(frozen=True)
class Address:
    """A server and the account to use on it."""

    url: str
    user: str
    password: str

    @classmethod
    def parse(cls, url: str) -> Address:
        """Take user and password out of an address."""
        parts = urlsplit(url)
        bare = f"{parts.scheme}://{parts.hostname}:{parts.port}"
        return cls(bare, unquote(parts.username or "default"), unquote(parts.password or ""))

    def client(self, **options: Any) -> Client:  # noqa: ANN401 - whatever the client under test takes
        """Open a clickhouse-connect client."""
        parts = urlsplit(self.url)
        return clickhouse_connect.get_client(
            interface=parts.scheme,
            host=parts.hostname,
            port=parts.port,
            username=self.user,
            password=self.password,
            **options,
        )

    def http(self, database: str = "default") -> httpx.Client:
        """Open a bare HTTP client."""
        return httpx.Client(
            base_url=self.url,
            auth=(self.user, self.password),
            params={"database": database},
            timeout=60,
            trust_env=False,
        )


class InBackground:
    """A call that runs in a thread while the test looks at something else."""

    def __init__(self, call: Callable[[], object]) -> None:
        thread = ThreadPoolExecutor(max_workers=1)
        self._called = thread.submit(call)
        thread.shutdown(wait=False)

    @property
    def error(self) -> BaseException | None:
        """What the call that has ended raised."""
        return self._called.exception(timeout=0)

    @property
    def result(self) -> object:
        """What the call that has ended returned. Raises what it raised."""
        return self._called.result(timeout=0)

    @property
    def has_ended(self) -> bool:
        """Whether the call is over."""
        return self._called.done()

    def wait(self) -> InBackground:
        """Wait for the end."""
        assert wait([self._called], timeout=60).done, "the call did not end"
        return self


def until(condition: Callable[[], bool], what: str) -> None:
    """Wait for something that another process brings about."""
    for _ in range(1200):
        if condition():
            return
        time.sleep(0.05)
    raise AssertionError(f"never happened: {what}")


def running(client: Client, query_id: str) -> bool:
    """Whether the server lists a query as running."""
    found = client.query("SELECT count() FROM system.processes WHERE query_id = {id:String}", {"id": query_id})
    return bool(found.result_rows[0][0])
