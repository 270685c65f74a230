"""What the platform keeps about its own databases."""

from __future__ import annotations

from telemetry_platform.contracts.consent import LegalBasis
from telemetry_platform.contracts.erasure import ExpiresOnly
from telemetry_platform.contracts.event_kind import Store
from telemetry_platform.contracts.owners import Owner
from telemetry_platform.contracts.records import Record

_FILES = ExpiresOnly("names of SQL files and their digests: of no person")

SCHEMA_LEDGER = Record(
    name="ops.schema_ledger",
    description="What has been applied to this database, each file once.",
    owner=Owner.DATA,
    erasure=_FILES,
    legal_basis=LegalBasis.LEGITIMATE_INTEREST,
    why_kept="it says which release a database is at, for as long as there is a database",
    plain=("item", "checksum", "how"),
)
WAREHOUSE_LEDGER = Record(
    name="schema_ledger",
    description="What has been applied to this database.",
    owner=Owner.DATA,
    erasure=_FILES,
    legal_basis=LegalBasis.LEGITIMATE_INTEREST,
    why_kept="it says which release a database is at, for as long as there is a database",
    plain=("item", "checksum", "how"),
    store=Store.CLICKHOUSE,
)
_MARK = ExpiresOnly("random references and moments: of no person")
RESTORE_MARKS = Record(
    name="ops.restore_marks",
    description="Marks by which a restored database is told from one that went on.",
    owner=Owner.COMPLIANCE,
    erasure=_MARK,
    legal_basis=LegalBasis.LEGAL_OBLIGATION,
    why_kept="a backup of any age may come back; there is one row for each erasure that ended",
    plain=("why",),
)
WAREHOUSE_MARKS = Record(
    name="restore_marks",
    description="The other half of ops.restore_marks, in the warehouse.",
    owner=Owner.COMPLIANCE,
    erasure=_MARK,
    legal_basis=LegalBasis.LEGAL_OBLIGATION,
    why_kept="as long as the other half",
    store=Store.CLICKHOUSE,
)
INSTALLATION = Record(
    name="ops.installation",
    description="Whether this database is real or a demo, and where a demo's clock stands.",
    owner=Owner.DATA,
    erasure=ExpiresOnly("one row about the database itself: of no person"),
    legal_basis=LegalBasis.LEGITIMATE_INTEREST,
    why_kept="it says what the database is, for as long as there is one",
    plain=("kind",),
)
RECORDS = (SCHEMA_LEDGER, WAREHOUSE_LEDGER, RESTORE_MARKS, WAREHOUSE_MARKS, INSTALLATION)
