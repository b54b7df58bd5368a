"""Keeping NTP out of connection tracking: our table as rules, and who sees a query tracked. Pure.

The table of templates/ntpjoin-notrack.service.j2, for packets that meet it before conntrack does (nft(8), notrack).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from ntpjoin.host.netfilter.ranges import Range
from ntpjoin.host.netfilter.rules import NTP_PORT, Chain, Condition, Is, Packet, Port, Rule, Ruleset, fit_all
from ntpjoin.host.netfilter.verdict import judge_packet

TABLE = "ntpjoin"

#: NF_IP_PRI_RAW: before conntrack.
_RAW = -300

#: From where ntpd asks, as client and as server, and from where all others do.
FROM_123: tuple[Range, ...] = ((NTP_PORT, NTP_PORT),)
FROM_ABOVE: tuple[Range, ...] = ((1024, 65535),)


def with_table(ruleset: Ruleset) -> Ruleset:
    """The same rules with ours among them, which keeps all of NTP that is for this host or from it out of tracking."""
    udp = Is("protocol", ("udp",))
    comes: tuple[Condition, ...] = (
        Is("in", ("lo",), negated=True),
        udp,
        Port("dport", FROM_123),
        Is("destination type", ("local",)),
    )
    goes: tuple[Condition, ...] = (Is("out", ("lo",), negated=True), udp, Port("sport", FROM_123))
    chains = dict(ruleset.chains)
    for hook, conditions in (("prerouting", comes), ("output", goes)):
        rule = Rule(conditions, "continue", "", ("untracked",), "rule of ntpjoin")
        chain = Chain("nft", "inet", TABLE, hook, (rule,), hook, _RAW)
        chains[chain.key] = chain
    return replace(ruleset, chains=chains)


def without_table(ruleset: Ruleset) -> Ruleset:
    """The same rules without ours."""
    chains = {key: chain for key, chain in ruleset.chains.items() if key[:3] != ("nft", "inet", TABLE)}
    return replace(ruleset, chains=chains)


def is_untracked(ruleset: Ruleset, queries: Iterable[Packet], ports: tuple[Range, ...]) -> bool:
    """Whether conntrack sees neither these queries, from those ports, nor the answers to them."""
    asked = [replace(query, ports=ports) for query in queries]
    packets = [*asked, *(replace(packet, leaving=True) for packet in asked)]
    return all(judge_packet(ruleset, packet)[1].state == "untracked" for packet in packets)


def untracking(ruleset: Ruleset, queries: Iterable[Packet], ports: tuple[Range, ...]) -> tuple[str, ...]:
    """The rules by which conntrack does not see such queries from those ports, as they come in; none where it sees one of them."""
    asked = [replace(query, ports=ports) for query in queries]
    if not all(judge_packet(ruleset, packet)[1].state == "untracked" for packet in asked):
        return ()
    rules = [rule for chain in ruleset.chains.values() for rule in chain.rules if "untracked" in rule.sets]
    met = [rule.place for rule in rules if any(fit_all(rule.conditions, packet) == "yes" for packet in asked)]
    return tuple(dict.fromkeys(met))


def masquerades(ruleset: Ruleset) -> bool:
    """Whether some rule may give packets that leave another source: others behind this host ask by its address then."""
    return any(
        _may_translate(ruleset, chain)
        for chain in ruleset.chains.values()
        if (chain.kind, chain.hook) == ("nat", "postrouting")
    )


def _may_translate(ruleset: Ruleset, base: Chain) -> bool:
    """Whether it comes to a rule that ends there; the readers tell of a new source as of any other accept."""
    names, todo = {base.name}, [base]
    while todo:
        for rule in (here := todo.pop()).rules:
            if rule.action in ("accept", "elsewhere"):
                return True
            target = ruleset.chain(here, rule.target) if rule.target else None
            if target and target.name not in names:
                names.add(target.name)
                todo.append(target)
    return False
