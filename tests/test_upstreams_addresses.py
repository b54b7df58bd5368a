from __future__ import annotations

import ipaddress

import pytest

from ntpjoin.upstreams.addresses import SPECIAL, may_be_used, why_not_public

PUBLIC = [
    "1.0.0.1",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.0.1.1",
    "192.167.255.255",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "2000::1",
    "2001:200::1",
    "2001:db7:ffff::1",
    "2001:db9::1",
    "2003::1",
    "2a01:4f8::1",
    "3ffd:ffff::1",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_an_address_outside_the_special_ranges_is_public(address: str) -> None:
    assert why_not_public(address) == ""
    assert may_be_used(address, allow_private=False)


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("0.0.0.0", "the unspecified address (RFC 1122)"),
        ("10.0.0.0", "a private address (RFC 1918)"),
        ("10.255.255.255", "a private address (RFC 1918)"),
        ("100.64.0.0", "an address shared behind a provider's NAT (RFC 6598)"),
        ("100.127.255.255", "an address shared behind a provider's NAT (RFC 6598)"),
        ("127.255.255.255", "a loopback address (RFC 1122)"),
        ("169.254.169.123", "a link-local address (RFC 3927)"),
        ("172.16.0.0", "a private address (RFC 1918)"),
        ("172.31.255.255", "a private address (RFC 1918)"),
        ("192.0.2.1", "an address for documentation (RFC 5737)"),
        ("192.88.99.1", "an address of the former 6to4 relays (RFC 7526)"),
        ("192.168.1.1", "a private address (RFC 1918)"),
        ("198.19.255.255", "an address for benchmarks (RFC 2544)"),
        ("198.51.100.1", "an address for documentation (RFC 5737)"),
        ("203.0.113.255", "an address for documentation (RFC 5737)"),
        ("224.0.1.1", "a multicast address (RFC 5771)"),
        ("240.0.0.1", "a reserved address (RFC 1112)"),
        ("255.255.255.255", "the broadcast address (RFC 919)"),
        ("::", "the unspecified address (RFC 4291)"),
        ("::1", "the loopback address (RFC 4291)"),
        ("::192.0.2.1", "an IPv4-compatible address (RFC 4291)"),
        ("::ffff:8.8.8.8", "an IPv4-mapped address (RFC 4291)"),
        ("64:ff9b::808:808", "an IPv4 address translated by NAT64 (RFC 6052)"),
        ("64:ff9b:1::1", "an IPv4 address translated by NAT64 (RFC 8215)"),
        ("100::1", "an address whose packets are discarded (RFC 6666)"),
        ("2001::1", "a Teredo address (RFC 4380)"),
        ("2001:2::1", "an address for benchmarks (RFC 5180)"),
        ("2001:1ff::1", "an address reserved for protocols (RFC 2928)"),
        ("2001:db8:ffff::1", "an address for documentation (RFC 3849)"),
        ("2002:808:808::1", "a 6to4 address (RFC 3056)"),
        ("3fff:fff::1", "an address for documentation (RFC 9637)"),
        ("5f00::1", "a segment routing identifier (RFC 9602)"),
        ("fd00::1", "a unique local address (RFC 4193)"),
        ("fe80::1", "a link-local address (RFC 4291)"),
        ("fe80::1%eth0", "a link-local address (RFC 4291)"),
        ("fec0::1", "a site-local address (RFC 3879)"),
        ("ff02::101", "a multicast address (RFC 4291)"),
        ("4000::1", "an address outside the range given out for the Internet (RFC 4291)"),
        ("1fff::1", "an address outside the range given out for the Internet (RFC 4291)"),
    ],
)
def test_a_special_address_is_not_public_and_says_why(address: str, why: str) -> None:
    assert why_not_public(address) == why
    assert not may_be_used(address, allow_private=False)


@pytest.mark.parametrize(
    "address", ["10.0.0.1", "100.64.0.1", "192.0.2.1", "198.18.0.1", "203.0.113.7", "2001:db8::1", "fd00::1"]
)
def test_private_addresses_may_be_used_where_that_is_allowed(address: str) -> None:
    assert may_be_used(address, allow_private=True)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "127.0.0.1",
        "169.254.1.1",
        "224.0.1.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "ff05::101",
        "::ffff:10.0.0.1",
        "100::1",
    ],
)
def test_some_addresses_are_never_used(address: str) -> None:
    assert not may_be_used(address, allow_private=True)


def test_no_row_is_hidden_by_a_wider_one_before_it() -> None:
    for index, row in enumerate(SPECIAL):
        for earlier in SPECIAL[:index]:
            if isinstance(row.network, ipaddress.IPv4Network) and isinstance(earlier.network, ipaddress.IPv4Network):
                assert not row.network.subnet_of(earlier.network)
            if isinstance(row.network, ipaddress.IPv6Network) and isinstance(earlier.network, ipaddress.IPv6Network):
                assert not row.network.subnet_of(earlier.network)
