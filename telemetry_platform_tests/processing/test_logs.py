"""What a process of ours writes to its log, whoever writes it."""

from __future__ import annotations

import io
import logging
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest
from uvicorn.logging import AccessFormatter, DefaultFormatter

from telemetry_platform.logs import guard, without_personal_data

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAIL, ADDRESS = "ana.popescu@example.org", "203.0.113.9"


@pytest.fixture
def guarded() -> Iterator[None]:
    """A guarded process, and afterwards one as it was."""
    before = logging.getLogRecordFactory(), sys.excepthook, threading.excepthook, sys.unraisablehook
    guard()
    yield
    logging.setLogRecordFactory(before[0])
    sys.excepthook, threading.excepthook, sys.unraisablehook = before[1:]


def logged(call: Callable[[logging.Logger], None], formatter: logging.Formatter, name: str = "psycopg.pool") -> str:
    """What a handler with this formatter writes."""
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.setFormatter(formatter)
    logger = logging.getLogger(name)
    logger.addHandler(handler)
    try:
        call(logger)
    finally:
        logger.removeHandler(handler)
    return out.getvalue()


def failing(logger: logging.Logger) -> None:
    try:
        try:
            dict[str, str]()[MAIL]
        except KeyError as error:
            raise ValueError(f"no address of {MAIL}") from error
    except ValueError:
        logger.exception("request of %s failed", ADDRESS, stack_info=True)


@pytest.mark.usefixtures("guarded")
@pytest.mark.parametrize("formatter", [logging.Formatter("%(message)s"), DefaultFormatter("%(message)s")])
def test_message_exception_and_its_cause_lose_what_identifies(formatter: logging.Formatter) -> None:
    text = logged(failing, formatter)
    assert "request of [address] failed" in text
    assert "ValueError: no address of [email]" in text
    assert "KeyError: '[email]'" in text
    assert MAIL not in text
    assert ADDRESS not in text


@pytest.mark.usefixtures("guarded")
def test_an_access_line_keeps_its_form() -> None:
    form = '%(client_addr)s "%(request_line)s" %(status_code)s'
    text = logged(
        lambda logger: logger.warning('%s - "%s %s HTTP/%s" %d', f"{ADDRESS}:5000", "GET", f"/p?q={MAIL}", "1.1", 200),
        AccessFormatter(form, use_colors=False),
        "uvicorn.access",
    )
    assert text == '[address]:5000 "GET /p?q=[value] HTTP/1.1" 200 OK\n'


@pytest.mark.usefixtures("guarded")
def test_a_log_call_with_arguments_that_do_not_fit_tells_none_of_them(capsys: pytest.CaptureFixture[str]) -> None:
    text = logged(lambda logger: logger.warning("two: %s %s", MAIL), logging.Formatter())  # noqa: PLE1206 - on purpose
    assert text == "two: %s %s [arguments that do not fit: TypeError]\n"
    assert MAIL not in capsys.readouterr().err


@pytest.mark.usefixtures("guarded")
def test_what_is_no_text_is_logged_as_text() -> None:
    assert logged(lambda logger: logger.warning({"mail": MAIL}), logging.Formatter()) == "{'mail': '[email]'}\n"
    assert logged(lambda logger: logger.warning("%d of %d", 3, 5), logging.Formatter()) == "3 of 5\n"


def test_ids_of_runs_and_addresses_of_this_machine_stay() -> None:
    run = "550e8400-e29b-41d4-a716-446655440000"
    assert without_personal_data(f"drain - {run} - of {MAIL}", "dagster.code") == f"drain - {run} - of [email]"
    assert without_personal_data(f"session {run}", "uvicorn.error") == "session [id]"
    line = "Uvicorn running on http://127.0.0.1:8001 and [::1]:8001"
    assert without_personal_data(line) == line
    assert without_personal_data(f"from {ADDRESS} by 127.0.0.1") == "from [address] by 127.0.0.1"


ENDING = """
import threading
from telemetry_platform.logs import guard
guard()
def fail():
    raise ValueError("of ana.popescu@example.org")
thread = threading.Thread(target=fail)
thread.start()
thread.join()
class Gone:
    def __del__(self):
        fail()
Gone()
fail()
"""


def test_an_exception_that_ends_a_process_or_a_thread_is_told_scrubbed() -> None:
    done = subprocess.run([sys.executable, "-c", ENDING], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.count("ValueError: of [email]") == 3
    assert MAIL not in done.stderr
