"""A local server that behaves as MaxMind's Privacy Exclusions API is documented to.

`python -m telemetry_platform.embedded.maxmind --port P --list FILE --credentials-file FILE`. The list is a JSON file
that is read at every request: edit it to add a network or to withdraw one. Its key `answer` (a status such as 503)
makes the server refuse instead, to try what a client does then. Invariants: it listens on loopback only; credentials
come from a file, and nothing of a request is logged.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import hmac
import json
from dataclasses import dataclass, field
from datetime import UTC
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from pydantic_core import PydanticCustomError

from telemetry_platform.contracts.types import parse_timestamp
from telemetry_platform.embedded.state import write_private

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

PATH = "/privacy/exclusions"
MEDIA_TYPE = "application/vnd.maxmind.com-privacy-exclusions+json"
ERROR_TYPE = "application/vnd.maxmind.com-error+json"
_REALM = 'Basic realm="MaxMind"'


@dataclass(frozen=True)
class Reply:
    """A status, and a body where there is one."""

    status: int
    body: bytes = b""
    media_type: str = ERROR_TYPE


@dataclass(frozen=True)
class Service:
    """What is answered, apart from sockets."""

    file: Path
    account_id: str
    license_key: str = field(repr=False)

    def answer(self, target: str, authorization: str | None) -> Reply:
        """The reply to a GET."""
        parts = urlsplit(target)
        if parts.path == "/ping":
            return Reply(200, b"ok", "text/plain")
        if parts.path != PATH:
            return Reply(404)
        refused = self._refusal(authorization)
        if refused is not None:
            return refused
        try:
            document = json.loads(self.file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            # Somebody is editing it.
            return Reply(503)
        if document.get("answer", 200) != 200:  # noqa: PLR2004 - HTTP's word for well
            return _told(int(document["answer"]))
        return _list(document["exclusions"], parse_qs(parts.query, keep_blank_values=True).get("updates_after"))

    def _refusal(self, authorization: str | None) -> Reply | None:
        """Why nothing is given out: HTTP Basic, the account's number as user and its licence key as password."""
        scheme, _, text = (authorization or "").partition(" ")
        try:
            account, colon, key = base64.b64decode(text, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return _error(401, "AUTHORIZATION_INVALID", "Your account ID or license key could not be authenticated.")
        if not account or scheme.lower() != "basic":
            return _error(401, "ACCOUNT_ID_REQUIRED", "You have not supplied a MaxMind account ID.")
        if not colon or not key:
            return _error(401, "LICENSE_KEY_REQUIRED", "You have not supplied a MaxMind license key.")
        if account == self.account_id and hmac.compare_digest(key.encode(), self.license_key.encode()):
            return None
        return _error(401, "AUTHORIZATION_INVALID", "Your account ID or license key could not be authenticated.")


def _list(entries: list[Any], after: list[str] | None) -> Reply:
    """The entries, of a moment on where one is given."""
    if after is not None:
        try:
            moment = parse_timestamp(after[-1])
        except PydanticCustomError:
            return _error(400, "TIMESTAMP_INVALID", "updates_after must be an RFC 3339 timestamp.")
        entries = [entry for entry in entries if (at := _updated(entry)) is None or at > moment]
    return Reply(200, json.dumps({"exclusions": entries}).encode(), MEDIA_TYPE)


def _updated(entry: Any) -> datetime | None:  # noqa: ANN401 - whatever somebody wrote into the file
    """When an entry was published; None for one that does not say it: then it is always given out."""
    try:
        return parse_timestamp(entry["last_updated"])
    except (PydanticCustomError, KeyError, TypeError):
        return None


def edit_list(file: Path, now: datetime, *, add: Iterable[str] = (), withdraw: Iterable[str] = ()) -> None:
    """Let networks be listed from now on, and others not any more."""
    document = json.loads(file.read_text(encoding="utf-8"))
    gone = set(withdraw)
    entries = [entry for entry in document["exclusions"] if entry.get("value") not in gone]
    moment = f"{now.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
    shared = {"exclusion_type": "ccpa_do_not_sell", "data_type": "network", "last_updated": moment}
    entries += [{**shared, "value": network} for network in add]
    write_private(file, json.dumps({**document, "exclusions": entries}, indent=1))


def _told(status: int) -> Reply:
    """The refusals that the file asks for: what the documentation gives a code, else a bare status."""
    if status == 403:  # noqa: PLR2004 - HTTP's word for forbidden
        return _error(status, "PERMISSION_REQUIRED", "You do not have permission to use this service.")
    if status == 401:  # noqa: PLR2004 - HTTP's word for unauthorised
        return _error(status, "AUTHORIZATION_INVALID", "Your account ID or license key could not be authenticated.")
    return Reply(status)


def _error(status: int, code: str, text: str) -> Reply:
    return Reply(status, json.dumps({"code": code, "error": text}).encode())


def handler_of(service: Service) -> type[BaseHTTPRequestHandler]:
    """The class that the server of the standard library wants."""

    class Handler(BaseHTTPRequestHandler):
        """Answers GET; the base class answers everything else with 501."""

        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            """Answer, and close what is refused: a body that nobody read may follow."""
            reply = service.answer(self.path, self.headers.get("Authorization"))
            self.send_response(reply.status)
            if reply.status == 401:  # noqa: PLR2004 - HTTP's word for unauthorised
                self.send_header("WWW-Authenticate", _REALM)
            if reply.body:
                self.send_header("Content-Type", f"{reply.media_type}; charset=UTF-8; version=1.0")
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)

        def log_message(self, *_: object) -> None:
            """Say nothing: a request's line may hold anything."""

    return Handler


def main() -> None:
    """Serve until stopped."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--list", type=Path, required=True)
    parser.add_argument("--credentials-file", type=Path, required=True)
    given = parser.parse_args()
    account, _, key = given.credentials_file.read_text(encoding="utf-8").strip().partition(":")
    with ThreadingHTTPServer(("127.0.0.1", given.port), handler_of(Service(given.list, account, key))) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
