"""firewalld's zones, read and followed; and what firewall-cmd is told."""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from typing import Optional

import pytest

from ntpjoin.errors import CommandFailed
from ntpjoin.host import firewalld
from ntpjoin.host.machine import Host
from ntpjoin.host.netfilter.rules import Is, Packet, Port
from ntpjoin.host.netfilter.verdict import Verdict, judge
from ntpjoin.host.zones import Zone, as_rules, parse
from ntpjoin.model import Family
from tests.conftest import Programs, put
from tests.rulesets import MANAGED

NTP = ((Is("protocol", ("udp",)), Port("dport", ((123, 123),))),)
TCP = ((Is("protocol", ("tcp",)), Port("dport", ((22, 22),))),)
OWN: dict[Family, str] = {"IPv4": "203.0.113.7", "IPv6": "2001:db8:113::7"}


def listed(name: str, *, permanent: bool = False) -> dict[str, Zone]:
    [case] = [case for case in MANAGED if str(case) == f"firewalld {name}"]
    return parse(case.captured[f"firewall-cmd {'--permanent ' if permanent else ''}--list-all-zones"])


def test_a_real_listing_is_read() -> None:
    found = listed("nothing")
    assert set(found) == {"block", "dmz", "drop", "external", "home", "internal", "public", "trusted", "work"}
    assert found["public"] == Zone("public", services=("dhcpv6-client", "ssh"))
    assert {name: zone.target for name, zone in found.items() if zone.target != "default"} == {
        "block": "%%REJECT%%",
        "drop": "DROP",
        "trusted": "ACCEPT",
    }
    assert listed("another zone now")["drop"].interfaces == ("eth0",)
    assert listed("a zone for everybody")["drop"].sources == ("0.0.0.0/0",)
    assert listed("ports")["public"].ports == ("100-200/udp",)
    assert listed("ports", permanent=True)["public"].ports == ("123/udp",)
    assert listed("a protocol last", permanent=True)["public"].protocols == ("udp",)
    assert listed("forwarded")["public"].forward_ports == ("port=123:proto=udp:toport=1123:toaddr=",)
    assert listed("rejected first")["public"].rich_rules == (
        'rule priority="-5" port port="123" protocol="udp" reject',
    )


def test_a_zone_that_is_active_or_the_default_is_called_by_its_name() -> None:
    text = "public (default, active)\n  target: default\n  ingress-priority: 0\n  interfaces: eth0 eth1\n"
    assert parse(text) == {"public": Zone("public", interfaces=("eth0", "eth1"))}


def follow(zone: Zone, family: Family = "IPv4") -> Verdict:
    rules = as_rules({zone.name: zone}, {}, zone.name, {"ntp": NTP, "ssh": TCP})
    return judge(rules, Packet(family, "eth0", int(ipaddress.ip_address(OWN[family]))))


@pytest.mark.parametrize(
    ("zone", "four", "six"),
    [
        (Zone("z"), False, False),
        (Zone("z", "ACCEPT"), True, True),
        (Zone("z", "DROP", services=("ntp",)), True, True),
        (Zone("z", services=("ssh",)), False, False),
        (Zone("z", services=("made-up",)), None, None),
        (Zone("z", ports=("123/udp",)), True, True),
        (Zone("z", ports=("123/tcp",)), False, False),
        (Zone("z", ports=("120-130/udp",)), True, True),
        (Zone("z", protocols=("udp",)), True, True),
        (Zone("z", protocols=("tcp",)), False, False),
        (Zone("z", source_ports=("123/udp",)), None, None),
        (Zone("z", source_ports=("1-65535/udp",)), True, True),
        (Zone("z", "ACCEPT", forward_ports=("port=123:proto=udp:toport=1123:toaddr=",)), None, True),
        (Zone("z", "ACCEPT", forward_ports=("port=123:proto=tcp:toport=1123:toaddr=",)), True, True),
    ],
)
def test_a_zone_lets_in_what_it_names(zone: Zone, four: Optional[bool], six: Optional[bool]) -> None:
    assert (follow(zone).passes, follow(zone, "IPv6").passes) == (four, six)


PORT = 'port port="123" protocol="udp"'


@pytest.mark.parametrize(
    ("rules", "four", "six"),
    [
        ([f"rule {PORT} accept"], True, True),
        ([f"rule {PORT} drop"], False, False),
        ([f'rule {PORT} log prefix="x" level="info" limit value="3/m" accept'], True, True),
        ([f'rule {PORT} log prefix="a drop in" level="info"'], False, False),
        (['rule service name="ntp" accept'], True, True),
        (['rule service name="made-up" accept'], None, None),
        (['rule family="ipv4" service name="ntp" accept'], True, False),
        (['rule family="ipv6" service name="ntp" accept'], False, True),
        (['rule protocol value="udp" accept'], True, True),
        (['rule protocol value="udp" mark set="7"'], False, False),
        (['rule source-port port="1-65535" protocol="udp" accept'], True, True),
        (['rule icmp-type name="echo-request" accept'], False, False),
        (["rule masquerade"], False, False),
        (['rule new-word name="x" accept'], None, None),
        # What denies comes before what allows, whatever was told first.
        ([f"rule {PORT} accept", f'rule {PORT} reject type="icmp-port-unreachable"'], False, False),
        # The lower number comes first.
        ([f'rule priority="-5" {PORT} accept', f"rule {PORT} drop"], True, True),
        ([f'rule priority="-5" {PORT} accept', f'rule priority="-9" {PORT} drop'], False, False),
        ([f'rule priority="5" {PORT} drop', f"rule {PORT} accept"], True, True),
        ([f'rule priority="5" {PORT} drop', f'rule priority="3" {PORT} accept'], True, True),
        # Rules for some say nothing of the others.
        (['rule family="ipv4" source address="192.0.2.0/24" drop', f"rule {PORT} accept"], True, True),
        ([f'rule family="ipv4" source address="192.0.2.0/24" {PORT} accept'], False, False),
        ([f'rule family="ipv4" source NOT address="192.0.2.0/24" {PORT} drop', 'rule service name="ntp" accept'], False, True),
        ([f'rule family="ipv4" source address="192.0.2.0/24" invert="True" {PORT} accept'], True, False),
        (['rule source ipset="bad" drop', f"rule {PORT} accept"], None, None),
        ([f'rule source mac="52:54:00:12:34:56" {PORT} accept'], None, None),
        ([f'rule family="ipv4" destination address="203.0.113.7" {PORT} accept'], True, False),
        ([f'rule family="ipv6" destination address="2001:db8:113::/64" {PORT} accept'], False, True),
        ([f'rule family="ipv4" destination address="203.0.113.8" {PORT} accept'], False, False),
    ],
)  # fmt: skip
def test_rich_rules_in_their_order(rules: list[str], four: Optional[bool], six: Optional[bool]) -> None:
    zone = Zone("z", rich_rules=tuple(rules))
    assert (follow(zone).passes, follow(zone, "IPv6").passes) == (four, six)


def test_a_limit_is_told() -> None:
    rule = f'rule {PORT} accept limit value="2/m"'
    found = follow(Zone("z", rich_rules=(rule,)))
    assert (found.passes, found.limit) == (True, f"rich rule `{rule}` of zone z")
    assert follow(Zone("z", rich_rules=(rule,), services=("ntp",))).free


def test_what_decides_is_told() -> None:
    assert follow(Zone("z", "DROP")).why == "zone z lets in only what it names (target DROP)"
    assert follow(Zone("z", rich_rules=(f"rule {PORT} drop",))).why == f"rich rule `rule {PORT} drop` of zone z"


@pytest.mark.parametrize(
    ("sources", "bound", "passes"),
    [
        ({}, {}, False),
        ({}, {"eth0": "open"}, True),
        ({}, {"eth1": "open"}, False),
        ({"open": "0.0.0.0/0"}, {}, True),
        ({"shut": "0.0.0.0/0"}, {"eth0": "open"}, False),
        ({"open": "10.0.0.0/8"}, {}, False),
        ({"open": "2001:db8::/32"}, {}, False),
        ({"open": "ipset:all"}, {}, None),
        ({"open": "52:54:00:12:34:56"}, {}, None),
    ],
)
def test_a_source_is_asked_before_an_interface_and_that_before_the_default(
    sources: dict[str, str], bound: dict[str, str], passes: Optional[bool]
) -> None:
    zones = {"open": Zone("open", "ACCEPT"), "shut": Zone("shut", "DROP")}
    for name, source in sources.items():
        zones[name] = replace(zones[name], sources=(source,))
    found = judge(as_rules(zones, bound, "shut", {}), Packet("IPv4", "eth0", 1))
    assert found.passes is passes


# --- the daemon


def run_it(tree: Host) -> None:
    put(tree, "/proc/77/cmdline", "/usr/bin/python3\0/usr/sbin/firewalld\0--nofork\0--nopid\0")


def test_whether_it_runs_is_seen_among_the_processes(tree: Host) -> None:
    put(tree, "/proc/5/cmdline", "vi\0/etc/firewalld/firewalld.conf\0")
    put(tree, "/proc/6/cmdline", "/usr/bin/python3\0/usr/bin/firewall-cmd\0--state\0")
    assert not firewalld.running(tree)
    run_it(tree)
    assert firewalld.running(tree)


def test_a_service_is_what_the_operator_makes_of_it(tree: Host) -> None:
    def service(text: str, name: str = "ntp", folder: str = "/usr/lib/firewalld") -> None:
        put(tree, f"{folder}/services/{name}.xml", f"<service>{text}</service>")

    assert firewalld.service(tree, "ntp") is None
    service('<port protocol="udp" port="123"/>')
    assert firewalld.service(tree, "ntp") == NTP
    service('<include service="ntp"/><port protocol="tcp" port="22"/>', "both")
    assert firewalld.service(tree, "both") == (*NTP, *TCP)
    service('<port protocol="udp" port="1123"/>', folder="/etc/firewalld")
    assert firewalld.service(tree, "ntp") != NTP
    service('<port protocol="udp" port="123-125"/><destination ipv4="224.0.0.251" ipv6="ff02::fb"/>', "cast")
    found = firewalld.service(tree, "cast")
    assert found is not None
    assert len(found) == 2
    service('<protocol value="udp"/><source-port protocol="udp" port="123"/>', "odd")
    assert firewalld.service(tree, "odd") == (
        (Is("protocol", ("udp",)),),
        (Is("protocol", ("udp",)), Port("sport", ((123, 123),))),
    )
    service('<include service="circle"/>', "circle")
    assert firewalld.service(tree, "circle") == ()
    service("<port", "broken")
    assert firewalld.service(tree, "broken") is None


def test_all_of_it_is_looked_at(tree: Host, programs: Programs) -> None:
    [case] = [case for case in MANAGED if str(case) == "firewalld another zone written down"]
    (programs.folder / "listing").write_text(case.captured["firewall-cmd --list-all-zones"])
    programs.add("firewall-cmd", f"/bin/cat {programs.folder}/listing")
    put(tree, "/usr/lib/firewalld/services/ntp.xml", '<service><port protocol="udp" port="123"/></service>')
    put(tree, "/etc/firewalld/firewalld.conf", "# DefaultZone=dmz\nDefaultZone=work\n")
    found = firewalld.look(tree)
    assert found is not None
    assert (found.default, found.services, found.networkmanager) == ("work", {"ntp": NTP}, False)
    assert (found.zone_now("eth0"), found.zone_later("eth0"), found.zone_now("eth9")) == ("home", "home", "work")
    programs.says("firewall-cmd", err="FirewallD is not running", code=252)
    assert firewalld.look(tree) is None


def test_networkmanager_remembers_a_zone_that_is_not_written_down() -> None:
    zones = {"home": Zone("home", interfaces=("eth0",)), "public": Zone("public")}
    found = firewalld.Firewalld(zones, {"home": Zone("home"), "public": Zone("public")})
    assert found.zone_later("eth0") == "public"
    assert replace(found, networkmanager=True).zone_later("eth0") == "home"


def test_a_rule_is_asked_for_added_and_taken_away(tree: Host, programs: Programs) -> None:
    run_it(tree)
    programs.says("firewall-cmd", "yes\n")
    assert firewalld.has(tree, "public", "service=ntp", permanent=False)
    firewalld.add(tree, "public", "service=ntp", permanent=True)
    firewalld.remove(tree, "public", "port=123/udp", permanent=False)
    assert programs.calls() == [
        "firewall-cmd --zone=public --query-service=ntp",
        "firewall-cmd --permanent --zone=public --add-service=ntp",
        "firewall-cmd --zone=public --remove-port=123/udp",
    ]
    programs.says("firewall-cmd", "no\n", code=1)
    assert not firewalld.has(tree, "public", "service=ntp", permanent=True)
    programs.says("firewall-cmd", err="Error: INVALID_ZONE: public", code=112)
    assert not firewalld.has(tree, "public", "service=ntp", permanent=True)
    programs.says("firewall-cmd", err="Error: DBUS_ERROR", code=254)
    with pytest.raises(CommandFailed, match="DBUS_ERROR"):
        firewalld.has(tree, "public", "service=ntp", permanent=True)


def test_while_it_does_not_run_what_is_written_down_can_still_be_changed(tree: Host, programs: Programs) -> None:
    assert not firewalld.has(tree, "public", "service=ntp", permanent=True), "it went"
    programs.says("firewall-cmd", err="FirewallD is not running", code=252)
    programs.says("firewall-offline-cmd", "yes\n")
    assert not firewalld.has(tree, "public", "service=ntp", permanent=False)
    assert firewalld.has(tree, "public", "service=ntp", permanent=True)
    firewalld.remove(tree, "public", "service=ntp", permanent=True)
    assert programs.calls() == [
        "firewall-offline-cmd --zone=public --query-service=ntp",
        "firewall-offline-cmd --zone=public --remove-service=ntp",
    ]
