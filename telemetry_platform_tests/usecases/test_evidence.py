"""An archive of a platform in which everything happened: what is in it, who is not, and that it is recorded."""

from __future__ import annotations

import stat
import zipfile
from collections import Counter
from datetime import UTC, date, datetime
from hashlib import sha256
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest

from telemetry_platform.contracts import evidence_files as files
from telemetry_platform.contracts.evidence import MANIFEST, README, SUMMARY, Period
from telemetry_platform.contracts.pii import Domain
from telemetry_platform.errors import ConfigurationError, ContractViolationError
from telemetry_platform.usecases.evidence.check import Trust, check
from telemetry_platform.usecases.own_actions import ActedBy
from telemetry_platform.usecases.resume_trail import resume_trail
from telemetry_platform.usecases.trail_keys import load_signer
from telemetry_platform_tests.stores.trail import Trail, entry, trail_of
from telemetry_platform_tests.usecases.erased_person import ring_of
from telemetry_platform_tests.usecases.evidence_making import ANA, HELD, READER, changed, lines, lived, made, see
from telemetry_platform_tests.usecases.old_keys import with_keks
from telemetry_platform_tests.usecases.tampering import tamper
from telemetry_platform_tests.usecases.test_checkpoints import restored

if TYPE_CHECKING:
    from pathlib import Path

    from telemetry_platform.embedded.platform import PlatformHandle
    from telemetry_platform.settings import Settings
    from telemetry_platform.usecases.evidence.make import Made


@pytest.fixture(scope="module")
def trail(engines: PlatformHandle, module_platform: Settings) -> Trail:
    return trail_of(engines, module_platform)


@pytest.fixture(scope="module")
def settings(module_platform: Settings, trail: Trail) -> Settings:
    return lived(module_platform, trail)


@pytest.fixture(scope="module")
def archive(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Made:
    return made(settings, tmp_path_factory.mktemp("evidence") / "archive.zip")


def bodies(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def test_it_holds_by_itself_and_nothing_in_it_is_red(archive: Made) -> None:
    found = check(archive.path, Trust(key_id=archive.manifest.key_id))
    assert (found.manifest, found.compared) == (archive.manifest, True)
    assert found.manifest.red == ()
    # 20 rows of 2018 went with their month; the rest is from its anchor on.
    assert (len(found.trail.signed.anchors), found.trail.signed.checkpoints) == (1, 2)
    assert found.trail.rows == len(lines(archive.path, "trail/rows.jsonl")) > 10
    assert found.beside.certificates == 1
    assert not check(archive.path, Trust()).compared


def test_every_file_is_there_with_the_fields_that_its_readme_explains(archive: Made) -> None:
    found = bodies(archive.path)
    assert set(found) == {
        *(file.name for file in files.DATA_FILES),
        f"keys/{archive.manifest.key_id}.pem",
        README,
        SUMMARY,
        MANIFEST,
        "manifest.sig",
    }
    readme = found[README].decode()
    for file in files.DATA_FILES:
        assert f"### {file.name}\n" in readme
        for row in lines(archive.path, file.name):
            assert list(row) == list(file.columns), file.name


def test_retention_is_proved_run_by_run_with_the_policy_of_each(archive: Made) -> None:
    runs = lines(archive.path, "retention/runs.jsonl")
    real = {row["table_name"]: row for row in runs if not row["dry_run"]}
    dry = [row for row in runs if row["dry_run"]]
    assert (real["audit.audit_logs"]["rows_dropped"], real["audit.audit_logs"]["partitions_dropped"]) == (20, 1)
    assert len(dry) == len(real) > 20
    assert [row["number"] for row in runs] == list(range(1, len(runs) + 1))
    policy = {row["table_name"]: row for row in lines(archive.path, "retention/policy.jsonl") if row["is_in_force"]}
    assert (policy["audit.audit_logs"]["amount"], policy["audit.audit_logs"]["unit"]) == (7, "year")
    assert set(real) <= set(policy)


def test_persons_rights_are_proved_by_certificates_keys_syncs_holds_and_drops(archive: Made) -> None:
    (erasure,) = lines(archive.path, "privacy/erasures.jsonl")
    assert (erasure["status"], erasure["certificate"]["result"]) == ("certified", "erased")
    keys = {(row["domain"], row["epoch"]): row for row in lines(archive.path, "privacy/keys.jsonl")}
    gone = keys["actor", 1]
    assert gone["living_keks"] == []
    assert gone["destruction_begun_at"] <= gone["bytes_removed_at"] <= gone["last_kek_destroyed_at"]
    assert keys["actor", 4]["last_kek_destroyed_at"] is None
    assert [row["destroyed_at"] is None for row in lines(archive.path, "privacy/keks.jsonl")] == [False, True]
    (sync,) = lines(archive.path, "privacy/exclusion-syncs.jsonl")
    assert (sync["mode"], sync["status"]) == ("full", "succeeded")
    (hold,) = lines(archive.path, "privacy/legal-holds.jsonl")
    assert (hold["why"], hold["released_why"]) == ("dispute 2026/17", "it was settled")
    drops = lines(archive.path, "privacy/consent-drops.jsonl")
    assert Counter({row["reason"]: row["events"] for row in drops}) == {"consent_too_low": 3}


def test_who_read_the_trail_is_told_by_pseudonym(archive: Made, settings: Settings) -> None:
    read = lines(archive.path, "trail/access.jsonl")[-1]
    assert (read["action"], read["path"], read["actor_type"]) == ("audit.read", "/v1/audit/logs", "staff")
    assert read["actor_hash"] == ring_of(settings).pseudonym(Domain.AUDIT_ACTOR, read["key_epoch"], READER)
    assert '"rows": 3' in read["details"]


def test_details_of_others_are_withheld_whatever_they_call_their_action(archive: Made) -> None:
    theirs = [row for row in lines(archive.path, "trail/rows.jsonl") if row["actor_hash"] == "a" * 64]
    assert [row["action"] for row in theirs] == ["media.view", "media.view", "audit.read"]
    assert [row["details_hash"] is None for row in theirs] == [True, False, False]
    assert {row["details"] for row in theirs} == {row["details_nonce"] for row in theirs} == {None}


def test_nobody_is_named_and_no_secret_is_in_it(archive: Made, settings: Settings, engines: PlatformHandle) -> None:
    ring = ring_of(settings)
    secrets = [*engines.state.secrets().values(), engines.state.kek_file.read_text().strip()]
    persons = [ANA, READER, HELD, "operator", "popescu"]
    # Pseudonyms of the person that was held or erased belong to no archive either.
    hashes = [ring.pseudonym(Domain.SUBJECT, 1, person) for person in (ANA, HELD)]
    hashes += [ring.pseudonym(Domain.ACTOR, 4, person) for person in (ANA, HELD)]
    for name, body in bodies(archive.path).items():
        for text in (*persons, *hashes, *secrets):
            assert text.encode() not in body, name


def test_that_it_was_made_is_in_the_trail_with_what_its_manifest_hashes_to(archive: Made, trail: Trail) -> None:
    hashed = sha256(bodies(archive.path)[MANIFEST]).hexdigest()
    assert archive.manifest_sha256 == hashed
    ((event_id, body),) = trail.rows(
        "SELECT l.event_id::text, d.body FROM audit.audit_logs l JOIN audit.details d USING (seq) "
        "WHERE l.action = 'evidence.exported' AND d.body ->> 'manifest_sha256' = %s",
        [hashed],
    )
    assert event_id == archive.manifest.archive_id
    assert (body["from"], body["to"]) == (
        archive.manifest.period.first_day.isoformat(),
        archive.manifest.period.last_day.isoformat(),
    )


def test_the_file_is_its_owners_and_takes_the_place_of_no_other(archive: Made, settings: Settings) -> None:
    assert stat.S_IMODE(archive.path.stat().st_mode) == 0o600
    before = archive.path.read_bytes()
    with pytest.raises(ConfigurationError, match="is there already"):
        made(settings, archive.path)
    assert archive.path.read_bytes() == before


def test_what_cannot_be_recorded_is_not_made(settings: Settings, trail: Trail, tmp_path: Path) -> None:
    said = trail.rows("SELECT count(*) FROM audit.audit_logs")
    without = settings.model_copy(update={"keys": with_keks(settings.keys, "kek-f")})
    with pytest.raises(ConfigurationError):
        made(without, tmp_path / "archive.zip")
    assert list(tmp_path.iterdir()) == []
    assert trail.rows("SELECT count(*) FROM audit.audit_logs") == said


@pytest.mark.parametrize(
    ("part", "change", "said"),
    [
        ("postgres", {"read_url": None}, "TELEMETRY_POSTGRES__READ_URL"),
        ("audit", {"signing_key_file": None}, "no key signs"),
        ("audit", {"checkpoints": None}, "TELEMETRY_AUDIT__CHECKPOINTS"),
    ],
)
def test_a_setting_that_is_missing_is_named_and_no_file_is_left(
    settings: Settings, tmp_path: Path, part: str, change: dict[str, None], said: str
) -> None:
    without = settings.model_copy(update={part: getattr(settings, part).model_copy(update=change)})
    with pytest.raises(ConfigurationError, match=said):
        made(without, tmp_path / "archive.zip")
    assert list(tmp_path.iterdir()) == []


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: Counter[str] = Counter()
        self.links: list[str] = []
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, Any]]) -> None:
        self.tags[tag] += 1
        self.attributes |= {name for name, _ in attrs}
        self.links += [value for name, value in attrs if name == "href"]
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_is_short_well_formed_and_leads_to_every_file_and_nowhere_else(archive: Made) -> None:
    text = bodies(archive.path)[SUMMARY].decode()
    page = _Page()
    page.feed(text)
    page.close()
    assert page.open == []
    assert set(page.links) == {*(file.name for file in files.DATA_FILES), README, MANIFEST}
    assert page.tags["script"] == page.tags["link"] == page.tags["img"] == 0
    assert not {name for name in page.attributes if name.startswith("on")}
    assert "http" not in text
    assert "url(" not in text
    assert "@media print" in text
    # A sheet of A4 has room for 60 lines of it.
    assert page.tags["tr"] + page.tags["li"] + page.tags["h2"] <= 40
    assert "Nothing is red" in text


def test_of_a_time_in_which_nothing_happened_it_says_so_and_holds(settings: Settings, tmp_path: Path) -> None:
    found = made(settings, tmp_path / "archive.zip", Period(date(2025, 1, 1), date(2025, 1, 31)))
    assert found.manifest.runs is None
    assert any("No run of retention" in text for text in found.manifest.red)
    assert any("never fetched" in text for text in found.manifest.red)
    checked = check(found.path, Trust(key_id=found.manifest.key_id))
    # Up to the first checkpoint of all, which says that there was nothing before.
    assert checked.trail.signed.checkpoints == 1


def test_a_tampered_trail_is_red_in_the_archive_and_found_in_it(
    engines: PlatformHandle, platform: Settings, tmp_path: Path
) -> None:
    trail = trail_of(engines, platform)
    trail.append(*(entry() for _ in range(10)))
    see(platform)
    tamper(trail, "UPDATE audit.audit_logs SET outcome = 'denied' WHERE seq = 7")
    found = made(platform, tmp_path / "archive.zip")
    assert "The audit trail is not whole, first at row 7: the row is not what was written." in found.manifest.red
    text = bodies(found.path)[SUMMARY].decode()
    assert "first at row 7" in text
    assert "Nothing is red" not in text
    with pytest.raises(Exception, match="not whole at row 7"):
        check(found.path, Trust(key_id=found.manifest.key_id))


def test_a_restore_that_somebody_stated_is_red_and_the_archive_holds(
    engines: PlatformHandle, platform: Settings, tmp_path: Path
) -> None:
    trail = trail_of(engines, platform)
    for _ in range(3):
        trail.append(*(entry() for _ in range(10)))
        see(platform)
    restored(trail, 25)
    trail.append(*(entry() for _ in range(10)))
    found = made(platform, tmp_path / "unstated.zip")
    assert any("No checkpoint could be signed" in text for text in found.manifest.red)
    with pytest.raises(ContractViolationError):
        check(found.path, Trust(key_id=found.manifest.key_id))

    # Rows that were appended since the restore are behind what it goes on from.
    resume_trail(platform, "backup of the morning", by=ActedBy("officer", "staff"), now=datetime.now(UTC))
    found = made(platform, tmp_path / "stated.zip")
    assert "Restores of the database with which rows were lost that had been seen: 1." in found.manifest.red
    checked = check(found.path, Trust(key_id=found.manifest.key_id))
    assert (checked.trail.signed.checkpoints, len(checked.trail.signed.resumptions)) == (5, 1)

    left_out = changed(found.path, {"trail/resumptions.jsonl": lambda _: b""}, signer=load_signer(platform.audit))
    with pytest.raises(ContractViolationError, match="not those that checkpoint 3 saw"):
        check(left_out, Trust(key_id=found.manifest.key_id))
    with zipfile.ZipFile(found.path) as opened:
        usual = opened.read("trail/checkpoints.jsonl").splitlines(keepends=True)[0]
    forged = changed(found.path, {"trail/resumptions.jsonl": lambda _: usual}, signer=load_signer(platform.audit))
    with pytest.raises(ContractViolationError, match="checkpoint 1 states no restore"):
        check(forged, Trust(key_id=found.manifest.key_id))
