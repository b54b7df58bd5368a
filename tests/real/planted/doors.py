"""Faults in what keeps others out: the packet filter, and the daemon's restrict lines."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from tests.lab.hosts import SERVER4, SERVER6
from tests.real.planted.fault import (
    Fault,
    Sign,
    fails,
    own_lines,
    take_lines_out,
    take_told_out,
    type_commands,
    typed,
    unknown,
    warns,
)
from tests.real.planted.host import OWN, Check, Host

NO_CONTROL: Mapping[Sign, str] = {
    unknown("closed.ipv4"): "a silence beside no control",
    unknown("closed.ipv6"): "a silence beside no control",
}
NO_ANSWER: Mapping[Sign, str] = {
    fails("answers.ipv4"): "what it asks of its own address goes over lo",
    fails("answers.ipv6"): "what it asks of its own address goes over lo",
}

#: A table of somebody's own beside ufw's, after it.
OWN_NFT = """
table inet mine {
  chain input {
    type filter hook input priority 10; policy accept;
    iif lo accept
    meta nfproto ipv6 udp dport 123 drop
  }
}
"""
ON_LO = "INPUT -i lo -p udp --dport 123 -j DROP"

# --- the packet filter


def only_for(source: str) -> Callable[[Host], None]:
    """ufw keeps the rules of each family apart: a rule for all of the other one leaves this one closed."""
    return typed(f"ufw delete allow 123/udp; ufw allow proto udp from {source} to any port 123")


def no_ipv6(host: Host) -> None:
    host.run("sed -i 's/^IPV6=.*/IPV6=no/' /etc/default/ufw; ufw reload")


def ipv6_again(host: Host, found: Sequence[Check]) -> None:
    assert "IPV6=yes in /etc/default/ufw" in found[0]["remedy"]
    host.run("sed -i 's/^IPV6=.*/IPV6=yes/' /etc/default/ufw")
    type_commands(host, found[0]["remedy"].rpartition("then: ")[2])


def own_table(host: Host) -> None:
    host.write("/root/own.nft", OWN_NFT)
    host.run("nft -f /root/own.nft")


def lo_free(host: Host, found: Sequence[Check]) -> None:
    assert "packet filter on lo" in found[0]["remedy"]
    host.run(f"iptables -D {ON_LO}; ip6tables -D {ON_LO}")


FIREWALL = (
    Fault(
        "the firewall is closed",
        typed("ufw delete allow 123/udp"),
        (fails("firewall", "over IPv4", "ntpjoin firewall"), fails("firewall", "over IPv6", "ntpjoin firewall")),
    ),
    Fault("the firewall is closed for IPv4", only_for("::/0"), (fails("firewall", "over IPv4", "ntpjoin firewall"),)),
    Fault(
        "the firewall is closed for IPv6", only_for("0.0.0.0/0"), (fails("firewall", "over IPv6", "ntpjoin firewall"),)
    ),
    Fault(
        "an earlier rule of ufw forbids it",
        typed("ufw insert 1 deny proto udp from any to any port 100:200"),
        (fails("firewall", "its rule `100:200/udp", "ufw insert 1 allow 123/udp"),),
    ),
    Fault(
        "ufw lets in only so many",
        typed("ufw delete allow 123/udp; ufw limit 123/udp"),
        (warns("firewall", "only so many", "LIMIT IN", "ufw allow 123/udp"),),
    ),
    Fault("ufw keeps out IPv6", no_ipv6, (warns("firewall", "keeps out all IPv6", "IPV6=yes"),), mend=ipv6_again),
    Fault(
        "a table of the operator's own drops IPv6",
        own_table,
        (fails("firewall", "over IPv6", "chain input of table inet mine", "nft insert rule"),),
    ),
    Fault(
        "the loopback interface is filtered",
        typed(f"iptables -I {ON_LO}; ip6tables -I {ON_LO}"),
        (unknown("sync.peer", "packet filter on lo"),),
        {**NO_CONTROL, **NO_ANSWER},
        mend=lo_free,
        wait_s=0,
    ),
)

# --- restrict lines


def starves_everybody(host: Host) -> None:
    """The first packet of anybody is let through, the second is not."""
    host.own_lines("limit average 0.01 burst 5")
    host.verify(60)


RESTRICT = (
    Fault(
        "the daemon may not tell this host",
        own_lines("# mine", "restrict 127.0.0.1 noquery", "restrict ::1 noquery"),
        (unknown("sync.peer", f"lines 2, 3 out of {OWN}"),),
        NO_CONTROL,
        mend=take_lines_out,
        wait_s=0,
    ),
    Fault(
        "mode 6 is open",
        own_lines("unrestrict default noquery"),
        (fails("closed.ipv4", f"line 1 out of {OWN}"), fails("closed.ipv6", f"line 1 out of {OWN}")),
        mend=take_lines_out,
    ),
    Fault(
        "mode 6 is open over IPv6: noquery is missing",
        own_lines("# mine", "unrestrict -6 default noquery"),
        (fails("closed.ipv6", f"line 2 out of {OWN}"),),
        mend=take_lines_out,
    ),
    Fault(
        "mode 6 is open to all but this host's own addresses",
        own_lines(
            "unrestrict default noquery",
            f"restrict {SERVER4} noquery nomodify limited kod",
            f"restrict {SERVER6} noquery nomodify limited kod",
        ),
        (fails("access.noquery", "strangers may ask management queries", f"line 1 out of {OWN}"),),
        mend=take_lines_out,
    ),
    Fault(
        "only noquery keeps strangers from changing settings: nomodify is missing",
        own_lines("unrestrict default nomodify"),
        (warns("access.nomodify", "only `noquery`", f"line 1 out of {OWN}"),),
        mend=take_lines_out,
    ),
    Fault(
        "nobody is limited: limited is missing",
        own_lines("unrestrict default limited"),
        (warns("access.limited", f"line 1 out of {OWN}"),),
        mend=take_lines_out,
    ),
    Fault(
        "clients are refused",
        own_lines("restrict default noserve"),
        (
            fails(
                "sync.peer", "0 of 5 sources answer", f"line 1 out of {OWN}"
            ),  # what its upstreams answer is refused, too
            fails("answers.ipv4", f"line 1 out of {OWN}"),
            fails("answers.ipv6", f"line 1 out of {OWN}"),
        ),
        mend=take_lines_out,
        wait_s=0,
    ),
    Fault(
        "clients of other versions are refused",
        own_lines("restrict default version"),
        (fails("access.serve", f"line 1 out of {OWN}"),),
        mend=take_lines_out,
    ),
    Fault(
        "a bare `restrict ADDRESS`",
        own_lines("# mine", "restrict 198.51.100.99"),
        (warns("access.open", "198.51.100.99", "a line without flags allows everything", f"line 2 of {OWN}"),),
        mend=take_lines_out,
    ),
    Fault(
        "the limiter starves a monitor",
        own_lines("limit average 0.12 burst 20"),
        (warns("access.serve", "would refuse the pool's monitors", f"line 1 out of {OWN}"),),
        mend=take_lines_out,
    ),
    Fault(
        "the limiter starves everybody",
        starves_everybody,
        (fails("answers.ipv4", "RATE", f"line 1 out of {OWN}"), fails("answers.ipv6", "RATE", f"line 1 out of {OWN}")),
        {warns("access.serve"): "the same line"},
        mend=take_lines_out,
    ),
    Fault(
        "it listens on the loopback interface only",
        own_lines("interface ignore all", "interface listen lo"),
        (fails("service.listens", "does not listen at 203.0.113.7 and 2001:db8:113::7", OWN),),
        {fails("sync.peer"): "its own packets have no socket to leave from"},
        mend=take_told_out,
        wait_s=0,
    ),
    Fault(
        "it does not listen over IPv6",
        # Where one line tells of interfaces, what none of them names is left out.
        own_lines("interface ignore ipv6", f"interface listen {SERVER4}"),
        (warns("service.listens", "not at 2001:db8:113::7", OWN),),
        {fails("sync.peer", "sources answer"): "where three of the five were chosen by IPv6, too few are left"},
        mend=take_told_out,
    ),
)

FAULTS = (*FIREWALL, *RESTRICT)
