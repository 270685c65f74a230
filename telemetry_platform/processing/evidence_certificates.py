"""Whether a certificate of erasure says what a certificate has to say, by itself and by the trail.

Invariant: it is judged by what was written down, the row and its document, and by nothing that whoever made the archive
says about them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

CERTIFIED = "certified"
_COUNTS = ("erased", "unlinked", "survivors")


def certificate_fault(row: Mapping[str, Any]) -> str | None:
    """What is wrong with an erasure and its certificate; None when nothing is."""
    certificate, is_certified = row["certificate"], row["status"] == CERTIFIED
    if is_certified != (row["certified_at"] is not None):
        return "its status and the moment of its certificate do not agree"
    if certificate is None:
        return "it is certified and has no certificate" if is_certified else None
    try:
        return _document_fault(row, certificate) or (_end_fault(row, certificate) if is_certified else None)
    except (KeyError, TypeError):
        return "its certificate has not what a certificate has"


def _document_fault(row: Mapping[str, Any], certificate: Mapping[str, Any]) -> str | None:
    if certificate["reference"] != str(row["erasure_id"]) or certificate["org_id"] != row["org_id"]:
        return "its certificate is that of another one"
    totals = totals_of(certificate)
    if certificate["result"] != ("erased" if totals["erased"] or totals["unlinked"] else "nothing found"):
        return "the certificate's result is not that of its counts"
    return None


def _end_fault(row: Mapping[str, Any], certificate: Mapping[str, Any]) -> str | None:
    """What no erasure may have that came to its end."""
    if survivors := totals_of(certificate)["survivors"]:
        return f"{survivors:,} rows survived it"
    if row["trail_seq"] is None:
        return "no row of the trail says that it was certified"
    return None


def totals_of(certificate: Mapping[str, Any]) -> dict[str, int]:
    """Rows over all tables: erased, unlinked, survivors. Raises KeyError or TypeError for what is no certificate."""
    return {name: sum(table[name] for table in certificate["tables"]) for name in _COUNTS}


def trail_fault(row: Mapping[str, Any], details: Mapping[str, Any]) -> str | None:
    """What is wrong with a certified erasure by the details of the trail's row that says so."""
    if row["status"] != CERTIFIED:
        return "the trail says that it was certified, and it is not"
    if any(details.get(name) != total for name, total in totals_of(row["certificate"]).items()):
        return "its certificate counts something else than the trail"
    return None
