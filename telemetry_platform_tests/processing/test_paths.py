"""Paths keep what is known and nothing else."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_platform.processing.paths import PathReducer

reduced = PathReducer(["patients", "Plans", "index.html"])


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/patients", "/patients"),
        ("/Patients/12/plans/", "/patients/:x/plans"),
        ("https://ana:secret@app.example.com:8443/patients/ana?token=abc#plans", "/patients/:x"),
        ("//app.example.com/patients", "/patients"),
        ("/patients;jsessionid=1234", "/patients"),
        ("patients/../../etc", "/patients/:x/:x/:x"),
        ("#/patients/12", "/"),
        ("", "/"),
        ("/", "/"),
        ("data:text/html,ana@example.com", "/:x/:x"),
        ("blob:https://app.example.com/550e8400", "/:x/:x/:x"),
        ("/%70atients/12", "/:x/:x"),
        ("/index.html", "/index.html"),
        ("\\\\host\\patients", "/:x"),
    ],
)
def test_a_path_is_reduced(text: str, path: str) -> None:
    assert reduced(text) == path


@given(st.text(max_size=200))
def test_nothing_but_known_segments_is_left_of_any_text(text: str) -> None:
    path = reduced(text)
    assert path.startswith("/")
    assert set(path[1:].split("/")) <= {"", ":x", "patients", "plans", "index.html"}
    assert path.count("/") <= 12
    assert reduced(path) == path
