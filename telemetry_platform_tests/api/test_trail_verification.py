"""Whether the trail is whole, as the API tells it."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import SecretStr

from telemetry_platform.settings import AuditSettings
from telemetry_platform.usecases.checkpoint_trail import checkpoint
from telemetry_platform_tests.api.serving import Api, serving
from telemetry_platform_tests.api.trail_reading import VERIFICATION, fill, get, own_entries, refuse_records, trail_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from telemetry_platform.embedded.platform import PlatformHandle
    from telemetry_platform.settings import Settings
    from telemetry_platform_tests.stores.trail import Trail


@pytest.fixture
def trail(engines: PlatformHandle, platform: Settings) -> Trail:
    found = trail_of(engines, platform)
    fill(found, "clinic-1", 10)
    return found


@pytest.fixture
def api(platform: Settings, trail: Trail) -> Iterator[Api]:
    assert trail.rows("SELECT seq FROM audit.head")[0][0] >= 10
    # It knows no folder of checkpoints: it goes by the verifications alone.
    without = platform.model_copy(update={"audit": AuditSettings()})
    with serving(without, None) as running:
        yield running


def verified(trail: Trail, mode: str, to_seq: int, first_bad_seq: int | None = None) -> None:
    """Note a verification as the job does, now."""
    reason = None if first_bad_seq is None else "row_hash is not that of the row"
    with trail.connect("telemetry_retention") as connection:
        connection.execute(
            "INSERT INTO audit.verifications (verified_at, mode, from_seq, to_seq, rows, anchors, checkpoints, "
            "newest_checkpoint, resumptions, ok, first_bad_seq, reason) "
            "VALUES (clock_timestamp(), %s, 1, %s, %s, 0, 0, NULL, 0, %s, %s, %s)",
            [mode, to_seq, to_seq, first_bad_seq is None, first_bad_seq, reason],
        )


def ask(api: Api, **claims: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON values
    answer = get(api, VERIFICATION, **claims)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_trail_that_was_never_verified_is_unknown(api: Api, trail: Trail) -> None:
    head = trail.rows("SELECT seq, row_hash FROM audit.head")[0]
    found = ask(api)
    assert (found["state"], found["last_full"], found["unverified_rows"]) == ("unknown", None, head[0])
    assert (found["head"]["seq"], found["head"]["row_hash"]) == head


def test_results_are_told_and_a_failure_stays(api: Api, trail: Trail) -> None:
    verified(trail, "full", 10)
    verified(trail, "incremental", 10)
    found = ask(api)
    assert (found["state"], found["checkpoint_state"], found["last_failure"]) == ("whole", "not_set", None)
    # Not yet looked at: what reading adds itself, among others.
    assert found["unverified_rows"] == found["head"]["seq"] - 10
    verified(trail, "incremental", 10, first_bad_seq=7)
    verified(trail, "incremental", 10)
    found = ask(api, roles=["admin"])
    assert (found["state"], found["last_incremental"]["ok"]) == ("broken", True)
    assert found["last_failure"]["first_bad_seq"] == 7
    assert found["last_failure"]["reason"] == "row_hash is not that of the row"
    verified(trail, "full", 10)
    assert ask(api)["state"] == "whole"


def test_the_newest_checkpoint_is_told_and_what_it_is_worth(platform: Settings, trail: Trail, tmp_path: Path) -> None:
    verified(trail, "full", 10)
    key = Ed25519PrivateKey.generate()
    secret = base64.b64encode(key.private_bytes_raw()).decode()
    told = AuditSettings(signing_key=SecretStr(secret), checkpoints=str(tmp_path / "checkpoints"))
    settings = platform.model_copy(update={"audit": told})
    with serving(settings, None) as api:
        before = ask(api)
        assert (before["state"], before["checkpoint_state"], before["checkpoint"]) == ("late", "none", None)
        made = checkpoint(settings, datetime.now(UTC)).checkpoint
        found = ask(api)
        assert (found["state"], found["checkpoint_state"]) == ("whole", "current")
        seen = found["checkpoint"]
        assert (seen["number"], seen["seq"], seen["key_id"]) == (1, made.seq, made.key_id)
        assert 0 <= seen["age_seconds"] < 600
    # Whoever holds another key believes nothing of it.
    other = base64.b64encode(Ed25519PrivateKey.generate().private_bytes_raw()).decode()
    stranger = told.model_copy(update={"signing_key": SecretStr(other)})
    with serving(platform.model_copy(update={"audit": stranger}), None) as api:
        assert ask(api)["checkpoint_state"] == "not_believed"
    with serving(settings, datetime.now(UTC) + timedelta(minutes=11)) as api:
        assert ask(api)["checkpoint_state"] == "old"
    (tmp_path / "checkpoints").rename(tmp_path / "gone")
    (tmp_path / "checkpoints").write_text("no folder")
    with serving(settings, None) as api:
        assert ask(api)["checkpoint_state"] in {"none", "unreadable"}


def test_to_ask_is_recorded_first_and_takes_a_role(api: Api, trail: Trail, platform: Settings) -> None:
    ask(api)
    own = own_entries(trail, "audit.verification_read")
    assert [(row[0], row[3]) for row in own] == [("clinic-1", VERIFICATION)]
    assert get(api, VERIFICATION, roles=["support"]).status_code == 403
    refuse_records(platform, refuse=True)
    answer = get(api, VERIFICATION)
    refuse_records(platform, refuse=False)
    assert answer.status_code == 503
    assert "head" not in answer.json()
