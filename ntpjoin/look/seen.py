"""The rules in force, the queries that this host must let in, and what the rules do with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from ntpjoin.firewall import FirewallFacts
from ntpjoin.host import rulesets
from ntpjoin.host.netfilter.rules import Chain, Packet, Ruleset
from ntpjoin.host.netfilter.verdict import Verdict, base_chains, can_stop, judge_all, opened
from ntpjoin.model import Family
from ntpjoin.records import dataclass


@dataclass(frozen=True)
class Seen:
    """The rules, and by family the queries and their verdict: the worst, for each of this host's addresses must be served."""

    ruleset: Ruleset
    queries: Mapping[Family, tuple[Packet, ...]]
    verdicts: Mapping[Family, Verdict]

    @property
    def wanting(self) -> tuple[Family, ...]:
        """The families of which it is not sure that all queries are let in."""
        return tuple(family for family, verdict in self.verdicts.items() if not verdict.free)

    def facts(self) -> FirewallFacts:
        """What the rules alone tell, whoever manages them."""
        return FirewallFacts(
            admits={family: verdict.passes for family, verdict in self.verdicts.items()},
            families=tuple(self.verdicts),
            why={family: verdict.why for family, verdict in self.verdicts.items() if verdict.why},
            limit=next((verdict.limit for verdict in self.verdicts.values() if verdict.limit), ""),
        )

    def filtering(self) -> tuple[Chain, ...]:
        """The base chains that can keep something out, or in, on the way that these queries and their answers take."""
        coming = [packet for queries in self.queries.values() for packet in queries]
        both = [*coming, *(replace(packet, leaving=True) for packet in coming)]
        met = {chain.key: chain for packet in both for chain in base_chains(self.ruleset, packet)}
        ends = (chain for chain in met.values() if chain.hook in ("input", "output") and chain.kind != "nat")
        return tuple(chain for chain in ends if can_stop(self.ruleset, chain))


def see(ruleset: Ruleset, doors: Iterable[Packet]) -> Seen:
    """Follow every query."""
    queries: dict[Family, tuple[Packet, ...]] = {}
    for door in doors:
        queries[door.family] = (*queries.get(door.family, ()), door)
    return Seen(ruleset, queries, {family: judge_all(ruleset, packets) for family, packets in queries.items()})


def openings(ruleset: Ruleset, packets: Iterable[Iterable[Packet]]) -> tuple[str, ...]:
    """What to type so that all of them get in and answers out, at the place where it has effect; nothing where that would not do."""
    heads = [chain for queries in packets for chain in opened(ruleset, queries) or ()]
    return tuple(dict.fromkeys(map(rulesets.opening, heads)))
