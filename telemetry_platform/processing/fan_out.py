"""What else an accepted media event becomes: an error report, and the access record of a view.

Invariants: an error report holds what the media row holds, already treated, and is kept at consent 1; an access record
holds no session id and no actor pseudonym of the event, so that no entry carries two pseudonyms of one person.
"""

from __future__ import annotations

from typing import Any

from telemetry_platform.processing.fingerprint import fingerprint

VIDEO = "video"
_OF_THE_EVENT = ("occurred_at", "client_at", "skewed")
ACCESS_EVENT = "session_start"
ERROR_EVENT = "error"


def error_report(row: dict[str, Any]) -> dict[str, Any]:
    """The `errors` body of a player's error, without what a request's entries share."""
    return {
        **{name: row[name] for name in _OF_THE_EVENT},
        "source": VIDEO,
        "error_code": row["error_code"],
        "fingerprint": fingerprint(VIDEO, row["error_code"], row["error_message"]),
        "message": row["error_message"],
        "fatal": row["fatal"],
        "http_status": row["http_status"],
        "session_id": row["session_id"],
        "media_id": row["media_id"],
        "position_seconds": row["position_seconds"],
    }


def access_record(  # noqa: PLR0913 - one argument a column
    *,
    occurred_at: int,
    actor_type: str,
    resource_id_hash: str,
    method: str,
    path: str,
    status_code: int,
    ip_truncated: str | None,
    device_type: str,
) -> dict[str, Any]:
    """The `audit` body: somebody viewed a medium."""
    return {
        "occurred_at": occurred_at,
        "actor_type": actor_type,
        "action": "media.view",
        "resource_type": "media",
        "resource_id_hash": resource_id_hash,
        "method": method,
        "path": path,
        "status_code": status_code,
        "outcome": "success",
        "ip_truncated": ip_truncated,
        "device_type": device_type,
    }
