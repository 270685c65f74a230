"""A trail with rows of two tenants, and what readers ask of it over HTTP."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from uuid import uuid4

from telemetry_platform.stores import postgres
from telemetry_platform_tests.stores.trail import Trail, append, entry

if TYPE_CHECKING:
    import httpx

    from telemetry_platform.embedded.platform import PlatformHandle
    from telemetry_platform.settings import Settings
    from telemetry_platform_tests.api.serving import Api

LOGS, SEARCH = "/v1/audit/logs", "/v1/audit/logs/search"
VERIFICATION, SECURITY = "/v1/audit/verification", "/v1/security/events"


def trail_of(engines: PlatformHandle, settings: Settings) -> Trail:
    """The server's database, as any of its roles; a drain has the lease."""
    trail = Trail(engines, urlsplit(settings.postgres.url.get_secret_value()).path.lstrip("/"))
    trail.give_lease()
    return trail


def fill(trail: Trail, org_id: str, rows: int, **changed: str) -> None:
    """So many rows of one tenant, in batches as a drain brings them."""
    with trail.connect("telemetry_ingest", autocommit=False) as connection:
        for begin in range(0, rows, 10_000):
            append(connection, *(entry(None, org_id=org_id, **changed) for _ in range(min(10_000, rows - begin))))


def fill_security(trail: Trail, org_id: str, rows: int, **changed: object) -> None:
    """So many security events of one tenant."""
    given = [
        {
            "event_id": str(uuid4()),
            "occurred_at": 1_771_322_400_123,
            "org_id": org_id,
            "type": "auth.failed",
            "severity": "low",
            "rule_id": None,
            "method": "POST",
            "path": "/v1/auth/sign-in",
            "details": json.dumps({"tries": number}),
            "actor_hash": "",
            "key_epoch": 0,
            "ip_truncated": "192.168.1.0",
            "country_code": "RO",
            "user_agent_family": "firefox",
            **changed,
        }
        for number in range(rows)
    ]
    with trail.connect("telemetry_ingest") as connection:
        connection.execute(
            "SELECT security.append(%s, 'telemetry:landing:security:0', %s, 7)", [json.dumps(given), str(uuid4())]
        )


def bearer(api: Api, **claims: Any) -> dict[str, str]:  # noqa: ANN401 - JSON values
    """The headers of the compliance officer of clinic-1, unless told otherwise."""
    token = api.token(**({"sub": "officer-1", "roles": ["compliance"]} | claims))
    return {"Authorization": f"Bearer {token}"}


def get(api: Api, path: str = LOGS, /, query: dict[str, Any] | None = None, **claims: Any) -> httpx.Response:  # noqa: ANN401 - JSON values
    """Ask as the compliance officer of clinic-1, unless told otherwise."""
    return api.client.get(path, params=query or {}, headers=bearer(api, **claims))


def search(api: Api, body: Any, **claims: Any) -> httpx.Response:  # noqa: ANN401 - JSON values
    """Search as the compliance officer of clinic-1, unless told otherwise."""
    headers = bearer(api, **claims) | {"Content-Type": "application/json"}
    return api.client.post(SEARCH, content=json.dumps(body), headers=headers)


def walk(api: Api, query: dict[str, Any], **claims: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - JSON values
    """All rows of a walk, page by page."""
    found: list[dict[str, Any]] = []
    asked = dict(query)
    while True:
        answer = get(api, LOGS, asked, **claims)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        found += page["logs"]
        if page["next"] is None:
            return found
        asked |= {"after": page["next"], "until_seq": page["until_seq"]}


def own_entries(trail: Trail, action: str) -> list[tuple[Any, ...]]:
    """What the trail says of an action of the platform's: tenant, actor, resource, path, details."""
    return trail.rows(
        "SELECT l.org_id, l.actor_hash, l.resource_id_hash, l.path, d.body FROM audit.audit_logs l "
        "LEFT JOIN audit.details d USING (seq) WHERE l.action = %s ORDER BY l.seq",
        [action],
    )


def refuse_records(settings: Settings, *, refuse: bool) -> None:
    """Take from the API what it writes the trail by, or give it back."""
    assert settings.postgres.owner_url is not None
    with postgres.connect(settings.postgres.owner_url.get_secret_value(), autocommit=True) as owner:
        verb, to = ("REVOKE", "FROM") if refuse else ("GRANT", "TO")
        owner.execute(f"{verb} EXECUTE ON FUNCTION audit.record(jsonb) {to} telemetry_ingest".encode())
