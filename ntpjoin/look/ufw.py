"""A packet filter that ufw manages: what decides in ufw's own words, and whether a rule of ours would help."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ntpjoin.firewall import FirewallFacts
from ntpjoin.host import rulesets, ufw
from ntpjoin.host.machine import Host
from ntpjoin.host.netfilter.rules import NTP_PORT, Chain
from ntpjoin.host.netfilter.verdict import judge_all, opened, with_rule
from ntpjoin.look.seen import Seen
from ntpjoin.model import Family


def by_ufw(host: Host, seen: Seen) -> FirewallFacts:
    """The rules decide; ufw is asked only where they let not everybody in, for it takes its time."""
    facts = replace(seen.facts(), manager="ufw")
    if "IPv6" in seen.wanting and not ufw.filters_ipv6(host):
        facts = replace(facts, families=tuple(one for one in facts.families if one != "IPv6"), closed=("IPv6",))
    wanting = [family for family in seen.wanting if family in facts.families]
    status = ufw.status(host) if wanting else None
    free = [family for family in facts.families if family not in wanting]
    if status is None:
        return replace(facts, opens=tuple(free))
    rules = ufw.as_rules(status)
    told = {family: judge_all(rules, seen.queries[family]) for family in wanting}
    helped = [family for family in wanting if _helps(seen, status, family)]
    stuck = [family for family in wanting if family not in helped]
    commands = [command for family in stuck for command in _elsewhere(seen, family)]
    if any(not told[family].free for family in stuck):
        behind = ufw.as_rules(ufw.after_allow(status, NTP_PORT))
        enough = all(judge_all(behind, seen.queries[family]).free for family in stuck)
        commands += ["ufw allow 123/udp"] if enough else ufw.first_commands(status, NTP_PORT)
    return replace(
        facts,
        opens=tuple(family for family in facts.families if family in free or family in helped or facts.admits[family]),
        why={**facts.why, **{family: verdict.why for family, verdict in told.items() if verdict.why}},
        limit=next((verdict.limit for verdict in told.values() if verdict.limit), facts.limit),
        remedy=tuple(dict.fromkeys(commands)),
    )


def _helps(seen: Seen, status: ufw.Status, family: Family) -> bool:
    """Whether our rule, which ufw puts behind its others, lets queries in. In the place of another's it is not ours to put."""
    chain = rulesets.of_ufw(seen.ruleset, family)
    if chain is None or ufw.would_replace(status, NTP_PORT):
        return False
    return judge_all(with_rule(seen.ruleset, chain, at_head=False), seen.queries[family]).free


def _elsewhere(seen: Seen, family: Family) -> Iterator[str]:
    """What to type besides, where it is not only what ufw was told that keeps queries out."""
    chain = rulesets.of_ufw(seen.ruleset, family)
    ruleset = with_rule(seen.ruleset, chain, at_head=True) if chain else seen.ruleset
    for head in opened(ruleset, seen.queries[family]) or ():
        yield _before_rules(head, family) if chain and head.key[:3] == chain.key[:3] else rulesets.opening(head)


def _before_rules(head: Chain, family: Family) -> str:
    """Rules of ufw that no command of it changes."""
    six = "6" if family == "IPv6" else ""
    chain, end = ("output", "sport") if head.leaving else ("input", "dport")
    rule = f"-A ufw{six}-before-{chain} -p udp --{end} 123 -j ACCEPT"
    return f"write `{rule}` into /etc/ufw/before{six}.rules, before the rule that decides; then: ufw reload"
