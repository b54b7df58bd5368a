from __future__ import annotations

import pytest

from ntpjoin.errors import UsageProblem
from ntpjoin.upstreams.grammar import parse_public_address, parse_resolver, parse_upstream


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("ntp1.example.net", "ntp1.example.net"),
        ("NTP1.Example.NET.", "ntp1.example.net"),
        ("xn--mnchen-3ya.example", "xn--mnchen-3ya.example"),
        ("0.cz.pool.ntp.org", "0.cz.pool.ntp.org"),
        ("a" * 63 + ".example", "a" * 63 + ".example"),
        (".".join(["a" * 49] * 5) + ".de", ".".join(["a" * 49] * 5) + ".de"),
        ("3com.example", "3com.example"),
        ("192.0.2.1", "192.0.2.1"),
        ("10.0.0.1", "10.0.0.1"),
        ("2001:DB8:0:0::1", "2001:db8::1"),
        ("fd00::1", "fd00::1"),
    ],
)
def test_names_and_addresses_get_their_canonical_form(text: str, canonical: str) -> None:
    assert parse_upstream(text) == canonical
    assert parse_upstream(canonical) == canonical


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "empty"),
        (".", "empty"),
        ("ntp1", "no domain"),
        ("ntp1..example.net", "a part is empty"),
        (".example.net", "a part is empty"),
        ("ntp1.example.net..", "a part is empty"),
        ("-ntp.example.net", "no part of a host name"),
        ("ntp-.example.net", "no part of a host name"),
        ("ntp_1.example.net", "no part of a host name"),
        (" ntp1.example.net", "no part of a host name"),
        ("ntp1.example.net\n", "no part of a host name"),
        ("ntp1.example.net iburst", "no part of a host name"),
        ("ntp1.example.net\nrestrict default", "no part of a host name"),
        ("ntp1.example.net;id", "no part of a host name"),
        ("$(id).example.net", "no part of a host name"),
        ("a" * 64 + ".example", "64 characters"),
        (".".join(["a" * 50] * 5), "254 characters"),
        ("ntp://ntp1.example.net", "neither"),
        ("ntp1.example.net:123", "neither"),
        ("[2001:db8::1]", "neither"),
        ("192.0.2.0/24", "neither"),
        ("192.0.2", "ends in a number"),
        ("192.0.2.256", "ends in a number"),
        ("192.0.2.01", "ends in a number"),
        ("10.0x7f", "ends in a number"),
        ("zeit.münchen.example", "not ASCII"),
        ("127.0.0.1", "loopback"),
        ("::1", "loopback"),
        ("0.0.0.0", "unspecified"),
        ("::", "unspecified"),
        ("224.0.1.1", "multicast"),
        ("ff02::101", "multicast"),
        ("169.254.169.123", "link-local"),
        ("fe80::1", "link-local"),
        ("fe80::1%eth0", "scope"),
        ("2001:db8::1%eth0", "scope"),
        ("::ffff:192.0.2.1", "IPv4-mapped"),
        ("255.255.255.255", "broadcast"),
    ],
)
def test_anything_else_is_refused_with_what_is_wrong_and_what_to_type(text: str, why: str) -> None:
    with pytest.raises(UsageProblem, match=why) as caught:
        parse_upstream(text)
    assert caught.value.remedy
    assert "\n" not in caught.value.message


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("zeit.münchen.example", "zeit.xn--mnchen-3ya.example"),
        ("ZEIT.München.example.", "zeit.xn--mnchen-3ya.example"),
        ("время.example", "xn--b1agvo1f.example"),
        # IDNA 2003 and 2008 lead to two different hosts.
        ("straße.example", "in which parts begin with xn--."),
        ("ﬁ.example", "in which parts begin with xn--."),
        ("\udcff.example", "in which parts begin with xn--."),
    ],
)
def test_an_internationalised_name_is_given_in_the_form_to_type_where_there_is_only_one(name: str, remedy: str) -> None:
    with pytest.raises(UsageProblem, match="it is not ASCII") as caught:
        parse_upstream(name)
    assert caught.value.remedy.startswith("Type its ASCII form")
    assert caught.value.remedy.endswith(remedy)


@pytest.mark.parametrize("text", ["x" * 5000, "$" * 5000])
def test_a_very_long_text_is_not_repeated_whole(text: str) -> None:
    with pytest.raises(UsageProblem) as caught:
        parse_upstream(text)
    assert len(caught.value.message) < 200


@pytest.mark.parametrize("text", ["203.0.113.7", "2001:db8::7", "10.0.0.1"])
def test_a_public_address(text: str) -> None:
    assert parse_public_address(text) == text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not an address"),
        ("ntp1.example.net", "not an address"),
        ("203.0.113.07", "not an address"),
        ("203.0.113.7\n", "not an address"),
        ("٢٠٣.0.113.7", "not an address"),
        ("::1", "loopback"),
        ("224.0.0.1", "multicast"),
        ("2001:db8::7%eth0", "scope"),
    ],
)
def test_no_public_address(text: str, why: str) -> None:
    with pytest.raises(UsageProblem, match=why) as caught:
        parse_public_address(text)
    assert "\n" not in caught.value.message
    assert caught.value.remedy


@pytest.mark.parametrize(
    "text", ["192.0.2.53", "10.0.0.1", "127.0.0.53", "169.254.169.253", "2001:db8::53", "fd00::53", "::1"]
)
def test_a_resolver(text: str) -> None:
    assert parse_resolver(text) == text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "not an address"),
        ("localhost", "not an address"),
        ("dns.example.net", "not an address"),
        ("192.0.2.53:53", "not an address"),
        ("[2001:db8::53]", "not an address"),
        ("192.0.2.053", "not an address"),
        ("127.1", "not an address"),
        ("192.0.2.53\n", "not an address"),
        ("192.0.2.53 ", "not an address"),
        ("١٩٢.0.2.53", "not an address"),
        ("0.0.0.0", "unspecified"),
        ("255.255.255.255", "broadcast"),
        ("224.0.0.251", "multicast"),
        ("::ffff:127.0.0.1", "IPv4-mapped"),
        ("fe80::53", "link-local"),
        ("fe80::53%eth0", "scope"),
        ("::1%lo", "scope"),
    ],
)
def test_no_resolver(text: str, why: str) -> None:
    with pytest.raises(UsageProblem, match=why) as caught:
        parse_resolver(text)
    assert "\n" not in caught.value.message
    assert "--resolver" in caught.value.remedy
