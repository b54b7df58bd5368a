"""Words of programs that nobody has seen yet: what is not understood is told or left out, and costs no more than its length.

Each was found by the fuzzing (tests/test_fuzz.py) or while looking for what it might find.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Optional

import pytest

from ntpjoin.facts import Directive
from ntpjoin.host import chrony, firewalld, ntpconf, rulesets, ufw, words, zones
from ntpjoin.host.netfilter import iptables, nft
from ntpjoin.host.netfilter.rules import Is, Packet, Ruleset
from ntpjoin.host.netfilter.verdict import judge_all, opened
from ntpjoin.host.packages import apt, pacman
from ntpjoin.host.packages.manager import Simulated
from ntpjoin.host.reading import environment
from ntpjoin.host.services import systemd
from ntpjoin.look.network import look_addresses
from tests.printed import DOORS, Told


@contextmanager
def soon(limit_s: float = 1.5) -> Iterator[None]:
    """What is read in time; what looks at everything again for each part would take many times as long."""
    began_s = time.process_time()
    yield
    assert time.process_time() - began_s < limit_s


# --- iptables-save


@pytest.mark.parametrize(
    "text",
    [
        ":INPUT\n",
        "*filter\n:INPUT ACCEPT [0:0]\n-A FORWARD -j DROP\nCOMMIT\n",
        "-A INPUT -j DROP\n",
        "*filter\n-A \nCOMMIT\n",
        "*filter\n:INPUT DROP [0:0]\n-A INPUT -j DROP\n",
        "*filter\n:INPUT DROP [0:0]\n*nat\n:INPUT ACCEPT [0:0]\nCOMMIT\n",
    ],
)
def test_rules_that_are_not_in_a_table_are_not_taken_for_none(text: str) -> None:
    found = rulesets.read(Told({"iptables-save": text}))
    assert (found.problem.partition(":")[0], found.chains) == ("what iptables-save prints is not understood", {})


def test_a_table_ends_once() -> None:
    chains = "".join(f":C{number} - [0:0]\n" for number in range(4000))
    with soon():
        found = iptables.parse(f"*filter\n{chains}{'COMMIT' + chr(10)}" + "COMMIT\n" * 20_000, "iptables")
    assert len(found.chains) == 4000


def table(*rules: str, chains: int = 0) -> str:
    named = "".join(f":c{number} - [0:0]\n" for number in range(chains))
    return f"*filter\n:INPUT ACCEPT [0:0]\n{named}" + "".join(f"-A {rule}\n" for rule in rules) + "COMMIT\n"


@pytest.mark.parametrize("rest", ["x" * 200_000, "-s 192.0.2.1 " * 20_000, '"' + "y" * 200_000 + '"'])
def test_a_rule_as_long_as_none_can_be_is_not_understood_and_not_shown_in_full(rest: str) -> None:
    with soon():
        found = iptables.parse(table(f"INPUT -p udp -m comment --comment {rest} -j DROP"), "iptables")
        verdict = judge_all(found, DOORS)
    assert verdict.passes is None
    assert "it is too long" in verdict.why
    assert len(verdict.why) < 500


@pytest.mark.parametrize("width", [4, 30])
def test_chains_that_lead_to_each_other_in_many_ways_are_followed_once(width: int) -> None:
    """Four jumps in each of fifteen chains make a thousand million ways."""
    rules = [f"c{number} -m limit --limit 1/s -j c{number + 1}" for number in range(15) for _ in range(width)]
    ruleset = iptables.parse(table("INPUT -j c0", *rules, "c15 -p udp --dport 123 -j DROP", chains=16), "iptables")
    with soon():
        verdict = judge_all(ruleset, DOORS)
    assert (verdict.passes, "c15 -p udp --dport 123 -j DROP" in verdict.limit) == (True, True)


def test_a_chain_met_again_by_another_way_counts_again() -> None:
    """Once from a rule that is met by some only, then for sure; and once with a mark, once without."""
    ruleset = iptables.parse(
        table("INPUT -s 192.0.2.0/24 -j c0", "INPUT -j c0", "c0 -p udp --dport 123 -j DROP", chains=1), "iptables"
    )
    assert judge_all(ruleset, DOORS[:1]).passes is False
    ruleset = iptables.parse(
        table("INPUT -j c0", "INPUT -j MARK --set-mark 1", "INPUT -j c0", "c0 -m mark --mark 1 -j DROP", chains=1),
        "iptables",
    )
    assert judge_all(ruleset, DOORS[:1]).passes is None


def test_chains_that_go_round_in_a_circle_end() -> None:
    with soon():
        verdict = judge_all(iptables.parse(table("INPUT -j c0", *["c0 -j c0"] * 5, chains=1), "iptables"), DOORS)
    assert (verdict.passes, "could not be read" in verdict.why) == (None, True)


@pytest.mark.parametrize(
    ("name", "interface", "met"),
    [
        ("eth*", "eth0", True),
        ("eth*", "wlan0", False),
        ("*", "eth0", True),
        ("eth[0]", "eth0", False),
        ("e?h0", "eth0", False),
    ],
)
def test_the_name_of_an_interface_is_no_pattern_but_for_a_star_at_its_end(name: str, interface: str, met: bool) -> None:
    assert (Is("in", (name,)).fit(Packet("IPv4", interface)) == "yes") is met


# --- nft


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        '{"nftables": 7}',
        '{"nftables": [7]}',
        '{"nftables": [{"chain": {"family": "ip", "table": "t", "name": "c", "hook": "input", "prio": "filter"}}]}',
        '{"nftables": [{"chain": {"family": "ip", "table": "t", "name": "c", "hook": ["input"]}}]}',
        '{"nftables": [{"rule": {"family": "ip", "table": "t", "chain": "c"}}]}',
        '{"nftables": [{"set": []}, {"set": [1]}]}',
    ],
)
def test_json_of_another_shape_is_no_ruleset(text: str) -> None:
    with pytest.raises(ValueError, match="no ruleset"):
        nft.parse(text)
    assert rulesets.read(Told({"nft": text})).problem.startswith("nft does not list its rules: ")


def chain(name: str = "in", **more: Any) -> dict[str, Any]:
    basic = {
        "family": "inet",
        "table": "t",
        "name": name,
        "type": "filter",
        "hook": "input",
        "prio": 0,
        "policy": "accept",
    }
    return {"chain": {**basic, **more}}


def rule(*expressions: Any) -> dict[str, Any]:
    return {"rule": {"family": "inet", "table": "t", "chain": "in", "handle": 2, "expr": list(expressions)}}


def read(*objects: Any) -> Ruleset:
    return nft.parse(json.dumps({"nftables": list(objects)}))


@pytest.mark.parametrize(
    "expressions", [[7], [[]], [{}], [{"jump": 7}], [{"vmap": []}], [{"mangle": {"key": []}}], [None], []]
)
def test_a_rule_of_another_shape_may_do_anything(expressions: list[Any]) -> None:
    assert judge_all(read(chain(), rule(*expressions)), DOORS[:1]).passes is None


@pytest.mark.parametrize(
    "left", [7, [], {}, {"payload": 7}, {"ct": []}, {"&": {}}, {"fib": {"flags": [], "result": "type"}}]
)
def test_a_match_of_another_shape_is_not_understood(left: Any) -> None:
    ruleset = read(chain(), rule({"match": {"op": "==", "left": left, "right": 1}}, {"drop": None}))
    verdict = judge_all(ruleset, DOORS[:1])
    assert (verdict.passes, "is not understood" in verdict.why) == (None, True)


def test_a_set_that_many_rules_name_is_read_once() -> None:
    blocked = {
        "set": {
            "family": "inet",
            "table": "t",
            "name": "bad",
            "elem": [f"10.0.{n >> 8}.{n & 255}" for n in range(9000)],
        }
    }
    named = {"match": {"op": "==", "left": {"payload": {"protocol": "ip", "field": "saddr"}}, "right": "@bad"}}
    with soon():
        ruleset = read(chain(), blocked, *[rule(named, {"drop": None})] * 100)
        assert judge_all(ruleset, DOORS).passes is True
    other = {"match": {"op": "!=", "left": {"payload": {"protocol": "ip", "field": "saddr"}}, "right": "@bad"}}
    assert (
        judge_all(read(chain(), blocked, rule(named, {"drop": None}), rule(other, {"drop": None})), DOORS[:1]).passes
        is False
    )


def test_where_a_rule_would_have_to_go_into_very_many_chains_nobody_is_told_to_type_them() -> None:
    few, many = (read(*(chain(f"in{n}", prio=n, policy="drop") for n in range(count))) for count in (3, 400))
    assert len(opened(few, DOORS[:1]) or ()) == 3
    with soon():
        assert opened(many, DOORS[:1]) is None


@pytest.mark.parametrize(
    "text", ["table\n", "table inet\nchain\n", "chain x\ntype filter hook ingress device eth0\n", "hook x device"]
)
def test_a_list_of_chains_of_another_shape_tells_nothing(text: str) -> None:
    ruleset = read(chain("in", hook="ingress", family="netdev"))
    assert nft.with_devices(ruleset, text) == ruleset


# --- ufw


@pytest.mark.parametrize(
    ("piece", "many"),
    [(" ", 60_000), ("(", 60_000), (" (", 60_000), (" ()", 60_000), ("a ", 6000), ("1,", 60_000), (" ALLOW IN", 6000)],
)
def test_a_status_of_any_length_is_read_in_time(piece: str, many: int) -> None:
    for text in (f"22/tcp{piece * many}x\n", f"{piece * many}\n", f"22/tcp ALLOW IN {piece * many} Anywhere\n"):
        with soon():
            judge_all(ufw.as_rules(ufw.parse(f"Status: active\n{text}")), DOORS)


@pytest.mark.parametrize("to", ["1:2:3/udp", "80,,90/udp", ",/udp", ":", "123456/udp", "²/udp", "1/2/3"])
def test_ports_that_are_none_are_not_understood(to: str) -> None:
    status = ufw.parse(f"Status: active\nDefault: allow (incoming)\n\n{to:<26} DENY IN     Anywhere\n")
    verdict = judge_all(ufw.as_rules(status), DOORS[:1])
    assert (verdict.passes, "is not understood" in verdict.why) == (None, True)


@pytest.mark.parametrize(
    ("line", "to", "source", "family"),
    [
        ("123/udp (v6)               ALLOW IN    Anywhere (v6)", "123/udp", "Anywhere", "IPv6"),
        ("80 (Nginx HTTP (old))      ALLOW       Anywhere", "80", "Anywhere", "IPv4"),
        ("Anywhere (v6) on eth0      DENY IN     Anywhere (v6)   (log)", "Anywhere on eth0", "Anywhere", "IPv6"),
        (
            "2001:db8:113::7 123/udp ALLOW IN  2001:db8::/32 # ours (v4)",
            "2001:db8:113::7 123/udp",
            "2001:db8::/32",
            "IPv6",
        ),
        ("22 ) (                     ALLOW IN    x(y)", "22 ) (", "x(y)", "IPv4"),
    ],
)
def test_remarks_in_brackets_are_left_out(line: str, to: str, source: str, family: str) -> None:
    [found] = ufw.parse(line).rules
    assert (found.to, found.source, found.family) == (to, source, family)


# --- firewalld


@pytest.mark.parametrize(
    "line",
    [
        "  ports: x/udp",
        "  ports: 123",
        "  source-ports: 1-2-3/udp",
        "  forward-ports: port=:proto=udp",
        '  rich rules: \n\trule port port="x" protocol="udp" drop',
        "  rich rules: \n\tdrop",
        "  rich rules: \n\trule port drop",
        '  rich rules: \n\trule service name="ntp drop',
        '  rich rules: \n\trule priority="first" drop',
        "  rich rules: \n\trule service drop",
        f"  rich rules: \n\trule source address={'1' * 9000} drop",
    ],
)
def test_a_zone_of_another_shape_may_do_anything(line: str) -> None:
    found = zones.parse(f"public (active)\n  target: ACCEPT\n{line}\n")
    verdict = judge_all(zones.as_rules(found, {}, "public", {}), DOORS[:1])
    assert (verdict.passes, verdict.why != "") == (
        (True, False) if "ports: " in line and "forward" not in line else (None, True)
    )


def test_a_zone_of_very_many_rules_is_read_in_time() -> None:
    with soon():
        [found] = zones.parse(
            "public\n  rich rules: \n" + "\trule accept\n" * 60_000 + "  ports: 1/udp\n" * 20_000
        ).values()
    assert (len(found.rich_rules), len(found.ports), found.target) == (60_000, 20_000, "default")


@pytest.mark.parametrize(
    "text",
    [
        '<service><port protocol="udp" port="a-b"/></service>',
        '<service><port protocol="udp" port="123"/><destination ipv4="nowhere"/></service>',
        '<?xml version="1.0" encoding="klingon"?><service/>',
        "<service>",
    ],
)
def test_a_service_that_cannot_be_read_is_not_known(text: str) -> None:
    assert firewalld.service(Told({}, {"/etc/firewalld/services/x.xml": text}), "x") is None


def test_services_that_include_each_other_in_many_ways_are_read_once() -> None:
    body = "".join(f'<include service="s{number}"/>' for number in range(60))
    files = {
        f"/etc/firewalld/services/s{n}.xml": f'<service><port protocol="udp" port="{n + 1}"/>{body}</service>'
        for n in range(60)
    }
    with soon():
        found = firewalld.service(Told({}, files), "s0")
    assert len(found or ()) == 60


# --- packages, services and the rest


def test_lines_of_dpkg_of_another_shape_are_left_out() -> None:
    lines = ["ii \tntpsec\t1.2.2", "", "i", "ii", "ii \tx", "\t\t", "dpkg-query: warning", "iU \thalf\t1", "rc \told"]
    host = Told({"dpkg-query": "\n".join(lines)})
    assert apt.installed(host) == ({"ntpsec": "1.2.2"}, ("half",))
    assert apt.residual(host, ["old"]) == ("old",)


def test_stanzas_of_dpkg_of_another_shape_are_left_out() -> None:
    whole = "Package: ntpsec\nStatus: install ok installed\nVersion: 1.2.2\n"
    odd = (
        "",
        "\n",
        "Package: a\nVersion: 1",
        "Status: install ok installed\nVersion: 1",
        "Package: b\nStatus: installed",
        "words",
    )
    host = Told(
        {}, {"/var/lib/dpkg/status": "\n\n".join((*odd, whole, f"Package: c\nStatus: {'a ' * 60_000}\nVersion: 1"))}
    )
    with soon():
        assert apt.installed(host) == ({"ntpsec": "1.2.2"}, ())


def test_pages_of_pacman_of_any_shape_are_read_in_time() -> None:
    page = "Name            : openntpd\nRequired By     : site-time\nConflicts With  : ntp  chrony<4\n"
    for text in (page, f"{page}{'a ' * 60_000}\n", f"a{' ' * 120_000}\n{page}"):
        host = Told({"pacman": text})
        with soon():
            assert pacman.would_remove(host, ["/f/ntp-1-1-x86_64.pkg.tar.zst"]) == ("openntpd",)
            assert pacman.goes_with(host, ["openntpd"]) == ("site-time",)
    assert pacman.simulate(Told({"pacman": "ntp\t1-1\textra\nwords\n"}), ["ntp"]).install[0].version == "1-1\textra"


@pytest.mark.parametrize("pid", ["x", "-1", "²", "9" * 5000, "", "[not set]"])
def test_a_number_of_a_process_that_is_none_is_no_process(pid: str) -> None:
    found = systemd.show(Told({"systemctl": f"Id=a.service\nLoadState=loaded\nMainPID={pid}\n"}), ["a.service"])
    assert (found["a.service"].load, found["a.service"].pid) == ("loaded", 0)


def test_clients_in_a_field_longer_than_any_are_not_counted() -> None:
    assert chrony.clients(Told({"chronyc": '"' + "x" * 200_000})) is None


@pytest.mark.parametrize(
    "text", ["{", "7", "[7]", '[{"addr_info": 7}]', '[{"addr_info": [{"local": "x"}]}]', "[" * 100_000, "[]\n[]"]
)
def test_addresses_in_another_shape_are_none(text: str) -> None:
    assert look_addresses(Told({"ip": text})) == ()


@pytest.mark.parametrize(("value", "found"), [("3", 3), ("²", None), ("٣", None), ("9" * 5000, None), ("-1", None)])
def test_minsane_counts_in_figures(value: str, found: Optional[int]) -> None:
    assert ntpconf.minsane([Directive("/x", 1, ("tos", "minsane", value))]) == found


def test_a_value_as_long_as_none_is_left_out() -> None:
    assert environment(f"A='{'x' * 200_000}'\nB=b\n") == {"B": "b"}
    assert words.split("a 'b c' # d", comments=True) == ["a", "b c"]
    with pytest.raises(ValueError, match="too long"):
        words.split("x" * (words.LONGEST + 1))


def test_nothing_to_say_is_nothing_to_do() -> None:
    host = Told({"apt-get": "", "dpkg-query": ""})
    assert (apt.simulate(host, ["ntpsec"]), apt.installed(host)) == (Simulated(), ({}, ()))
