"""Pseudonyms and the keys behind them."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest

from telemetry_platform.contracts.pii import Domain
from telemetry_platform.errors import ConfigurationError, StaleKeysError
from telemetry_platform.processing.key_wrapping import Kek, parse_kek, unwrap, wrap
from telemetry_platform.processing.pseudonyms import KeyEpoch, KeyRing

KEYS = {domain: bytes([number]) * 32 for number, domain in enumerate(Domain)}
RING = KeyRing(
    [
        *(KeyEpoch(domain, 1, 1_000, 2_000 if domain is Domain.ACTOR else None, key) for domain, key in KEYS.items()),
        KeyEpoch(Domain.ACTOR, 2, 2_000, None, b"\x7f" * 32),
    ]
)
KEK = Kek("kek-1", b"k" * 32)


def test_a_pseudonym_is_an_hmac_over_length_prefixed_parts() -> None:
    message = b"\x00\x00\x00\x05media" + b"\x00\x00\x00\x0bknee-squat-"
    expected = hmac.new(KEYS[Domain.MEDIA], message, hashlib.sha256).hexdigest()
    assert RING.pseudonym(Domain.MEDIA, 1, "knee-squat-") == expected


def test_domains_and_epochs_never_match() -> None:
    found = {RING.pseudonym(domain, 1, "u-42") for domain in Domain} | {RING.pseudonym(Domain.ACTOR, 2, "u-42")}
    assert len(found) == len(Domain) + 1


def test_e70_an_id_that_looks_like_a_pseudonym_is_hashed_like_any_other() -> None:
    looks = "a" * 64
    assert RING.pseudonym(Domain.MEDIA, 1, looks) != looks


@pytest.mark.parametrize(("moment", "epoch"), [(0, 1), (1_000, 1), (1_999, 1), (2_000, 2), (10**15, 2)])
def test_the_server_clock_chooses_the_epoch(moment: int, epoch: int) -> None:
    assert RING.epoch_at(Domain.ACTOR, moment) == epoch


def test_an_unknown_epoch_is_never_guessed() -> None:
    with pytest.raises(StaleKeysError):
        RING.pseudonym(Domain.ACTOR, 3, "u-42")


def test_access_ids_are_one_per_view_and_parts_cannot_run_together() -> None:
    view = ("org", "s1", "u-42", "knee")
    assert RING.access_id(*view) == RING.access_id(*view)
    others = (("orgs", "1", "u-42", "knee"), ("org", "s1", "u-43", "knee"), ("org", "s1", "u-42k", "nee"))
    assert RING.access_id(*view) not in {RING.access_id(*other) for other in others}
    assert len({RING.access_id(*other) for other in others}) == 3


def test_a_drop_has_one_id_of_its_own_per_tenant_kind_and_event() -> None:
    drop = ("org", "media", "e1")
    assert RING.drop_id(*drop) == RING.drop_id(*drop)
    others = (("orgm", "edia", "e1"), ("org", "errors", "e1"), ("org", "media", "e2"))
    assert RING.drop_id(*drop) not in {RING.drop_id(*other) for other in others}


def test_no_representation_shows_a_key() -> None:
    assert "\\x00" not in repr(RING.epochs)
    assert "k" * 8 not in repr(KEK)


def test_a_wrapped_key_opens_in_its_own_row_only() -> None:
    wrapped = wrap(KEK, Domain.ACTOR, 1, b"s" * 32, b"n" * 12)
    assert unwrap(KEK, Domain.ACTOR, 1, wrapped, b"n" * 12) == b"s" * 32
    for domain, epoch, kek in ((Domain.MEDIA, 1, KEK), (Domain.ACTOR, 2, KEK), (Domain.ACTOR, 1, Kek("o", b"o" * 32))):
        with pytest.raises(ConfigurationError, match="TELEMETRY_KEYS__KEK"):
            unwrap(kek, domain, epoch, wrapped, b"n" * 12)


@pytest.mark.parametrize("text", ["", "short", base64.b64encode(b"x" * 31).decode(), "!" * 44])
def test_a_kek_that_is_none_is_refused_by_its_settings_name(text: str) -> None:
    with pytest.raises(ConfigurationError, match="TELEMETRY_KEYS__KEK"):
        parse_kek("kek-1", text, "TELEMETRY_KEYS__KEK")
