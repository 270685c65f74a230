"""The part of docs/api.md that tells how events are posted: once what all endpoints share, then each endpoint's own.

The contracts say who may post what, and on which consent; the OpenAPI description has examples and schemas.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, get_args

from telemetry_platform.contracts.consent import DropReason
from telemetry_platform.contracts.event_kind import Role
from telemetry_platform.contracts.rejects import Counted
from telemetry_platform.docs_generation import contract_words, markdown
from telemetry_platform.docs_generation.schema_words import pretty
from telemetry_platform.usecases.accept_frames import CONFLICT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pydantic import BaseModel

    from telemetry_platform.contracts.event_kind import Endpoint, EventKind

_SHARED = """\
A body is one event or a batch, `{"events": [...]}`, as JSON, at most 1 MiB, not compressed. A field that no contract
knows is dropped and counted. A text may be 4 KiB long where nothing else is said, a stack trace 32 KiB. An event with
an `event_id` may be sent again after any failure: within a tenant, the first one with that id counts."""
_ANSWERS = """\
One event is answered as it is; a batch is answered by `results` in the order of its events, with 202 if any of them is
not rejected and 422 otherwise. `dropped` is no error: the event was understood and, as the person chose, not kept."""
_EVENT_ID = "06dad889-31f8-4c3b-9a55-3c2e1a7b9d10"
_SESSION_ID = "550e8400-e29b-41d4-a716-446655440000"
NO_ZONE = "must carry a time zone, like 2026-02-17T10:00:00Z or +02:00"
ACCEPTED = {"status": "accepted", "event_id": _EVENT_ID, "session_id": _SESSION_ID}
DROPPED = {**ACCEPTED, "status": "dropped", "reason": DropReason.CONSENT_TOO_LOW.value}
PROBLEM = {
    "type": "urn:telemetry:problem:invalid_event",
    "title": HTTPStatus.UNPROCESSABLE_ENTITY.phrase,
    "status": HTTPStatus.UNPROCESSABLE_ENTITY.value,
    "code": "invalid_event",
    "detail": "the event is not what its contract says",
    "errors": [{"field": "timestamp", "message": NO_ZONE, "code": "timezone_required"}],
}


def shared(openapi: Mapping[str, Any], kinds: Sequence[EventKind]) -> Iterator[str]:
    """What holds for every endpoint that takes events, and the list of them."""
    operations = [openapi["paths"][endpoint.path]["post"] for endpoint in map(_endpoint, kinds)]
    yield "## Posting events"
    yield markdown.table(("endpoint", "takes", "from", "consent"), [_line(kind) for kind in kinds])
    yield _SHARED
    headers = {header["name"]: header["description"] for one in operations for header in one.get("parameters", ())}
    yield markdown.table(("header", "meaning"), [("`Authorization`", "`Bearer` and the token"), *_named(headers)])
    yield _ANSWERS
    batch = {"results": [ACCEPTED, DROPPED, {"status": "rejected", "problem": PROBLEM}]}
    yield markdown.code(pretty(batch), "json")
    reasons = ", ".join(f"`{reason.value}`" for reason in DropReason)
    yield f"Reasons of a drop: {reasons}."
    answers = {status: answer["description"] for one in operations for status, answer in one["responses"].items()}
    yield markdown.table(("status", "answer"), sorted(answers.items()))


def endpoint_section(openapi: Mapping[str, Any], kind: EventKind) -> Iterator[str]:
    """One endpoint: what it takes, from whom, and an event that it would accept."""
    endpoint = _endpoint(kind)
    operation = openapi["paths"][endpoint.path]["post"]
    yield f"## POST {endpoint.path}"
    yield f"{operation['summary']}. {kind.description}"
    yield "\n".join(f"- {name}: {text}" for name, text in _facts(kind, endpoint))
    body = operation["requestBody"]["content"]["application/json"]
    # Not the models' own names: of two that are called alike, the schemas are not.
    one = body["schema"]["oneOf"][0]
    schemas = [part["$ref"].rsplit("/", 1)[-1] for part in one.get("oneOf", [one])]
    variants = [_variant(kind, model, schema) for model, schema in zip(kind.payload, schemas, strict=True)]
    yield markdown.table(("type of event", "consent", "fields"), variants)
    name, first = next(iter(body["examples"].items()))
    yield f"Example (`{name}`):"
    yield markdown.code(pretty(first["value"]), "json")


def _endpoint(kind: EventKind) -> Endpoint:
    if kind.endpoint is None:
        raise ValueError(f"the kind {kind.name} is made by the API itself and has no endpoint to describe")
    return kind.endpoint


def _line(kind: EventKind) -> tuple[str, ...]:
    endpoint = _endpoint(kind)
    anchor = f"post-{endpoint.path.replace('/', '').lower()}"
    return f"[`POST {endpoint.path}`](#{anchor})", kind.description, _roles(endpoint), contract_words.consent(kind)


def _roles(endpoint: Endpoint) -> str:
    roles = "everybody with a token" if endpoint.roles == frozenset(Role) else ", ".join(sorted(endpoint.roles))
    return f"{roles}, and without one" if endpoint.anonymous else roles


def _facts(kind: EventKind, endpoint: Endpoint) -> Iterator[tuple[str, str]]:
    yield "from", _roles(endpoint)
    if endpoint.anonymous:
        yield (
            "without a token",
            (
                "within a rate limit; what comes so belongs to nobody, to no session and to a tenant of its own: an "
                "`event_id` that is sent with a token and again without one is two events"
            ),
        )
    basis = kind.table.legal_basis.value
    yield "consent", f"{contract_words.consent(kind)}; legal basis: {basis}"
    if kind.purpose:
        yield "purpose", f"`{kind.purpose}`, in the token's claim `purposes` or in a recorded decision; else dropped"
    if kind.frames:
        yield "at most", f"{endpoint.max_events} {kind.frames.field} in a body, of all its events together"
        known = f"`{kind.session_field}` and `{kind.frames.number}`"
        yield (
            "sent again",
            (
                f"one of the {kind.frames.field} is known by {known}. Another one under a known number is rejected "
                f"within a request (`{CONFLICT.code}`); in a later request it is accepted, the drain counts it as "
                f"`{Counted.ID_CONFLICT.value}`, and the first one stays"
            ),
        )
    else:
        yield "at most", f"{endpoint.max_events} events in a body"
    yield (
        "stored in",
        ", ".join(f"[`{table.name}`](data-dictionary.md#{_anchor(table.name)})" for table in _stored(kind)),
    )


def _stored(kind: EventKind) -> Iterator[Any]:
    yield kind.table
    yield from kind.derived


def _anchor(title: str) -> str:
    return title.replace(".", "")


def _variant(kind: EventKind, model: type[BaseModel], schema: str) -> tuple[str, str, str]:
    tags: tuple[str, ...] = (
        get_args(model.model_fields[kind.discriminator].annotation) if kind.discriminator else (kind.name,)
    )
    levels = {level for tag in tags if (level := kind.needs(tag)) is not None}
    named = ", ".join(f"`{tag}`" for tag in tags) if kind.discriminator else "the only one"
    consent = ", ".join(str(int(level)) for level in sorted(levels)) or "not applicable"
    return named, consent, f"[{schema}](#{schema.lower()})"


def _named(descriptions: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(f"`{name}`", text) for name, text in descriptions.items()]
