"""A list as it was sent: what of it is used, what is remarked on, and what is no list at all."""

from __future__ import annotations

from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_platform.contracts.exclusions import ALARMING, Remark
from telemetry_platform.errors import ContractViolationError
from telemetry_platform.processing.exclusion_reading import read_list

UPDATED = "2026-01-01T00:00:00Z"


def entry(value: Any, **fields: Any) -> dict[str, Any]:  # noqa: ANN401 - JSON values
    """An entry of the list."""
    given_fields = {"exclusion_type": "ccpa_do_not_sell", "data_type": "network", "value": value}
    return given_fields | {"last_updated": UPDATED} | fields


def body(*entries: Any, **more: Any) -> bytes:  # noqa: ANN401 - JSON values
    """A whole answer."""
    return orjson.dumps({"exclusions": list(entries), **more})


def test_e62_dirty_and_unknown_items_cost_themselves_only() -> None:
    found = read_list(
        body(
            entry("10.0.26.166/32", last_updated="2020-01-08T18:58:38Z"),
            entry("abc", exclusion_type="new_law", data_type="email_hash", last_updated="2026-01-01T00:00:00.5Z"),
            entry("203.0.113.77/24"),
            entry("0.0.0.0/0"),
            extra=1,
        )
    )
    assert found.networks == {
        ip_network("10.0.26.166/32"): datetime(2020, 1, 8, 18, 58, 38, tzinfo=UTC),
        ip_network("203.0.113.0/24"): datetime(2026, 1, 1, tzinfo=UTC),
    }
    assert (found.received, found.ignored, found.refused) == (4, 1, 1)
    assert found.remarks == {Remark.UNKNOWN_TYPE: 1, Remark.HOST_BITS: 1, Remark.TOO_WIDE: 1}
    assert Remark.TOO_WIDE in ALARMING
    assert not ALARMING & {Remark.UNKNOWN_TYPE, Remark.HOST_BITS}


@pytest.mark.parametrize(
    ("value", "network", "remarks"),
    [
        ("1.2.3.4", "1.2.3.4/32", set()),
        (" 1.2.3.4/32 ", "1.2.3.4/32", set()),
        ("10.0.0.0/8", "10.0.0.0/8", set()),
        ("10.1.2.3/8", "10.0.0.0/8", {Remark.HOST_BITS}),
        ("2001:DB8:1:0:0::/48", "2001:db8:1::/48", set()),
        ("2001:db8:1::9/48", "2001:db8:1::/48", {Remark.HOST_BITS}),
        ("2001::/16", "2001::/16", set()),
        ("::ffff:1.2.3.0/120", "1.2.3.0/24", {Remark.EMBEDDED_IPV4}),
        ("::ffff:1.2.3.4/120", "1.2.3.0/24", {Remark.EMBEDDED_IPV4, Remark.HOST_BITS}),
        ("64:ff9b::1.2.3.4/128", "1.2.3.4/32", {Remark.EMBEDDED_IPV4}),
        ("2002:102:304::/48", "1.2.3.4/32", {Remark.EMBEDDED_IPV4}),
        ("10.0.0.0/7", None, {Remark.TOO_WIDE}),
        ("2000::/15", None, {Remark.TOO_WIDE}),
        ("::/0", None, {Remark.TOO_WIDE}),
        ("::ffff:0:0/96", None, {Remark.TOO_WIDE}),
        ("2002::/16", None, {Remark.TOO_WIDE}),
        ("64:ff9b::/96", None, {Remark.TOO_WIDE}),
        ("1.2.3.0/255.255.255.0", "1.2.3.0/24", set()),
        ("1.2.3.300/24", None, {Remark.UNREADABLE_NETWORK}),
        ("1.2.3.0/33", None, {Remark.UNREADABLE_NETWORK}),
        ("01.2.3.0/24", None, {Remark.UNREADABLE_NETWORK}),
        ("", None, {Remark.UNREADABLE_NETWORK}),
        (16909060, None, {Remark.UNREADABLE_NETWORK}),
        (None, None, {Remark.UNREADABLE_NETWORK}),
        (["1.2.3.0/24"], None, {Remark.UNREADABLE_NETWORK}),
        (True, None, {Remark.UNREADABLE_NETWORK}),
    ],
)
def test_every_spelling_of_a_network_is_normalised_or_refused(
    value: Any,  # noqa: ANN401 - JSON values
    network: str | None,
    remarks: set[Remark],
) -> None:
    found = read_list(body(entry(value)))
    assert list(found.networks) == ([] if network is None else [ip_network(network)])
    assert {remark for remark, count in found.remarks.items() if count} == remarks
    assert found.refused == (network is None)


@pytest.mark.parametrize(
    ("item", "remark"),
    [
        (entry("1.2.3.0/24", exclusion_type="new_law"), Remark.UNKNOWN_TYPE),
        (entry("1.2.3.0/24", data_type="email_hash"), Remark.UNKNOWN_TYPE),
        (entry("1.2.3.0/24", data_type=None), Remark.UNREADABLE_ITEM),
        ({"value": "1.2.3.0/24"}, Remark.UNREADABLE_ITEM),
        ("1.2.3.0/24", Remark.UNREADABLE_ITEM),
        (None, Remark.UNREADABLE_ITEM),
        ([], Remark.UNREADABLE_ITEM),
    ],
)
def test_what_is_of_another_type_is_ignored_and_what_is_no_entry_is_refused(
    item: Any,  # noqa: ANN401 - JSON values
    remark: Remark,
) -> None:
    found = read_list(body(item, entry("10.0.0.0/24")))
    assert list(found.networks) == [ip_network("10.0.0.0/24")]
    assert found.remarks == {remark: 1}


def test_the_same_network_counts_once_with_its_newest_moment() -> None:
    later = "2026-02-01T00:00:00Z"
    found = read_list(
        body(
            entry("1.2.3.0/24", last_updated="never"),
            entry("1.2.3.9/24", last_updated=later),
            entry("::ffff:1.2.3.0/120"),
            entry("1.2.3.0/24", last_updated=7),
        )
    )
    assert found.networks == {ip_network("1.2.3.0/24"): datetime(2026, 2, 1, tzinfo=UTC)}
    assert found.remarks[Remark.DUPLICATE] == 3
    assert found.remarks[Remark.UNREADABLE_TIME] == 2
    assert found.refused == 0


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"<html>down for maintenance</html>",
        b"[]",
        b"null",
        b"{}",
        b'{"exclusions": null}',
        b'{"exclusions": {}}',
        b'{"exclusions": "1.2.3.0/24"}',
        b'{"exclusions": [',
        b'{"exclusions": [NaN]}',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_a_body_of_another_shape_is_no_list_least_of_all_an_empty_one(raw: bytes) -> None:
    with pytest.raises(ContractViolationError) as caught:
        read_list(raw)
    assert caught.value.__cause__ is None


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
_ITEMS = _JSON | st.builds(
    entry,
    _JSON | st.ip_addresses().map(str) | st.tuples(st.ip_addresses(), st.integers(0, 128)).map("{0[0]}/{0[1]}".format),
    last_updated=_JSON | st.datetimes().map(lambda at: f"{at.isoformat()}Z"),
)


@given(items=st.lists(_ITEMS, max_size=6))
def test_whatever_a_list_holds_it_is_read_and_every_entry_is_accounted_for(items: list[Any]) -> None:
    found = read_list(body(*items))
    assert found.received == len(items)
    assert found.received == len(found.networks) + found.remarks[Remark.DUPLICATE] + found.ignored + found.refused
    for network in found.networks:
        assert network.prefixlen >= {4: 8, 6: 16}[network.version]
