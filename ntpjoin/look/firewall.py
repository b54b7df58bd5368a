"""Who manages the packet filter, and whether it lets UDP 123 in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Optional

from ntpjoin.firewall import FirewallFacts
from ntpjoin.host import rulesets
from ntpjoin.host.machine import Host
from ntpjoin.host.netfilter.rules import NTP_PORT
from ntpjoin.look.doors import look_doors
from ntpjoin.look.network import Network
from ntpjoin.look.seen import Seen, openings, see
from ntpjoin.look.untracked import look_untracked
from ntpjoin.model import FAMILIES

__all__ = ["NTP_PORT", "look_firewall"]


def look_firewall(host: Host, network: Optional[Callable[[], Network]] = None) -> FirewallFacts:
    """The rules in force decide what gets in; the manager, where one is active, says what can be done about it.

    `network` tells of the addresses, where that is asked by somebody else.
    """
    if not host.is_root():
        return FirewallFacts("unknown", problem="it can only be seen by root", remedy=("sudo ntpjoin verify",))
    ruleset = rulesets.read(host)
    if ruleset.problem:
        return FirewallFacts("unknown", problem=ruleset.problem)
    seen = see(ruleset, look_doors(host, network() if network else None))
    facts = _managed(host, seen)
    return replace(facts, untracked=look_untracked(host, seen, facts)) if facts.manager != "unknown" else facts


def _managed(host: Host, seen: Seen) -> FirewallFacts:
    """What whoever manages the rules would say."""
    if any(rulesets.of_ufw(seen.ruleset, family) for family in FAMILIES):
        from ntpjoin.look.ufw import by_ufw  # noqa: PLC0415 - as below

        return by_ufw(host, seen)
    if host.which("firewall-cmd"):
        from ntpjoin.look.firewalld import by_firewalld, running  # noqa: PLC0415 - few hosts have it, and XML costs 20 ms

        if running(host):
            return by_firewalld(host, seen)
    return _by_nobody(seen)


def _by_nobody(seen: Seen) -> FirewallFacts:
    """Rules of the operator's own, or none that could keep anybody out."""
    facts, filtering = seen.facts(), seen.filtering()
    if not seen.wanting and not filtering:
        return replace(facts, manager="none")
    deciding = [verdict.base for verdict in seen.verdicts.values() if verdict.base]
    tools = {chain.tool for chain in deciding or filtering}
    remedy = openings(seen.ruleset, (seen.queries[family] for family in seen.wanting))
    return replace(facts, manager="nftables" if "nft" in tools else "iptables", remedy=remedy)
