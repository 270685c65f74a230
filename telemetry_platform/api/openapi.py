"""What the OpenAPI document says of the endpoints that take events: schemas, headers, answers, examples."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from pydantic.json_schema import models_json_schema

from telemetry_platform.api.examples import example

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import TypeAlias

    from pydantic import BaseModel

    from telemetry_platform.contracts.event_kind import EventKind

    Refs: TypeAlias = Mapping[type[BaseModel], str]

_TEMPLATE = "#/components/schemas/{model}"
_ANSWER = {
    "type": "object",
    "required": ["status", "event_id"],
    "properties": {
        "status": {"enum": ["accepted", "dropped"]},
        "event_id": {"type": "string", "format": "uuid"},
        "session_id": {"type": ["string", "null"], "format": "uuid"},
        "frame_no": {"type": "integer", "description": "of kinds with frames: which one; each gets an answer"},
        "reason": {"type": "string", "description": "why a dropped event was dropped"},
    },
}
_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "code", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {name: {"type": "string"} for name in ("field", "message", "code")},
            },
        },
    },
}
_BATCH_ANSWER = {
    "type": "object",
    "properties": {
        "results": {
            "type": "array",
            "items": {
                "oneOf": [
                    {"$ref": "#/components/schemas/EventAnswer"},
                    {
                        "type": "object",
                        "properties": {
                            "status": {"const": "rejected"},
                            "frame_no": {"type": ["integer", "null"], "description": "of kinds with frames: which one"},
                            "problem": {"$ref": "#/components/schemas/Problem"},
                        },
                    },
                ]
            },
        }
    },
}
_PROBLEMS = {
    "400": "the body cannot be read: malformed JSON, NaN, a key given twice, nested too deeply",
    "401": "no valid token",
    "403": "the token's roles may not post here",
    "409": "the session was begun by somebody else",
    "413": "the body is too large",
    "415": "not JSON, or compressed",
    "422": "the event is not what its contract says; `errors` names the fields",
    "429": "too many reports without a valid token from here: send again after Retry-After",
    "503": "the queue is full or a store does not answer: send again after Retry-After, with the same event ids; after "
    "`outcome_unknown` it may have been taken already, after every other code nothing was",
}
_LEVEL = "X-Consent-Level"
_HEADERS = (
    (_LEVEL, "what the person agreed to: 0, 1, 2 or 3; everything else counts as 1", ["0", "1", "2", "3"]),
    ("Sec-GPC", "Global Privacy Control: 1 caps the level at 2", ["1"]),
)


def paths_of(posted: Sequence[EventKind], now: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Paths and schemas of all kinds that clients post; `now` in milliseconds dates the examples."""
    found, definitions = models_json_schema(
        [(model, "validation") for kind in posted for model in kind.payload], ref_template=_TEMPLATE
    )
    # Not made from the models' names: two kinds may call a model alike, and their schemas are then called otherwise.
    refs: Refs = {model: found[model, "validation"]["$ref"] for kind in posted for model in kind.payload}
    schemas = definitions.get("$defs", {}) | {
        "EventAnswer": _ANSWER,
        "BatchAnswer": _BATCH_ANSWER,
        "Problem": _PROBLEM,
    }
    return {kind.endpoint.path: {"post": _operation(kind, refs, now)} for kind in posted if kind.endpoint}, schemas


def _operation(kind: EventKind, refs: Refs, now: int) -> dict[str, Any]:
    endpoint = kind.endpoint
    roles = ", ".join(sorted(endpoint.roles)) if endpoint else ""
    most = endpoint.max_events if endpoint else 0
    return {
        "tags": ["events"],
        "summary": endpoint.summary if endpoint else kind.name,
        "description": (
            f'{kind.description} One event, or up to {most} as `{{"events": [...]}}`. Roles: {roles}. {_consent(kind)}'
        ),
        "operationId": f"post_{kind.name}",
        "security": [{"token": []}, *([{}] if endpoint and endpoint.anonymous else [])],
        "parameters": [
            {"name": name, "in": "header", "description": text, "schema": {"type": "string", "enum": values}}
            | ({"example": _level(kind)} if name == _LEVEL else {})
            for name, text, values in (_HEADERS if kind.consent is not None else ())
        ],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": _body_schema(kind, refs, most), "examples": _examples(kind, now)}
            },
        },
        "responses": {
            "202": {
                "description": "accepted, or dropped with the reason; of a batch, each in its place",
                "content": {
                    "application/json": {
                        "schema": {
                            "oneOf": [{"$ref": _TEMPLATE.format(model=name)} for name in ("EventAnswer", "BatchAnswer")]
                        }
                    }
                },
            },
            **{
                status: {
                    "description": text,
                    "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
                }
                for status, text in _PROBLEMS.items()
                if status != "429" or (endpoint and endpoint.anonymous)
            },
        },
    }


def _level(kind: EventKind) -> str:
    """The level at which every example of the kind is accepted."""
    return str(int(max(kind.needs("") or 0, *kind.consent_of.values(), 0)))


def _consent(kind: EventKind) -> str:
    """What a person must have agreed to."""
    if kind.consent is None:
        return f"Consent is not applicable: {kind.table.legal_basis.value}."
    higher = "".join(f", {int(level)} for {event}" for event, level in kind.consent_of.items())
    purpose = f", and the purpose `{kind.purpose}` in the token or a recorded decision" if kind.purpose else ""
    anonymous = " Also without a token, within a rate limit." if kind.endpoint and kind.endpoint.anonymous else ""
    return f"Consent level {int(kind.consent)}{higher}{purpose}.{anonymous}"


def _body_schema(kind: EventKind, refs: Refs, most: int) -> dict[str, Any]:
    models = [{"$ref": refs[model]} for model in kind.payload]
    one: dict[str, Any] = {"oneOf": models} if len(models) > 1 else dict(models[0])
    if kind.discriminator is not None:
        one["discriminator"] = {
            "propertyName": kind.discriminator,
            "mapping": {tag: refs[model] for model in kind.payload for tag in _tags(kind, model)},
        }
    batch = {
        "type": "object",
        "required": ["events"],
        "properties": {"events": {"type": "array", "minItems": 1, "maxItems": most, "items": one}},
    }
    return {"oneOf": [one, batch]}


def _tags(kind: EventKind, model: type[BaseModel]) -> tuple[str, ...]:
    return get_args(model.model_fields[kind.discriminator or ""].annotation)


def _examples(kind: EventKind, now: int) -> dict[str, Any]:
    """One example a variant, and all of them as a batch."""
    single = {
        tag or kind.name: {
            "value": example(model, now, {kind.discriminator: tag} if tag and kind.discriminator else {})
        }
        for model in kind.payload
        for tag in (_tags(kind, model) if kind.discriminator else ("",))
    }
    return {**single, "batch": {"value": {"events": [each["value"] for each in single.values()]}}}
