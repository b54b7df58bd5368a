"""A packet filter that firewalld manages: its zones, now and after its next start, and whether a rule of ours would help."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from ntpjoin.firewall import FirewallFacts, Places
from ntpjoin.host.firewalld import Firewalld, look, running
from ntpjoin.host.machine import Host
from ntpjoin.host.netfilter.rules import NTP_PORT, Chain, Is, Port, Ruleset
from ntpjoin.host.netfilter.verdict import Verdict, judge_all, with_rule
from ntpjoin.host.zones import Zone, as_rules
from ntpjoin.look.seen import Seen, openings
from ntpjoin.model import Family
from ntpjoin.records import dataclass

__all__ = ["by_firewalld", "running"]

#: What the predefined service is; where somebody has made something else of it we name the port.
_NTP = ((Is("protocol", ("udp",)), Port("dport", ((NTP_PORT, NTP_PORT),))),)

#: The tables of firewalld; the second is there in panic mode only.
_TABLE, _PANIC = "firewalld", "firewalld_policy_drop"

#: A rule that is asked before all others of its zone.
_FIRST = 'rule priority="-32768" port port="123" protocol="udp" accept'


def by_firewalld(host: Host, seen: Seen) -> FirewallFacts:
    """The rules in force decide what gets in now, the zones as they are written down what will after a reload."""
    facts = replace(seen.facts(), manager="firewalld")
    found = look(host)
    if found is None:
        return replace(facts, manager="unknown", problem="firewalld runs, and firewall-cmd does not tell its zones")
    view = _View(found, seen)
    later = {family: view.later(family) for family in facts.families}
    facts = replace(
        facts,
        lasts={family: verdict.passes for family, verdict in later.items()},
        limit=next(
            (one.limit for family in facts.families for one in (view.now(family), later[family]) if one.limit),
            facts.limit,
        ),
        places=view.places,
    )
    opens = tuple(family for family in facts.families if facts.lets_in(family) or view.helps(family))
    stuck = [
        family for family in facts.families if family not in opens or seen.verdicts[family].limit or later[family].limit
    ]
    return replace(
        facts,
        opens=opens,
        why={**facts.why, **{family: view.why(family) for family in facts.families if not facts.lets_in(family)}},
        remedy=tuple(dict.fromkeys(command for family in stuck for command in view.remedy(family))),
    )


@dataclass(frozen=True)
class _View:
    """What firewalld says beside what is in force."""

    found: Firewalld
    seen: Seen

    @property
    def interfaces(self) -> tuple[str, ...]:
        """The public ones."""
        return tuple(sorted({query.interface for queries in self.seen.queries.values() for query in queries}))

    @property
    def places(self) -> Places:
        """Where our rule belongs, and which one it is."""
        return Places(
            now=tuple(sorted(set(map(self.found.zone_now, self.interfaces)))),
            later=tuple(sorted(set(map(self.found.zone_later, self.interfaces)))),
            rule="service=ntp" if self.found.services.get("ntp") == _NTP else f"port={NTP_PORT}/udp",
        )

    def now(self, family: Family, *ours: str) -> Verdict:
        """What the zones do, with our rule in some of them."""
        return self._judge(self.found.now, self.found.zone_now, family, ours)

    def later(self, family: Family, *ours: str, first: bool = False) -> Verdict:
        """The same after a reload; `first`: with a rich rule of ours that is asked before all others."""
        return self._judge(self.found.later, self.found.zone_later, family, ours, first=first)

    def _judge(
        self,
        zones: Mapping[str, Zone],
        zone_of: Callable[[str], str],
        family: Family,
        ours: tuple[str, ...],
        *,
        first: bool = False,
    ) -> Verdict:
        changed = dict(zones)
        for name in (name for name in ours if name in zones):
            zone = zones[name]
            rich, ports = (*zone.rich_rules, _FIRST), (*zone.ports, f"{NTP_PORT}/udp")
            changed[name] = replace(zone, rich_rules=rich) if first else replace(zone, ports=ports)
        bound = {name: zone_of(name) for name in self.interfaces}
        return judge_all(as_rules(changed, bound, self.found.default, self.found.services), self.seen.queries[family])

    def in_force(self, zones: tuple[str, ...], part: str) -> Ruleset:
        """The rules with ours in a part of these zones: firewalld has chains for what is asked first and for what is allowed."""
        ruleset = self.seen.ruleset
        for zone in zones:
            for chain in [
                chain
                for key, chain in ruleset.chains.items()
                if key[3] in (f"filter_IN_{zone}_{part}", f"IN_{zone}_{part}")
            ]:
                ruleset = with_rule(ruleset, chain, at_head=part == "pre")
        return ruleset

    def with_ours(self, family: Family) -> Verdict:
        """What the rules in force would do with ours among them."""
        return judge_all(self.in_force(self.places.now, "allow"), self.seen.queries[family])

    def helps(self, family: Family) -> bool:
        """Whether our rule lets queries in, now and after a reload."""
        now, later = self.now(family, *self.places.now), self.later(family, *self.places.later)
        return self.with_ours(family).free and now.free and later.free

    def why(self, family: Family) -> str:
        """What decides: the zones, if a rule of ours in them would be heard, else what stands before them."""
        now, later, kept = self.now(family), self.later(family), self.with_ours(family)
        if self.seen.verdicts[family].passes is True:
            return f"after a reload: {later.why}"
        return (
            now.why
            if now.passes is not True and (kept.free or not self.now(family, *self.places.now).free)
            else kept.why
        )

    def remedy(self, family: Family) -> Iterator[str]:
        """What to type where our rule is not enough, or is not the only one."""
        kept = self.with_ours(family)
        if kept.base and self._panics(kept.base):
            yield "firewall-cmd --panic-off"
        elif kept.base and self._foreign(kept.base):
            yield from openings(self.in_force(self.places.now, "allow"), [self.seen.queries[family]])
        elif not self.helps(family):
            yield from self._first(family)
            return
        if not self.now(family).free:
            yield from (f"firewall-cmd --zone={zone} --add-{self.places.rule}" for zone in self.places.now)
        if not self.later(family).free:
            yield from (
                f"firewall-cmd --permanent --zone={zone} --add-{self.places.rule}" for zone in self.places.later
            )

    def _panics(self, base: Chain) -> bool:
        """Whether firewalld keeps everything out; its iptables backend does so by policies."""
        return base.table == _PANIC or (base.table == "raw" and base.tool != "nft" and base.policy == "drop")

    def _foreign(self, base: Chain) -> bool:
        """Whether a base chain is not firewalld's own. With its iptables backend that cannot be told from the operator's."""
        own = any(key[0] == "nft" and key[2] == _TABLE for key in self.seen.ruleset.chains)
        return base.tool != "nft" or base.table != _TABLE if own else base.tool == "nft" or base.table != "filter"

    def _first(self, family: Family) -> Iterator[str]:
        """A rich rule that is asked before all others, in the zone where it is heard."""
        zones = (*self.places.now, *(zone.name for zone in self.found.now.values() if zone.sources))
        queries = self.seen.queries[family]
        now = next((zone for zone in zones if judge_all(self.in_force((zone,), "pre"), queries).free), "")
        zones = (*self.places.later, *(zone.name for zone in self.found.later.values() if zone.sources))
        later = next((zone for zone in zones if self.later(family, zone, first=True).free), "")
        if not now or not later:
            yield "look at: firewall-cmd --list-all-zones, firewall-cmd --list-all-policies"
            return
        if not self.seen.verdicts[family].free:
            yield f"firewall-cmd --zone={now} --add-rich-rule='{_FIRST}'"
        if not self.later(family).free:
            yield f"firewall-cmd --permanent --zone={later} --add-rich-rule='{_FIRST}'"
