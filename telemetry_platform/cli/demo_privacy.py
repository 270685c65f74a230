"""The demo's second chapter: an excluded network, a withdrawal, a rotation and an erasure, told and then counted.

Invariant: every number is expected from what was done and found in the tables; nothing is taken from an answer alone.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from telemetry_platform.cli.console import out
from telemetry_platform.errors import PermanentError, TransientError
from telemetry_platform.simulate.privacy_story import (
    EXCLUDED_NETWORKS,
    OFFICER,
    ORG,
    Person,
    Teller,
    View,
    excluded_people,
)
from telemetry_platform.usecases.reconcile.expected import Line

if TYPE_CHECKING:
    from collections.abc import Callable

    from telemetry_platform.embedded.platform import PlatformHandle
    from telemetry_platform.stores.postgres import Connection
    from telemetry_platform.stores.warehouse import Warehouse

    Tell = Callable[[str], None]
    Chapter = Callable[["Tables"], list[Line]]

REFRESH_SECONDS = 1.0
"""How soon the API of a demo sees a new exclusion list and a new key; sixty and fifteen seconds elsewhere."""
_PATIENCE_SECONDS = 120.0
_POLL_SECONDS = 0.3
_EXCLUSIONS, _WITHDRAWAL, _ROTATION, _ERASURE = (
    "Privacy: an excluded network",
    "Privacy: a withdrawal",
    "Privacy: a key rotation",
    "Privacy: an erasure",
)


@dataclass(frozen=True)
class Tables:
    """What rests of the chapter's tenant."""

    warehouse: Warehouse
    trail: Connection

    def count(self, table: str, where: str = "1", **parameters: Any) -> int:  # noqa: ANN401 - values of columns
        """Rows of the tenant in a ClickHouse table; `where` is a condition of ours."""
        statement = f"SELECT count() FROM {table} WHERE org_id = {{org:String}} AND {where}"  # noqa: S608 - names of ours
        return int(self.warehouse.client.query(statement, {"org": ORG, **parameters})[0][0])

    def rows_of(self, view: View) -> int:
        """Rows of a view."""
        return self.count("media_events", "session_id = {id:UUID}", id=view.session_id)

    def epoch(self, view: View) -> int:
        """The one key epoch of a view's rows; -1 when there is not exactly one."""
        statement = (
            "SELECT if(uniqExact(key_epoch) = 1, toInt64(any(key_epoch)), -1) FROM media_events "
            "WHERE org_id = {org:String} AND session_id = {id:UUID}"
        )
        return int(self.warehouse.client.query(statement, {"org": ORG, "id": view.session_id})[0][0])

    def entries(self, action: str) -> int:
        """Entries of the tenant in the trail."""
        row = self.trail.execute(
            "SELECT count(*) FROM audit.audit_logs WHERE org_id = %s AND action = %s", (ORG, action)
        ).fetchall()[0]
        return int(row[0])


def exclude(handle: PlatformHandle, teller: Teller, tell: Tell) -> Chapter:
    """Add two networks to the list, sync it, and watch from there; what must rest of it."""
    from telemetry_platform.contracts.exclusions import SyncMode
    from telemetry_platform.embedded.platform_services import exclusions_file
    from telemetry_platform.stores import postgres
    from telemetry_platform.usecases.sync_exclusions import opened_sync, sync_exclusions

    file = exclusions_file(handle.state)
    listed = json.loads(file.read_text(encoding="utf-8"))
    before = len(listed["exclusions"])
    listed["exclusions"] += [
        {
            "exclusion_type": "ccpa_do_not_sell",
            "data_type": "network",
            "value": network,
            "last_updated": "2026-02-17T10:00:00Z",
        }
        for network in EXCLUDED_NETWORKS
    ]
    file.write_text(json.dumps(listed), encoding="utf-8")
    with postgres.connect(handle.settings.postgres, autocommit=True) as connection:
        report = sync_exclusions(opened_sync(connection, handle.settings), SyncMode.FULL)[-1]
    tell(f"Two networks were added to the exclusion list and synced: {report.active} are in force.")
    time.sleep(2 * REFRESH_SECONDS)
    views = [View(person) for person in excluded_people()]
    answers = [Counter([teller.open(view), teller.fail(view)]) + teller.watch(view, 3) for view in views]
    dropped = sum(each["excluded_network"] for each in answers)
    tell(f"{len(views)} people watched from there: by IPv4, IPv4 within IPv6, and IPv6.")

    def lines(tables: Tables) -> list[Line]:
        sessions = [view.session_id for view in views]
        where = "session_id IN {sessions:Array(UUID)}"
        rests = sum(tables.count(table, where, sessions=sessions) for table in ("media_events", "error_events"))
        return [
            Line(_EXCLUSIONS, "networks in force", before + len(EXCLUDED_NETWORKS), report.active),
            Line(_EXCLUSIONS, "answers: dropped, excluded_network", 5 * len(views), dropped),
            Line(_EXCLUSIONS, "rows of media and errors", 0, rests),
            Line(_EXCLUSIONS, "access records in the trail", len(views), tables.entries("media.view")),
        ]

    return lines


def withdraw(teller: Teller, tell: Tell) -> Chapter:
    """Agree, watch, withdraw, and go on with a page that does not know of it."""
    view = View(Person("sim-withdrawer"))
    before = teller.watch(view, 4)
    level = teller.decide(view.person, 1)
    after = teller.watch(view, 3)
    tell("Somebody withdrew their consent; an old page of theirs went on claiming level 3.")

    def lines(tables: Tables) -> list[Line]:
        rows = tables.rows_of(view)
        counted = tables.count("consent_drops", "reason = 'recorded_decision'")
        return [
            Line(_WITHDRAWAL, "answers before: accepted", 4, before["accepted"]),
            Line(_WITHDRAWAL, "level that counts after", 1, level or 0),
            Line(_WITHDRAWAL, "answers after: dropped, recorded_decision", 3, after["recorded_decision"]),
            Line(_WITHDRAWAL, "rows: what was accepted before", 4, rows),
            Line(_WITHDRAWAL, "drops that are counted", 3, counted),
            Line(_WITHDRAWAL, "decisions in the trail", 1, tables.entries("consent.decided")),
        ]

    return lines


def rotate(handle: PlatformHandle, teller: Teller, person: Person, tell: Tell) -> tuple[Chapter, tuple[View, View]]:
    """Watch, rotate the key of actors, go on in the same view, and open another one; the views."""
    from telemetry_platform.contracts.pii import Domain
    from telemetry_platform.processing.key_rotation import lead
    from telemetry_platform.stores import postgres
    from telemetry_platform.usecases import rotate_keys

    old, new = View(person), View(person)
    teller.watch(old, 3)
    with postgres.connect(handle.settings.postgres) as connection:
        # A successor is active a quarter of an hour after it was planned: this one was planned that long ago.
        ago = datetime.now(UTC) - lead(handle.settings.keys.max_age_seconds)
        report = rotate_keys.rotate(connection, handle.settings.keys, ago, early=(Domain.ACTOR,))
    epoch = next(planned for planned in report.added if planned.domain is Domain.ACTOR)
    time.sleep(max(0.0, (epoch.active_from - datetime.now(UTC)).total_seconds()) + 2 * REFRESH_SECONDS)
    teller.watch(old, 2)
    teller.watch(new, 2)
    tell(f"The key of actors was rotated in the middle of a view; epoch {epoch.epoch} is active.")

    def lines(tables: Tables) -> list[Line]:
        return [
            Line(_ROTATION, "rows of the view that went on", 5, tables.rows_of(old)),
            Line(_ROTATION, "  their one epoch: the one it began with", epoch.epoch - 1, tables.epoch(old)),
            Line(_ROTATION, "rows of the view that began after it", 2, tables.rows_of(new)),
            Line(_ROTATION, "  their one epoch: the next", epoch.epoch, tables.epoch(new)),
        ]

    return lines, (old, new)


def erase(teller: Teller, views: tuple[View, View], tables: Tables, tell: Tell) -> list[Line]:
    """Ask for the erasure of whoever has rows under two epochs, wait for the certificate, and send something late."""
    person = views[0].person
    stale = View(person).event("heartbeat", position_seconds=1.0)
    before = sum(map(tables.rows_of, views))
    asked = teller.ask("POST", "/v1/privacy/erasures", OFFICER, {"user_id": person.user_id})
    certificate = _certified(teller, asked)["certificate"]
    tell("Somebody asked to be erased; Dagster swept every table and wrote the certificate.")
    late = teller.post(person, "/v1/media/events", stale)
    return [
        Line(_ERASURE, "rows of media_events under both epochs, before", 7, before),
        Line(_ERASURE, "  erased, says the certificate", 7, _erased(certificate, "media_events")),
        Line(_ERASURE, "  at rest after it", 0, sum(map(tables.rows_of, views))),
        Line(_ERASURE, "answer to an event from before it: dropped, erased", 1, int(late == "erased")),
        Line(_ERASURE, "entries in the trail: asked for", 1, tables.entries("erasure.requested")),
        Line(_ERASURE, "entries in the trail: certified", 1, tables.entries("erasure.certified")),
    ]


def _certified(teller: Teller, asked: dict[str, Any]) -> dict[str, Any]:
    """The erasure once it is certified. Raises when it is refused, or takes too long."""
    if "erasure_id" not in asked:
        raise PermanentError(f"the erasure was not taken: {asked.get('detail', '')}")
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while True:
        found = teller.ask("GET", f"/v1/privacy/erasures/{asked['erasure_id']}", OFFICER)
        if found.get("status") == "certified":
            return found
        if time.monotonic() > deadline:
            raise TransientError(f"the erasure is still `{found.get('status')}`: look at the runs in the Dagster UI")
        time.sleep(_POLL_SECONDS)


def _erased(certificate: dict[str, Any], table: str) -> int:
    """How many rows of a table a certificate says were erased."""
    return sum(int(row["erased"]) for row in certificate["tables"] if row["table"] == table)


def privacy_chapter(handle: PlatformHandle, wait_until_drained: Callable[[], object]) -> list[Line]:
    """All four, in the order in which they can be counted."""
    from telemetry_platform.simulate.tokens import Signer
    from telemetry_platform.stores import postgres
    from telemetry_platform.stores.warehouse import open_warehouse

    token = handle.settings.api.token
    secret = "" if token.secret is None else token.secret.get_secret_value()
    teller = Teller(handle.api_url, Signer(secret, token.issuer, token.audience))
    url = handle.settings.postgres.read_url or handle.settings.postgres.url
    excluded, withdrawn = exclude(handle, teller, _tell), withdraw(teller, _tell)
    rotated, views = rotate(handle, teller, Person("sim-traveller"), _tell)
    wait_until_drained()
    with (
        open_warehouse(handle.settings.clickhouse, log_comment="telemetry demo, privacy") as warehouse,
        postgres.connect(url.get_secret_value(), autocommit=True) as trail,
    ):
        tables = Tables(warehouse, trail)
        found = [line for lines in (excluded, withdrawn, rotated) for line in lines(tables)]
        return [*found, *erase(teller, views, tables, _tell)]


def _tell(text: str) -> None:
    out.print(text, markup=False, highlight=False)
