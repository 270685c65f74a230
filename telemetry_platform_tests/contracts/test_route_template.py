"""Route templates: what an application declares is taken, what somebody called is not."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from telemetry_platform.contracts.types import Route

routes: TypeAdapter[str] = TypeAdapter(Route)


@pytest.mark.parametrize(
    ("declared", "stored"),
    [
        ("/", "/"),
        ("/v1/patients/", "/v1/patients/"),
        ("/api/v2/exercise-plans/{plan_id}", "/api/v2/exercise-plans/{plan_id}"),
        ("/files/{path:path}", "/files/{path}"),
        ("/patients/<int:id>/videoCalls", "/patients/{id}/videoCalls"),
        ("/patients/:id2/plans", "/patients/{id2}/plans"),
        ("/auth/oauth2/token", "/auth/oauth2/token"),
        ("/.well-known/openid-configuration", "/.well-known/openid-configuration"),
        ("/openapi.json", "/openapi.json"),
        ("/media/{id}/master.m3u8", "/media/{id}/master.m3u8"),
        ("/feedback/facade", "/feedback/facade"),
    ],
)
def test_a_template_is_stored_in_one_form(declared: str, stored: str) -> None:
    assert routes.validate_python(declared, strict=True) == stored
    assert routes.validate_python(stored, strict=True) == stored


@pytest.mark.parametrize(
    "called",
    [
        "",
        "patients",
        "//evil.example",
        "/patients//plans",
        "//",
        "/patients/4711",
        "/patients/user4",
        "/patients/ana.popescu",
        "/clinics/patients/plans/v42",
        "/v123/patients",
        "/patients/dead-beef-cafe-babe",
        "/patients/deadbeef",
        "/patients/{p0721234567}",
        "/patients/:u123456789",
        "/patients/<int:u123>",
        "/patients/ana@example.com",
        "/patients?name=ana",
        "/patients/\u0664",
        "/patients/ana\n",
        "/" + "a/" * 300,
    ],
)
def test_e70_a_path_that_was_called_is_no_template(called: str) -> None:
    with pytest.raises(ValidationError) as caught:
        routes.validate_python(called, strict=True)
    assert caught.value.errors()[0]["type"] == "route_template"
