"""Rules that follow from the contracts: what passes, what does not, and that no pseudonym goes without one."""

from __future__ import annotations

import re

import pytest

from telemetry_platform.contracts.consent import ConsentLevel
from telemetry_platform.contracts.pii import Hashed, Scrubbed
from telemetry_platform.contracts.registry import kinds, tables
from telemetry_platform.processing.column_rules import (
    EMAIL_OR_ADDRESS,
    PSEUDONYM,
    TRUNCATED_ADDRESS,
    consent_rules,
    pii_rules,
)


@pytest.mark.parametrize("address", ["198.51.100.0", "10.0.0.0", "255.255.255.0", "2001:db8:1::", "2001:db8::", "::"])
def test_cut_addresses_pass(address: str) -> None:
    assert re.search(TRUNCATED_ADDRESS, address)


@pytest.mark.parametrize(
    "address",
    ["198.51.100.7", "198.51.100.0/24", "300.1.1.0", "2001:db8:1:2::", "2001:db8:1::5", "::1", "", "localhost"],
)
def test_whole_addresses_do_not(address: str) -> None:
    assert not re.search(TRUNCATED_ADDRESS, address)


@pytest.mark.parametrize("value", ["a" * 63, "a" * 65, "A" * 64, "g" * 64, "user-4711"])
def test_what_is_no_pseudonym(value: str) -> None:
    assert not re.search(PSEUDONYM, value)
    assert re.search(PSEUDONYM, "0af" + "9" * 61)


@pytest.mark.parametrize("text", ["to a.b+c@mail.example.org now", "x@y.ro", "<ana@clinic.example>"])
def test_e_mails_are_found(text: str) -> None:
    assert re.search(EMAIL_OR_ADDRESS, text)


@pytest.mark.parametrize("text", ["no answer from 203.0.113.77", "203.0.113.77:443", "(10.1.2.3)"])
def test_addresses_are_found_in_free_text(text: str) -> None:
    assert re.search(EMAIL_OR_ADDRESS, text)


@pytest.mark.parametrize(
    "text", ["stalled at 12.5 s", "version 4.2.1", "1.2.3.4.5", "999.1.1.1", "[email] failed @ start"]
)
def test_harmless_text_is_left_alone(text: str) -> None:
    assert not re.search(EMAIL_OR_ADDRESS, text)


def test_every_hashed_column_and_every_address_of_every_table_has_a_rule() -> None:
    for table in tables().values():
        rules = {rule.column: rule.pattern for rule in pii_rules(table)}
        for column in table.carried:
            if isinstance(column.treatment, Hashed) or column.name in {"actor_hash", "media_id"}:
                assert rules[column.name] == PSEUDONYM, (table.name, column.name)
            elif column.name == "ip_truncated":
                assert rules[column.name] == TRUNCATED_ADDRESS
            elif isinstance(column.treatment, Scrubbed):
                assert rules[column.name] == EMAIL_OR_ADDRESS, (table.name, column.name)


@pytest.mark.parametrize("column", ["media_type", "error_code", "connection_type", "resolution", "reason"])
def test_e70_an_address_is_looked_for_in_kept_text_too(column: str) -> None:
    (rule,) = (rule for rule in pii_rules(kinds()["media"].table) if rule.column == column)
    assert not rule.must_match
    assert re.search(rule.pattern, "203.0.113.9")


def test_the_level_of_a_kind_holds_for_what_is_folded_from_it() -> None:
    media = kinds()["media"]
    for table in (media.table, *media.derived):
        (rule,) = consent_rules(media, table)
        passing = [level for level in ConsentLevel if re.search(rule.pattern, str(level.value))]
        assert passing == [ConsentLevel.ANALYTICS, ConsentLevel.FULL]
    assert consent_rules(kinds()["audit"], kinds()["audit"].table) == ()
