"""What clients on another host see of each kind of firewall, before and after ntpjoin, a reload, a reboot and an undo."""

from __future__ import annotations

from typing import Any

import pytest

from tests.lab import Lab, Server
from tests.lab.hosts import SERVER4, SERVER6
from tests.real import operator

pytestmark = pytest.mark.real

BOTH, NONE = {SERVER4: True, SERVER6: True}, {SERVER4: False, SERVER6: False}
ONLY4 = {SERVER4: True, SERVER6: False}

#: What a remedy may begin with: the rest of the line is advice.
PROGRAMS = ("ufw", "firewall-cmd", "nft", "iptables", "ip6tables")

OWN_NFT = """
table inet mine {
  chain input {
    type filter hook input priority 0; policy drop;
    ct state established,related accept
    iif lo accept
    tcp dport 22 accept
    meta l4proto { icmp, ipv6-icmp } accept
  }
}
"""
OWN_IPTABLES = (
    "-P INPUT DROP",
    "-A INPUT -i lo -j ACCEPT",
    "-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT",
    "-A INPUT -p tcp --dport 22 -j ACCEPT",
)


def accepted(lab: Lab) -> dict[str, bool]:
    return {address: operator.answers(lab, address) for address in (SERVER4, SERVER6)}


def opened(server: Server) -> dict[str, Any]:
    """What `ntpjoin firewall` says of itself."""
    return operator.page(operator.ntpjoin(server, "firewall", "--yes", "--json"))


def typed(page: dict[str, Any]) -> list[str]:
    """The commands that the plan names."""
    lead = "to let them in, type: "
    [said] = [note["text"].removeprefix(lead) for note in page["notes"] if note["text"].startswith(lead)]
    return [command for command in said.split("; ") if command.startswith(PROGRAMS)]


def without_ufw(server: Server) -> None:
    server.run(["ufw", "disable"], check=True, timeout=60)


# --- firewalld


@pytest.mark.campaign
def test_firewalld_lets_in_what_we_ask_for_and_keeps_what_others_asked_for(lab: Lab, member: Server) -> None:
    without_ufw(member)
    member.run(["apt-get", "-q", "-y", "install", "firewalld"], check=True, timeout=60 * member.slowness)
    member.run(["firewall-cmd", "--add-port=9999/tcp"], check=True)
    assert accepted(lab) == NONE
    before = member.snapshot()

    page = opened(member)
    assert (page["exit"], page["changed"]) == (0, True), page
    assert accepted(lab) == BOTH
    assert member.run(["firewall-cmd", "--list-ports"], check=True).out.strip() == "9999/tcp"
    assert opened(member)["changed"] is False

    undone = operator.ntpjoin(member, "undo", "--last", "--yes")
    assert undone.code == 0, undone.out
    assert accepted(lab) == NONE
    assert operator.unexplained(before, member.snapshot()) == []

    assert opened(member)["exit"] == 0
    member.run(["firewall-cmd", "--reload"], check=True)
    assert accepted(lab) == BOTH
    member.reboot()
    assert member.run(["firewall-cmd", "--state"], check=True).out.strip() == "running"
    # A daemon that has just started answers nobody as synchronised.
    verified = operator.ntpjoin(member, "verify", "--wait", "240", timeout=280)
    assert verified.code == 0, verified.out
    assert accepted(lab) == BOTH


# --- ufw


@pytest.mark.campaign
def test_ufw_without_ipv6_is_opened_for_ipv4_and_the_rest_is_said(lab: Lab, member: Server) -> None:
    member.run(["ufw", "delete", "allow", "123/udp"], check=True, timeout=60)
    member.run(["sed", "-i", "s/^IPV6=.*/IPV6=no/", "/etc/default/ufw"], check=True)
    member.run(["ufw", "reload"], check=True, timeout=60)
    assert accepted(lab) == NONE
    before = member.snapshot()
    page = opened(member)
    assert page["exit"] == 0, page
    assert any("ufw keeps out all IPv6" in note["text"] for note in page["notes"])
    assert accepted(lab) == ONLY4
    member.run(["ufw", "reload"], check=True, timeout=60)
    assert accepted(lab) == ONLY4
    assert operator.ntpjoin(member, "undo", "--last", "--yes").code == 0
    assert accepted(lab) == NONE
    assert operator.unexplained(before, member.snapshot()) == []


@pytest.mark.campaign
def test_an_earlier_rule_of_ufw_is_named_and_left_alone_and_the_remedy_helps(lab: Lab, member: Server) -> None:
    member.run(
        ["ufw", "insert", "1", "deny", "proto", "udp", "from", "any", "to", "any", "port", "100:200"], check=True
    )
    assert accepted(lab) == NONE
    before = member.snapshot()
    page = opened(member)
    assert page["exit"] == 5, page
    assert any("`100:200/udp DENY IN Anywhere`" in note["text"] for note in page["notes"]), page["notes"]
    assert before.diff(member.snapshot()) == []
    type_all(member, page)
    assert accepted(lab) == BOTH
    assert opened(member)["exit"] == 0


# --- rules of the operator's own


def type_all(server: Server, page: dict[str, Any]) -> None:
    for command in typed(page):
        server.run(["sh", "-c", command], check=True, timeout=60)


@pytest.mark.parametrize("manager", ["nftables", pytest.param("iptables", marks=pytest.mark.campaign)])
def test_rules_of_the_operators_own_are_judged_and_the_remedy_helps(lab: Lab, member: Server, manager: str) -> None:
    without_ufw(member)
    for tool in ("iptables", "ip6tables"):
        member.run(["sh", "-c", f"{tool} -F; {tool} -X"], check=True)
    operator_rules(member, manager)
    assert accepted(lab) == NONE
    before = member.snapshot()
    page = opened(member)
    assert (page["exit"], page["changed"]) == (5, False), page
    told = [note["text"] for note in page["notes"] if note["text"].startswith(f"{manager} does not let UDP 123 in")]
    assert len(told) == 2, page["notes"]
    assert before.diff(member.snapshot()) == []
    type_all(member, page)
    assert accepted(lab) == BOTH
    assert opened(member)["exit"] == 0


def operator_rules(server: Server, manager: str) -> None:
    if manager == "nftables":
        server.run(["nft", "-f", "-"], input=OWN_NFT, check=True)
        return
    for tool, more in (("iptables", "icmp"), ("ip6tables", "ipv6-icmp")):
        lines = (*OWN_IPTABLES, f"-A INPUT -p {more} -j ACCEPT")
        # The default comes last: before it the connection that we come over must be let in.
        for line in (*lines[1:], lines[0]):
            server.run([tool, *line.split()], check=True)


@pytest.mark.campaign
def test_no_firewall_at_all_needs_nothing(lab: Lab, member: Server) -> None:
    without_ufw(member)
    for tool in ("iptables", "ip6tables"):
        member.run(["sh", "-c", f"{tool} -F; {tool} -X"], check=True)
    assert accepted(lab) == BOTH
    page = opened(member)
    assert (page["exit"], page["changed"]) == (0, False)
    assert [note["text"] for note in page["notes"]] == ["no firewall is active on this host"]
    verified = operator.page(operator.ntpjoin(member, "verify", "--json"))
    assert [check["text"] for check in verified["checks"] if check["id"] == "firewall"] == ["no firewall on this host"]
