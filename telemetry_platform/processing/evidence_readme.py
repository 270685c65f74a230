"""The README of an evidence archive: what each file is, how it hangs together, and how to check it by hand.

Invariant: it is made of the list of files, so that no column stands in a file without standing here; it names no
address, since an archive is read where there may be no network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from telemetry_platform.contracts.evidence import FORMAT, MANIFEST, SIGNATURE, SUMMARY
from telemetry_platform.contracts.evidence_files import DATA_FILES, READERS, RUNS, TRAIL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from telemetry_platform.contracts.evidence import Period

_HEAD = """# Evidence, {first} to {last}

Format `{format}`. Whole days in UTC, both included. Begin with `{summary}`. Of the whole installation, all tenants: a
chain proves nothing where rows are left out. Persons are pseudonyms; nobody is named.

## Verify it

    telemetry evidence verify FILE --key-id ID

needs no database, no network and no setting. The id of the key is what you were told by another way than this file;
without it the signature is compared with a key of the archive itself, and says nothing of who made it.

By hand: `openssl pkeyutl -verify -pubin -inkey keys/ID.pem -rawin -in {manifest} -sigfile {signature}`; the id of a key
is the first 32 hex digits of the SHA-256 over its 32 raw bytes. `{manifest}` has the SHA-256 of every other file.

- **Trail.** A row's form is, for each column of `{trail}` from `seq` to `details_hash` in that order, its length in
  bytes, a colon and its text, or `-` for null; times as microseconds since 1970. `row_hash` is SHA-256 over the 64
  digits of `prev_hash` and the form. `details_hash` is SHA-256 over the nonce and the text of `details`.
- **Checkpoints.** Each was signed outside the database and names the one before; a row whose hash one of them has seen,
  and all rows before it, are what they were at that moment.
- **Retention.** `{runs}` is a chain too: the form is `number` to `status` in the same spelling.
- **Access.** `{readers}` holds lines of `{trail}` once more, so that who read what can be looked at by itself.

## Files

One JSON object a line. Times are RFC 3339 in UTC.
"""


def readme(period: Period) -> str:
    """The file `README.md`."""
    head = _HEAD.format(
        first=period.first_day,
        last=period.last_day,
        format=FORMAT,
        summary=SUMMARY,
        manifest=MANIFEST,
        signature=SIGNATURE,
        trail=TRAIL.name,
        runs=RUNS.name,
        readers=READERS.name,
    )
    return head + "".join(_files())


def _files() -> Iterator[str]:
    for file in DATA_FILES:
        yield f"\n### {file.name}\n\n{file.title}: {file.holds}. From: {file.table}.\n\n"
        yield "| field | holds |\n| --- | --- |\n"
        yield from (f"| {name} | {holds} |\n" for name, holds in file.columns.items())
    yield "\n### keys/ID.pem\n\nPublic keys (Ed25519) of all signatures in the archive.\n"
