"""What the kernel does with a query, by rulesets that were loaded, listed, and tried from outside."""

from __future__ import annotations

import ipaddress
import json
from dataclasses import replace
from typing import Any, Optional

import pytest

from ntpjoin.host import rulesets
from ntpjoin.host.netfilter import iptables, nft
from ntpjoin.host.netfilter.ranges import CLIENT_PORTS, WORLD, overlap
from ntpjoin.host.netfilter.rules import Address, Always, AnyOf, Condition, Mark, Opaque, Packet, Port, Rate, Ruleset
from ntpjoin.host.netfilter.verdict import judge, judge_all, opened, with_rule
from ntpjoin.model import Family
from tests.rulesets import ALL, FAMILIES, Case

OWN: dict[Family, str] = {"IPv4": "203.0.113.7", "IPv6": "2001:db8:113::7"}


def query(family: Family = "IPv4", **changes: Any) -> Packet:
    return replace(Packet(family, "eth0", int(ipaddress.ip_address(OWN[family]))), **changes)


def read(case: Case) -> Ruleset:
    said = case.captured
    native = nft.with_devices(nft.parse(said["nft"]), said["nft-chains"])
    return rulesets.combine(native, {tool: said[tool] for tool in ("iptables", "ip6tables")})


@pytest.mark.parametrize("case", ALL, ids=str)
def test_a_ruleset_is_judged_as_a_client_was_treated(case: Case) -> None:
    found = {family: judge(read(case), query(family)) for family in FAMILIES}
    assert {family: verdict.passes for family, verdict in found.items()} == case.admits
    assert any(verdict.limit for verdict in found.values()) is case.limited
    for family, verdict in found.items():
        assert bool(verdict.why) is (case.admits[family] is not True)


@pytest.mark.parametrize("case", ALL, ids=str)
def test_a_rule_at_the_head_of_the_chains_named_lets_everybody_in(case: Case) -> None:
    ruleset = read(case)
    for family in FAMILIES:
        for chain in opened(ruleset, [query(family)]) or ():
            ruleset = with_rule(ruleset, ruleset.chains[chain.key], at_head=True)
        assert judge(ruleset, query(family)).free


def test_there_are_a_dozen_and_more_for_each_family_and_tool() -> None:
    for tool in ("nft", "iptables"):
        for family in FAMILIES:
            told = [case.admits[family] for case in ALL if case.tool == tool]
            assert min(told.count(True), told.count(False), told.count(None)) >= 4
            assert len(told) >= 30


@pytest.mark.parametrize(
    ("name", "commands"),
    [
        ("nft-workstation", ["nft insert rule inet filter input udp dport 123 accept"]),
        ("nft-second-chain-drops", ["nft insert rule inet two input udp dport 123 accept"]),
        ("nft-tables-of-families", ["nft insert rule ip filter input udp dport 123 accept"]),
        ("nft-ingress-drops", ["nft insert rule netdev filter eth0 udp dport 123 accept"]),
        ("nft-answers-dropped", ["nft insert rule inet filter output udp sport 123 accept"]),
        (
            "iptables-drop-policy",
            ["iptables -I INPUT -p udp --dport 123 -j ACCEPT", "ip6tables -I INPUT -p udp --dport 123 -j ACCEPT"],
        ),
        ("iptables-ipv4-only", ["ip6tables -I INPUT -p udp --dport 123 -j ACCEPT"]),
        (
            "iptables-raw-drops",
            [
                "iptables -t raw -I PREROUTING -p udp --dport 123 -j ACCEPT",
                "ip6tables -t raw -I PREROUTING -p udp --dport 123 -j ACCEPT",
            ],
        ),
    ],
)
def test_what_to_type_names_the_place_where_it_has_effect(name: str, commands: list[str]) -> None:
    [case] = [case for case in ALL if str(case) == name]
    heads = [chain for family in FAMILIES for chain in opened(read(case), [query(family)]) or ()]
    assert list(dict.fromkeys(map(rulesets.opening, heads))) == commands


def test_what_decides_is_named() -> None:
    def why(name: str, family: Family = "IPv4") -> str:
        [case] = [case for case in ALL if str(case) == name]
        return judge(read(case), query(family)).why

    assert why("nft-drop-policy") == "the policy of chain input of table inet filter"
    assert why("nft-first-chain-drops") == "rule 2 of chain input of table inet one"
    assert why("nft-not-understood") == "rule 2 of chain input of table inet filter: ip dscp is not understood"
    assert why("nft-not-understood", "IPv6").endswith("ip6 dscp is not understood")
    assert why("nft-half-the-world").endswith("it depends on who asks")
    assert why("nft-client-port").endswith("it depends on the client's port")
    assert why("nft-marked").endswith("it depends on a mark")
    assert why("nft-redirected") == "rule 2 of chain pre of table inet nat hands it on"
    assert why("iptables-mangle-drops").startswith("`iptables -t mangle -A INPUT -p udp")
    assert why("iptables-not-understood", "IPv6").startswith("`ip6tables -A INPUT -m string")
    assert why("iptables-not-understood").endswith("match string is not understood")


# --- details that no ruleset of the table shows


def one(expression: list[Any], **changes: Any) -> Optional[bool]:
    """What becomes of a query where a single rule stands before a policy that accepts."""
    chain = {"family": "inet", "table": "t", "name": "c", "handle": 1, "type": "filter", "hook": "input", "prio": 0}
    rule = {"family": "inet", "table": "t", "chain": "c", "handle": 2, "expr": expression}
    page = {"nftables": [{"chain": {**chain, "policy": "accept"}}, {"rule": rule}]}
    return judge(nft.parse(json.dumps(page)), query(**changes)).passes


def compared(left: Any, right: Any, op: str = "==") -> list[Any]:
    return [{"match": {"op": op, "left": left, "right": right}}, {"drop": None}]


DPORT = {"payload": {"protocol": "udp", "field": "dport"}}


@pytest.mark.parametrize(
    ("expression", "passes"),
    [
        ([{"drop": None}], False),
        ([{"something": "new"}, {"drop": None}], None),
        ([{"something": "new"}], True),
        ([{"xt": None}], None),
        ([{"xt": {"type": "target", "name": "DELUDE"}}], None),
        ([{"match": {"left": 1}}], None),
        ([{"queue": {}}], None),
        (compared(DPORT, "@nowhere"), None),
        (compared(DPORT, 123, "<<"), None),
        (compared(DPORT, 123, ">="), False),
        (compared(DPORT, 123, ">"), True),
        (compared(DPORT, 123, "<"), True),
        (compared(DPORT, {"set": ["*"]}), None),
        (compared({"concat": [DPORT]}, {"set": [{"concat": [123, 5]}]}), None),
        (compared({"concat": [DPORT]}, {"set": [123]}), False),
        (compared({"meta": {"key": "iifgroup"}}, 1), None),
        (compared({"ct": {"key": "state", "dir": "original"}}, "new"), None),
        (compared({"meta": {"key": "mark"}}, {"range": [1, 5]}), None),
        (compared({"fib": {"result": "oif", "flags": ["saddr", "iif"]}}, right=False, op="!="), False),
        (compared({"fib": {"result": "oifname", "flags": ["daddr"]}}, "eth0"), None),
        (compared({"fib": {"result": "type", "flags": "saddr"}}, "broadcast"), True),
        (compared({"payload": {"protocol": "ether", "field": "saddr"}}, "52:54:00:12:34:56"), None),
        (compared({"payload": {"protocol": "udplite", "field": "dport"}}, 123), True),
        (compared({"meta": {"key": "l4proto"}}, 17), False),
        ([{"vmap": {"key": DPORT, "data": {"set": [["*", {"drop": None}], [123, {"accept": None}]]}}}], True),
        ([{"vmap": {"key": DPORT, "data": {"set": [["*", {"drop": None}], [53, {"accept": None}]]}}}], False),
        ([{"vmap": {"key": DPORT, "data": "@nowhere"}}], True),
        ([{"jump": {"target": "nowhere"}}], None),
        ([{"mangle": {"key": {"meta": {"key": "priority"}}, "value": 1}}], True),
    ],
)
def test_a_rule_of_nft(expression: list[Any], passes: Optional[bool]) -> None:
    assert one(expression) is passes


def test_a_host_without_an_address_is_not_guessed_at() -> None:
    mine = {"payload": {"protocol": "ip", "field": "daddr"}}
    assert one(compared(mine, "203.0.113.7"), own=None) is None
    assert one(compared(mine, "203.0.113.7")) is False


def test_chains_of_bridges_count_where_the_interface_is_one() -> None:
    page = {
        "nftables": [
            {"chain": {"family": "bridge", "table": "t", "name": "c", "hook": "input", "prio": 0, "policy": "drop"}}
        ]
    }
    found = nft.parse(json.dumps(page))
    assert judge(found, query()).passes is True
    assert judge(found, query(bridged=True)).passes is False


@pytest.mark.parametrize(
    ("rule", "passes"),
    [
        ("-j DROP", False),
        ("-p 17 -j DROP", False),
        ("! -p udp -j DROP", True),
        ("-p all -j DROP", False),
        ("-p udp -m udp --dport 120: -j DROP", False),
        ("-p udp -m udp --dport :122 -j DROP", True),
        ("-p udp -m multiport --ports 123,5 -j DROP", False),
        ("-p udp -m multiport --sports 1024:65535,123 -j DROP", False),
        ("-m geoip --src-cc XX -j DROP", None),
        ("-m socket -j DROP", None),
        ("-m conntrack --ctstatus EXPECTED -j DROP", None),
        ("-m set --match-set bad src -j DROP", None),
        ("-p tcp -m set --match-set bad src -j DROP", True),
        ("-m connlimit --connlimit-above 10 -j DROP", True),
        ("-m rpfilter --loose -j DROP", False),
        ("-j DELUDE", None),
        ("-j NFLOG --nflog-group 5", True),
        ("-f -j DROP", True),
        ('-m comment --comment "it\'s \\"mine\\"" -j DROP', False),
        ('-m comment --comment "no end -j DROP', None),
        ("-s not-a-number -j DROP", None),
        ("-m mark --mark 0x0/0xff -j DROP", False),
        ("-m mark ! --mark 0x1 -j DROP", False),
        ("-m addrtype --dst-type LOCAL --limit-iface-in -j DROP", False),
        ("-m iprange --src-range 1.0.0.0-223.255.255.255 -j DROP", False),
        ("-m iprange --dst-range 203.0.113.1-203.0.113.9 -j DROP", False),
        ("-m icmp --icmp-type 8 -j DROP", True),
        ("-o eth0 -j DROP", True),
        ("-g nowhere", None),
    ],
)
def test_a_rule_of_iptables(rule: str, passes: Optional[bool]) -> None:
    text = f"*filter\n:INPUT ACCEPT [0:0]\n-A INPUT {rule}\nCOMMIT\n"
    assert judge(iptables.parse(text, "iptables"), query()).passes is passes


def test_only_so_many_is_told_for_the_first_rule_that_counts() -> None:
    text = "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -m limit --limit 9/sec -j RETURN\n-A INPUT -j DROP\nCOMMIT\n"
    found = judge(iptables.parse(text, "iptables"), query())
    assert (found.passes, found.limit) == (True, "`iptables -A INPUT -j DROP`")


def test_the_worst_of_several_addresses_counts() -> None:
    text = "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -d 203.0.113.7/32 -j DROP\nCOMMIT\n"
    found = iptables.parse(text, "iptables")
    other = query(own=int(ipaddress.ip_address("203.0.113.8")))
    assert judge_all(found, [other]).passes is True
    assert judge_all(found, [other, query()]).passes is False
    assert judge_all(found, []).passes is True


@pytest.mark.parametrize(
    ("condition", "fit"),
    [
        (Address("saddr", "IPv6", ((0, 2**128 - 1),)), "no"),
        (Address("saddr", "IPv4", ((0, 2**31),)), "maybe"),
        (Address("saddr", "IPv4", ((0, 2**31),), negated=True), "maybe"),
        (Address("saddr", "IPv4", ((0, 2**32 - 1), (0, 5))), "yes"),
        (Address("saddr", "IPv4", ()), "no"),
        (Port("sport", ((1024, 65535),)), "maybe"),
        (Port("sport", ((0, 65535),)), "yes"),
        (Port("sport", ((1, 100),), negated=True), "yes"),
        (Mark(0), "yes"),
        (Mark(5), "no"),
        (AnyOf((), negated=True), "yes"),
        (AnyOf(((Always(never=True),), (Rate(),))), "rate"),
        (AnyOf(((Rate(),), (Opaque("x"),))), "maybe"),
        (AnyOf(((Always(), Rate()),)), "rate"),
        (AnyOf(((Always(),), (Opaque("x"),))), "yes"),
    ],
)
def test_how_conditions_fit(condition: Condition, fit: str) -> None:
    assert condition.fit(query()) == fit


def test_a_mark_may_have_been_set() -> None:
    assert Mark(5).fit(query(marked=True)) == "maybe"


def test_ranges() -> None:
    assert overlap(((1, 5), (4, 9), (9, 9)), ((0, 100),)) == 9
    assert overlap(((1, 5), (6, 9)), ((3, 7),)) == 5
    assert overlap((), CLIENT_PORTS) == 0
    for address, public in [("8.8.8.8", 1), ("203.0.113.9", 1), ("10.1.2.3", 0), ("192.168.1.1", 0), ("239.1.1.1", 0)]:
        number = int(ipaddress.ip_address(address))
        assert overlap(((number, number),), WORLD["IPv4"]) == public
