"""A crowd of clients on a real server: tracked by its kernel, and not, with each kind of firewall; hosts behind it ask on."""

from __future__ import annotations

from typing import Any, Optional

import pytest

from tests.lab import Lab, Result, Server
from tests.lab.hosts import HOSTS, SERVER4, SERVER6
from tests.lab.process import wait_for
from tests.real import operator
from tests.real.clients import CROWDS, FEW, GUEST, MASQUERADE, crowd, flat, guest, in_turn, quiet, script

pytestmark = pytest.mark.real

#: Rules of the operator's own, as they stand in /etc/nftables.conf.
RULES = """\
#!/usr/sbin/nft -f
flush ruleset
table inet filter {
    chain input {
        type filter hook input priority filter; policy drop;
        ct state established,related accept
        ct state invalid drop
        iif lo accept
        meta l4proto { icmp, ipv6-icmp } accept
        tcp dport 22 accept
        LINE
    }
}
"""
BY_PORT, BY_STATE = "udp dport 123 accept", "udp dport 123 ct state new accept"


@pytest.fixture(autouse=True)
def crowds(lab: Lab) -> None:
    """The networks of the crowds lead to the client, and their addresses are its own."""
    for network in CROWDS.values():
        six = ["-6"] if ":" in network else []
        lab.client.run(["ip", *six, "route", "replace", "local", network, "dev", "lo"], check=True)
        client = HOSTS["client"]
        way = str(client.ipv6 if six else client.ipv4)
        lab.sandbox.run(["ip", *six, "route", "replace", network, "via", way], host="router", tree=True)


def switch(server: Server, word: str) -> tuple[Result, dict[str, Any]]:
    done = operator.ntpjoin(server, "setup", "--yes", word, "--json", timeout=180)
    assert done.out, done.err
    return done, operator.page(done)


def check(server: Server, name: str) -> str:
    page = operator.page(operator.ntpjoin(server, "verify", "--json", timeout=90))
    [state] = [one["state"] for one in page["checks"] if one["id"] == name]
    return str(state)


# --- the firewalls


def with_ufw(server: Server) -> None:
    server.run(["ufw", "route", "allow", "in", "on", "guest0"], check=True, timeout=60)


def with_firewalld(server: Server) -> None:
    server.run(["ufw", "disable"], check=True, timeout=60)
    server.run(["apt-get", "-q", "-y", "install", "firewalld"], check=True, timeout=60 * server.slowness)
    for words in (["--zone=trusted", "--add-interface=guest0"], ["--zone=public", "--add-masquerade"]):
        for when in ([], ["--permanent"]):
            server.run(["firewall-cmd", *when, *words], check=True, timeout=60)
    done = operator.ntpjoin(server, "firewall", "--yes", timeout=90)
    assert done.code == 0, done.out + done.err


def with_nftables(server: Server, line: str = BY_PORT) -> None:
    script(server, "ufw --force disable; for tool in iptables ip6tables; do $tool -F; $tool -X; done")
    server.run(["tee", "/etc/nftables.conf"], input=RULES.replace("LINE", line), check=True)
    server.run(["systemctl", "enable", "nftables"], check=True)
    server.run(["systemctl", "restart", "nftables"], check=True)


#: What an operator types after he has edited something.
RELOADS = {
    "ufw": ("ufw reload",),
    "firewalld": ("firewall-cmd --reload", "systemctl restart firewalld"),
    "nftables": ("systemctl reload nftables", "systemctl restart nftables"),
}

FIREWALLS = {"ufw": with_ufw, "firewalld": with_firewalld, "nftables": with_nftables}


def behind(server: Server, firewall: str) -> None:
    """A host behind the server, and a masquerade for it where the firewall has none of its own."""
    script(server, GUEST)
    if firewall != "firewalld":
        server.run(["nft", "-f", "-"], input=MASQUERADE, check=True)


# --- what is shown


def test_a_crowd_is_not_tracked_and_all_of_it_is_answered(lab: Lab, member: Server) -> None:
    """Briefly, with ufw and nobody behind."""
    before = member.snapshot()
    seen = crowd(lab, member, 1000)
    assert seen.answered == 1000
    assert seen.rise > 500
    done, page = switch(member, "--notrack")
    assert done.code == 0, done.out + done.err
    assert [one["kind"] for one in page["changes"] if one["state"] == "done"] == ["notrack"]
    assert switch(member, "--notrack")[1]["changed"] is False
    quiet(member)
    for address, port in ((SERVER4, 40000), (SERVER6, 40000), (SERVER4, 123)):
        seen = crowd(lab, member, 1000, address, port)
        assert seen.answered == 1000, (address, port)
        assert seen.rise < FEW, (address, port)
    assert check(member, "load.notrack") == "ok"
    verified = operator.ntpjoin(member, "verify", "--wait", "240", timeout=280)
    assert verified.code == 0, verified.out
    assert operator.ntpjoin(member, "undo", "--last", "--yes", timeout=90).code == 0
    assert operator.unexplained(before, member.snapshot()) == []


@pytest.mark.campaign
@pytest.mark.parametrize("firewall", FIREWALLS)
def test_with_each_firewall_a_crowd_upstreams_and_a_host_behind(lab: Lab, member: Server, firewall: str) -> None:
    script(member, GUEST)
    FIREWALLS[firewall](member)
    if firewall != "firewalld":
        member.run(["nft", "-f", "-"], input=MASQUERADE, check=True)
    # What a reboot changes by itself is not to be taken for what undo leaves.
    member.reboot()
    behind(member, firewall)
    settled(member)
    assert set(guest(member).values()) == {True}, guest(member)
    before = member.snapshot()
    seen = in_turn(lab, member, 10_000)
    assert {one.answered for one in seen.values()} == {10_000}, seen
    assert min(one.rise for one in seen.values()) > 3000, seen

    done, page = switch(member, "--notrack")
    assert done.code == 0, done.out + done.err
    assert any("this host masquerades" in note["text"] for note in page["notes"])
    quiet(member)
    flat(lab, member, 10_000)
    # What upstreams answer arrives: a daemon that knows nothing yet finds them all.
    member.run(["systemctl", "restart", "ntpsec.service"], check=True, timeout=60 * member.slowness)
    settled(member)
    assert set(guest(member).values()) == {True}, guest(member)

    member.reboot()
    behind(member, firewall)
    settled(member)
    assert check(member, "load.notrack") == "ok"
    flat(lab, member, 1000)
    assert set(guest(member).values()) == {True}, guest(member)
    for line in RELOADS[firewall]:
        script(member, line)
        if firewall == "nftables":
            member.run(["nft", "-f", "-"], input=MASQUERADE, check=True)
        assert check(member, "load.notrack") == "ok", line
    flat(lab, member, 1000)

    undone = operator.ntpjoin(member, "undo", "--last", "--yes", timeout=90)
    assert undone.code == 0, undone.out + undone.err
    assert operator.unexplained(before, member.snapshot()) == []
    seen = in_turn(lab, member, 1000)
    assert min(one.rise for one in seen.values()) > 500, seen


def settled(server: Server) -> None:
    """It is synchronised, and each of its upstreams has answered, the last of them some seconds later."""
    verified = operator.ntpjoin(server, "verify", "--wait", "300", "--json", timeout=340)
    assert verified.code == 0, verified.out

    def all_answer() -> Optional[bool]:
        page = operator.page(operator.ntpjoin(server, "verify", "--json", timeout=90))
        return all(peer["reach"] > 0 for peer in page["peers"]) or None

    wait_for(all_answer, 120, "all upstreams answer", pause=4)


@pytest.mark.campaign
def test_rules_that_let_in_by_state_are_refused_and_what_to_type_helps(lab: Lab, member: Server) -> None:
    with_nftables(member, BY_STATE)
    before = member.snapshot()
    done, page = switch(member, "--notrack")
    assert (done.code, [one["code"] for one in page["blockers"]]) == (3, ["notrack"]), page
    assert before.diff(member.snapshot()) == []
    typed = page["blockers"][0]["remedy"].removeprefix("type: ").partition(";")[0]
    assert typed == "nft insert rule inet filter input udp dport 123 accept"
    member.run(["sh", "-c", typed], check=True)
    done, _ = switch(member, "--notrack")
    assert done.code == 0, done.out + done.err
    flat(lab, member, 1000)
    # Switched off by its option, it is gone as if by undo.
    assert switch(member, "--no-notrack")[0].code == 0
    assert member.run(["nft", "list", "table", "inet", "ntpjoin"]).code != 0
    assert crowd(lab, member, 1000).rise > 500


@pytest.mark.campaign
def test_on_a_fresh_server_all_at_once(lab: Lab, server: Server) -> None:
    """`setup --notrack`: the firewall is opened first, and undo takes back both."""
    operator.carry(server)
    before = server.snapshot()
    done = operator.set_up(server, "--notrack")
    assert done.code == 0, done.out + done.err
    flat(lab, server, 1000)
    undone = operator.ntpjoin(server, "undo", "--yes", timeout=120)
    assert undone.code == 0, undone.out + undone.err
    assert operator.unexplained(before, server.snapshot()) == []
