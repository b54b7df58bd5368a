"""Whether connection tracking sees NTP, and whether NTP would pass without it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ntpjoin.firewall import FirewallFacts, Untracked
from ntpjoin.host import rulesets
from ntpjoin.host.machine import Host
from ntpjoin.host.netfilter.notrack import (
    FROM_123,
    FROM_ABOVE,
    is_untracked,
    masquerades,
    untracking,
    with_table,
    without_table,
)
from ntpjoin.host.netfilter.rules import Chain, Packet, Ruleset
from ntpjoin.host.netfilter.verdict import Verdict, judge_all, opened, with_rule
from ntpjoin.look.seen import Seen
from ntpjoin.model import Family


def look_untracked(host: Host, seen: Seen, manager: FirewallFacts) -> Untracked:
    """Follow every query as it is now, and as it would be with our table."""
    told = {family: _judged(seen, manager, family) for family in seen.queries}
    stuck = [family for family, verdict in told.items() if verdict.passes is False]
    return Untracked(
        out={family: is_untracked(seen.ruleset, queries, FROM_ABOVE) for family, queries in seen.queries.items()},
        from_123={family: is_untracked(seen.ruleset, queries, FROM_123) for family, queries in seen.queries.items()},
        passes={family: verdict.passes for family, verdict in told.items()},
        why={family: verdict.why for family, verdict in told.items() if verdict.why},
        remedy=tuple(dict.fromkeys(command for family in stuck for command in _remedy(seen, manager, family))),
        masquerades=masquerades(seen.ruleset),
        theirs=tuple(dict.fromkeys(rule for queries in seen.queries.values() for rule in _theirs(seen, queries))),
        nft=host.which("nft") or "",
    )


def _theirs(seen: Seen, queries: Iterable[Packet]) -> tuple[str, ...]:
    return untracking(without_table(seen.ruleset), queries, FROM_123)


def _judged(seen: Seen, manager: FirewallFacts, family: Family) -> Verdict:
    """What would become of queries with our table in force; of such as are not let in by then that is not the question."""
    ruleset, queries = without_table(seen.ruleset), seen.queries[family]
    now = judge_all(ruleset, queries)
    if now.passes is False:
        if family not in manager.opens:
            return Verdict()
        ruleset = _opened(ruleset, seen, family)
        now = judge_all(ruleset, queries)
    # Where somebody hands them on to another host, that is a matter of tracking: without it they would come here.
    return now if now.passes is None else judge_all(with_table(ruleset), queries)


def _opened(ruleset: Ruleset, seen: Seen, family: Family) -> Ruleset:
    """As with the rule that the manager takes from us."""
    for chain in opened(ruleset, seen.queries[family]) or ():
        ruleset = with_rule(ruleset, ruleset.chains[chain.key], at_head=True)
    return ruleset


def _remedy(seen: Seen, manager: FirewallFacts, family: Family) -> Iterator[str]:
    ruleset = with_table(_opened(without_table(seen.ruleset), seen, family))
    for chain in opened(ruleset, seen.queries[family]) or ():
        yield _typed(manager, chain)


def _typed(manager: FirewallFacts, chain: Chain) -> str:
    """A rule that asks for no state: ufw takes one for what leaves."""
    if manager.manager == "ufw" and chain.leaving:
        return "ufw allow out proto udp from any port 123"
    return rulesets.opening(chain)
