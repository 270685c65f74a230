"""What the platform says of itself is nobody else's to say: such names are refused at the door."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from telemetry_platform.contracts.own_actions import own_actions
from telemetry_platform.contracts.payloads.audit import AuditEvent
from telemetry_platform.contracts.payloads.security import SecurityEvent
from telemetry_platform.contracts.sightings import DETECTED, sightings

_AUDIT = {"actor_type": "service", "resource_type": "media", "outcome": "success"}


def reasons(error: pytest.ExceptionInfo[ValidationError]) -> dict[str, str]:
    return {str(fault["loc"][0]): fault["type"] for fault in error.value.errors()}


@pytest.mark.parametrize("name", sorted(action.name for action in own_actions()))
def test_a_service_cannot_say_that_the_platform_did_something(name: str) -> None:
    with pytest.raises(ValidationError) as caught:
        AuditEvent.model_validate({**_AUDIT, "action": name})
    assert reasons(caught)["action"] == "reserved"


@pytest.mark.parametrize("name", sorted({DETECTED, *(sighting.type for sighting in sightings())}))
def test_a_service_cannot_say_what_the_platform_saw(name: str) -> None:
    with pytest.raises(ValidationError) as caught:
        SecurityEvent.model_validate({"type": name, "severity": "low"})
    assert reasons(caught)["type"] == "reserved"


def test_its_own_names_are_taken() -> None:
    for model, given in (
        (AuditEvent, {**_AUDIT, "action": "media.view"}),
        (SecurityEvent, {"type": "auth.failed", "severity": "low"}),
    ):
        with pytest.raises(ValidationError) as caught:
            model.model_validate(given)
        assert not {"action", "type"} & reasons(caught).keys()
