"""Who manages the packet filter, what it lets in, and what to type: from what a Debian 12 said of each case."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Optional

import pytest

from ntpjoin.firewall import FirewallFacts
from ntpjoin.host.machine import FileState, Host
from ntpjoin.host.netfilter.rules import Packet
from ntpjoin.host.programs import Completed
from ntpjoin.look.doors import look_doors
from ntpjoin.look.firewall import look_firewall
from tests.rulesets import ALL, FAMILIES, MANAGED, Case, Managed

WITHOUT_CODE = 127

#: A default route over eth0 for each family, and what the kernel says of the loopback interface.
ROUTE4 = (
    "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\nNAME\t00000000\t010071CB\t0003\t0\t0\t0\t00000000\n"
)
ROUTE6 = f"{'0' * 32} 00 {'0' * 32} 00 20010db8011300000000000000000001 00000400 00000002 00000000 00000003 NAME\n"
REJECTS6 = f"{'0' * 32} 00 {'0' * 32} 00 {'0' * 32} ffffffff 00000001 00000000 00200200 lo\n"


class Told(Host):
    """A host whose programs say what was captured, and whose files hold it."""

    def __init__(self, root: Path, said: Mapping[str, str]) -> None:
        super().__init__(root=root)
        self.said = said
        self.asked: list[str] = []
        for path, text in said.items():
            if path.startswith("/"):
                self.make_folder(str(Path(path).parent))
                self.write(path, FileState(text.encode(), 0o644, ""))

    def run(self, argv: Sequence[str], **options: Any) -> Completed:
        del options
        words = shlex.join(argv)
        self.asked.append(words)
        known = words in self.said
        return Completed(tuple(argv), 0 if known else WITHOUT_CODE, self.said.get(words, ""), "")

    def which(self, program: str) -> Optional[str]:
        known = {words.split()[0] for words in self.said if not words.startswith("/")}
        return f"/usr/sbin/{program}" if program in known else None

    def is_root(self) -> bool:
        return True


def managed_host(tmp_path: Path, case: Managed) -> Told:
    runs = (
        {"/proc/77/cmdline": "/usr/bin/python3\0/usr/sbin/firewalld\0--nofork\0"} if case.manager == "firewalld" else {}
    )
    return Told(tmp_path, {**case.captured, **runs})


@pytest.mark.parametrize("case", MANAGED, ids=str)
def test_what_a_manager_does_and_what_to_type(tmp_path: Path, case: Managed) -> None:
    found = look_firewall(managed_host(tmp_path, case))
    assert found.manager == case.manager
    assert {family: found.lets_in(family) for family in found.families} == dict(case.lets_in)
    assert found.opens == case.opens
    assert found.remedy == case.remedy
    assert found.limit == case.limit
    assert found.places == case.places
    for family in (*found.shut, *found.unclear):
        assert found.why[family]


def test_ufw_is_not_asked_where_all_is_well(tmp_path: Path) -> None:
    """It takes as long as all else together."""
    [case] = [case for case in MANAGED if str(case) == "ufw allowed"]
    host = managed_host(tmp_path, case)
    look_firewall(host)
    assert [words for words in host.asked if words.startswith("ufw")] == []


def test_what_decides_is_told_in_the_words_of_the_manager(tmp_path: Path) -> None:
    def why(name: str) -> str:
        [case] = [case for case in MANAGED if str(case) == name]
        (tmp_path / name).mkdir()
        return look_firewall(managed_host(tmp_path / name, case)).why["IPv4"]

    assert why("ufw nothing") == "its default, deny (incoming)"
    assert why("ufw denied as a range") == "its rule `100:200/udp DENY IN Anywhere`"
    assert why("ufw and before.rules").startswith("`iptables -A ufw-before-input ")
    assert why("firewalld nothing") == "zone public lets in only what it names (target default)"
    assert why("firewalld now only") == "after a reload: zone public lets in only what it names (target default)"
    assert why("firewalld in panic").endswith("table inet firewalld_policy_drop")
    assert "filter_IN_policy_p_deny" in why("firewalld and a policy")


def test_a_ufw_that_does_not_answer_leaves_the_rules_to_speak(tmp_path: Path) -> None:
    [case] = [case for case in MANAGED if str(case) == "ufw denied"]
    host = managed_host(tmp_path, case)
    host.said = {words: text for words, text in host.said.items() if not words.startswith("ufw")}
    found = look_firewall(host)
    assert (found.manager, found.shut, found.opens) == ("ufw", FAMILIES, ())
    assert found.why["IPv4"].startswith("`iptables -A ufw-user-input ")


def test_a_firewalld_that_does_not_answer_is_unknown(tmp_path: Path) -> None:
    [case] = [case for case in MANAGED if str(case) == "firewalld nothing"]
    host = managed_host(tmp_path, case)
    host.said = {**host.said, "firewall-cmd --version": "", "firewall-cmd --list-all-zones": ""}
    host.said = {words: text for words, text in host.said.items() if not words.endswith("--list-all-zones")}
    found = look_firewall(host)
    assert (found.manager, found.problem) == ("unknown", "firewalld runs, and firewall-cmd does not tell its zones")


def test_ipv6_that_ufw_keeps_out_as_a_whole_is_called_so(tmp_path: Path) -> None:
    [case] = [case for case in MANAGED if str(case) == "ufw without IPv6"]
    found = look_firewall(managed_host(tmp_path, case))
    assert (found.families, found.closed, found.admits["IPv6"]) == (("IPv4",), ("IPv6",), False)


# --- rules that nobody manages

HERE = {
    "/proc/net/route": ROUTE4.replace("NAME", "eth0"),
    "/proc/net/ipv6_route": REJECTS6 + ROUTE6.replace("NAME", "eth0"),
    "ip -json address show scope global": json.dumps(
        [{"ifname": "eth0", "addr_info": [{"local": "203.0.113.7"}, {"local": "2001:db8:113::7"}]}]
    ),
}
PROGRAMS = {
    "nft": "nft -j -s list ruleset",
    "nft-chains": "nft list chains",
    "iptables": "iptables-save",
    "ip6tables": "ip6tables-save",
}


def own_rules(tmp_path: Path, case: Case) -> FirewallFacts:
    return look_firewall(Told(tmp_path, {**HERE, **{PROGRAMS[name]: said for name, said in case.captured.items()}}))


#: What has nothing at all that could keep a query out, or an answer in.
NONE = {
    "nft-no-chain",
    "nft-forward-only",
    "nft-accept-policy",
    "nft-nat-of-others",
    "nft-invalid-after-tracking",
    "nft-limited-log",
    "nft-reverse-path",
    "iptables-empty",
    "iptables-docker-and-libvirt",
    "iptables-reverse-path",
}


@pytest.mark.parametrize("case", ALL, ids=str)
def test_rules_of_nobody(tmp_path: Path, case: Case) -> None:
    found = own_rules(tmp_path, case)
    assert found.admits == case.admits
    assert found.manager == ("none" if str(case) in NONE else {"nft": "nftables", "iptables": "iptables"}[case.tool])
    assert found.opens == ()
    assert bool(found.remedy) is (None in case.admits.values() or False in case.admits.values() or case.limited)
    assert bool(found.limit) is case.limited


def test_without_root_nothing_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Told, "is_root", lambda _: False)
    host = Told(tmp_path, HERE)
    found = look_firewall(host)
    assert (found.manager, found.problem, found.remedy) == (
        "unknown",
        "it can only be seen by root",
        ("sudo ntpjoin verify",),
    )
    assert host.asked == []


def test_rules_that_nobody_lists_are_unknown(tmp_path: Path) -> None:
    found = look_firewall(Told(tmp_path, {**HERE, "/proc/net/ip_tables_names": "filter\n"}))
    assert found.manager == "unknown"
    assert "there is no iptables-save" in found.problem


# --- where queries come in


def doors(
    tmp_path: Path, addresses: Mapping[str, Sequence[str]], route4: str = "", route6: str = ""
) -> list[tuple[str, str]]:
    links = [
        {"ifname": name, "addr_info": [{"local": one} for one in all_of_it]} for name, all_of_it in addresses.items()
    ]
    told = {
        "ip -json address show scope global": json.dumps(links),
        "/proc/net/route": ROUTE4.replace("NAME", route4) if route4 else "Iface\n",
        "/proc/net/ipv6_route": ROUTE6.replace("NAME", route6) + REJECTS6 if route6 else REJECTS6,
        "/sys/class/net/br0/bridge/bridge_id": "",
    }
    return [(door.family, door.interface) for door in look_doors(Told(tmp_path, told))]


@pytest.mark.parametrize(
    ("addresses", "routes", "found"),
    [
        ({"eth0": ["203.0.113.7"], "eth1": ["10.0.0.7"]}, ("eth0", "eth0"), [("IPv4", "eth0")]),
        ({"eth0": ["203.0.113.7", "203.0.113.8"]}, ("eth0", ""), [("IPv4", "eth0"), ("IPv4", "eth0")]),
        ({"eth0": ["203.0.113.7"], "wg0": ["2001:db8::7"]}, ("eth0", "wg0"), [("IPv4", "eth0"), ("IPv6", "wg0")]),
        ({"eth0": ["203.0.113.7", "2001:db8::7"]}, ("", ""), [("IPv4", "eth0"), ("IPv6", "eth0")]),
        ({"lo": ["203.0.113.7"], "eth0": ["10.0.0.7"]}, ("eth0", ""), [("IPv4", "eth0"), ("IPv4", "eth0")]),
        ({}, ("eth0", ""), [("IPv4", "eth0"), ("IPv6", "")]),
        ({}, ("", ""), [("IPv4", ""), ("IPv6", "")]),
    ],
)
def test_doors_are_the_interfaces_that_lead_to_the_world(
    tmp_path: Path, addresses: dict[str, list[str]], routes: tuple[str, str], found: list[tuple[str, str]]
) -> None:
    assert doors(tmp_path, addresses, *routes) == found


def test_a_bridge_is_known(tmp_path: Path) -> None:
    told = {**HERE, "/sys/class/net/eth0/bridge/bridge_id": "8000"}
    assert [door.bridged for door in look_doors(Told(tmp_path, told))] == [True, True]
    assert isinstance(look_doors(Told(tmp_path / "other", HERE))[0], Packet)
