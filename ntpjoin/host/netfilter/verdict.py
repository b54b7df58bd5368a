"""What a set of rules does with a query to UDP 123 and with the answer to it. Pure.

The rules are followed as the kernel does: base chains by hook and priority; a drop in any of them decides, an accept ends only
that one. Where a condition cannot be told both ways are followed, so that it matters only if they end differently.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Optional

from ntpjoin.host.netfilter.rules import (
    COMING,
    GOING,
    NTP_PORT,
    Action,
    Address,
    AnyOf,
    Chain,
    Condition,
    Fit,
    Is,
    Mark,
    Opaque,
    Packet,
    Port,
    Rule,
    Ruleset,
    fit_all,
)
from ntpjoin.records import dataclass

#: Where connection tracking sits among the priorities of a hook (NF_IP_PRI_CONNTRACK): earlier no packet has a state.
_CONNTRACK = -200

#: The kernel allows no more jumps in a row (NFT_JUMP_STACK_SIZE).
_DEEPEST = 16


#: Nobody types more rules than that.
_MOST_HEADS = 32


@dataclass(frozen=True)
class Verdict:
    """Whether the packet passes (None: cannot be told), what decides that, in which base chain, and what lets only so many pass."""

    passes: Optional[bool] = True
    why: str = ""
    base: Optional[Chain] = None
    limit: str = ""

    @property
    def free(self) -> bool:
        """Whether all such packets pass."""
        return self.passes is True and not self.limit


@dataclass(frozen=True)
class _End:
    """One way that a packet can end in a base chain."""

    action: Action
    fit: Fit
    place: str


class _Walk:
    """Follows one packet through one base chain."""

    def __init__(self, ruleset: Ruleset, packet: Packet, *, early: bool) -> None:
        self.ruleset = ruleset
        self.packet = packet
        self.early = early
        self.ends: list[_End] = []
        self.doubts: list[str] = []
        #: What came of a chain by which such a packet went before, and as what it came out: going once more would tell the same.
        self.gone: dict[tuple[str, Fit, bool, Optional[str]], tuple[bool, Packet]] = {}

    def through(self, chain: Chain, sure: Fit, depth: int = 0) -> bool:
        """Follow a chain; whether the packet may come out of it again."""
        comes_out = False
        for rule in chain.rules:
            fit = fit_all(rule.conditions, self.packet)
            if fit == "no":
                continue
            if fit == "maybe":
                self.doubts.append(f"{rule.place}: {_doubt(rule, self.packet)}")
            both = _weaker(sure, fit)
            self._note(rule, both)
            if rule.action in ("accept", "drop", "elsewhere"):
                self.ends.append(_End(rule.action, both, rule.place))
                ended = True
            elif rule.action == "return":
                comes_out = ended = True
                sure = both
            elif rule.action in ("jump", "goto"):
                back = self._into(chain, rule, both, depth)
                comes_out |= back and rule.action == "goto"
                ended = rule.action == "goto" or not back
            else:
                ended = False
            if ended and fit == "yes":
                return comes_out
        return True

    def _into(self, chain: Chain, rule: Rule, sure: Fit, depth: int) -> bool:
        target = self.ruleset.chain(chain, rule.target)
        if target is None or depth >= _DEEPEST:
            self.doubts.append(f"{rule.place}: chain {rule.target} could not be read")
            self.ends += [_End(action, "maybe", rule.place) for action in ("accept", "drop")]
            return True
        # A jump never leaves its table, and of a packet nothing else changes.
        way = (rule.target, sure, self.packet.marked, self.packet.state)
        if way not in self.gone:
            self.gone[way] = self.through(target, sure, depth + 1), self.packet
        comes_out, self.packet = self.gone[way]
        return comes_out

    def _note(self, rule: Rule, fit: Fit) -> None:
        """What a rule does to the packet itself."""
        if "mark" in rule.sets:
            self.packet = replace(self.packet, marked=True)
        if "untracked" in rule.sets and self.early:
            self.packet = replace(self.packet, state="untracked" if fit == "yes" else None)


def _weaker(one: Fit, other: Fit) -> Fit:
    fits: tuple[Fit, ...] = ("no", "maybe", "rate", "yes")
    return min(one, other, key=fits.index)


def _leaves(conditions: Iterable[Condition]) -> Iterator[Condition]:
    for one in conditions:
        if isinstance(one, AnyOf):
            for group in one.groups:
                yield from _leaves(group)
        else:
            yield one


def _doubt(rule: Rule, packet: Packet) -> str:
    """What about a rule cannot be told."""
    unclear = next((one for one in _leaves(rule.conditions) if one.fit(packet) == "maybe"), None)
    if isinstance(unclear, Opaque):
        return unclear.text
    if isinstance(unclear, Address):
        return "it depends on who asks"
    if isinstance(unclear, Port):
        return "it depends on the client's port"
    return "it depends on a mark" if isinstance(unclear, Mark) else "it depends on more than can be seen here"


def _judge_base(ruleset: Ruleset, packet: Packet, chain: Chain) -> tuple[Verdict, Packet]:
    walk = _Walk(ruleset, packet, early=chain.priority < _CONNTRACK)
    if walk.through(chain, "yes"):
        walk.ends.append(_End(chain.policy, "yes", f"the policy of {chain.title}"))
    firm = [end for end in walk.ends if end.fit != "rate"]
    stops = [end for end in firm if end.action != "accept"]
    passes = [end for end in firm if end.action == "accept"]
    rated = {end.action: end.place for end in reversed(walk.ends) if end.fit == "rate"}
    if stops and not passes and all(end.action == "drop" for end in stops):
        if "accept" in rated:
            return Verdict(base=chain, limit=rated["accept"]), walk.packet
        last = next((end for end in stops if end.fit == "yes"), stops[-1])
        return Verdict(passes=False, why=last.place, base=chain), walk.packet
    if stops:
        sent = next((end.place for end in stops if end.action == "elsewhere"), "")
        why = f"{sent} hands it on" if sent and not walk.doubts else next(iter(walk.doubts), stops[0].place)
        return Verdict(passes=None, why=why, base=chain), walk.packet
    return Verdict(base=chain, limit=rated.get("drop", "")), walk.packet


def base_chains(ruleset: Ruleset, packet: Packet) -> Iterator[Chain]:
    """The base chains that such a packet meets, in their order. Address translation is for what is new, not for answers."""
    family = {"IPv4": "ip", "IPv6": "ip6"}[packet.family]
    hooks = GOING if packet.leaving else COMING
    met = [
        chain
        for chain in ruleset.chains.values()
        if chain.hook in hooks
        and (chain.family in (family, "inet", "netdev") or (chain.family == "bridge" and packet.bridged))
        and (not chain.of_devices or packet.interface in chain.devices)
        and not (chain.kind == "nat" and packet.leaving)
    ]
    yield from sorted(met, key=lambda chain: (hooks.index(chain.hook), chain.priority))


def judge_packet(ruleset: Ruleset, packet: Packet) -> tuple[Verdict, Packet]:
    """What becomes of a packet, and the packet as it is in the end."""
    unclear: Optional[Verdict] = None
    limited: Optional[Verdict] = None
    state = packet.state
    for chain in base_chains(ruleset, packet):
        if chain.kind == "nat" and state == "untracked":
            continue
        here = replace(packet, state=_state_at(chain, state))
        verdict, after = _judge_base(ruleset, here, chain)
        packet = replace(packet, marked=after.marked)
        state = state if after.state == here.state else after.state  # a rule has kept it from being tracked
        if verdict.passes is False:
            return verdict, replace(packet, state=state)
        unclear = unclear or (verdict if verdict.passes is None else None)
        limited = limited or (verdict if verdict.limit else None)
    return unclear or limited or Verdict(), replace(packet, state=state)


def _state_at(chain: Chain, state: Optional[str]) -> Optional[str]:
    """What conntrack calls the packet when this base chain sees it: 'invalid' before it has been looked at (nft_ct.c)."""
    if state in ("untracked", None):
        return state
    if chain.hook == "ingress" or (chain.hook in ("prerouting", "output") and chain.priority < _CONNTRACK):
        return "invalid"
    if chain.hook in ("prerouting", "output") and chain.priority == _CONNTRACK:
        return None
    return state


def judge(ruleset: Ruleset, query: Packet) -> Verdict:
    """Whether a query comes in and its answer goes out."""
    verdicts = [_judge(ruleset, part) for part in _parts(ruleset, query)]
    shut = [verdict for verdict in verdicts if verdict.passes is False]
    if 0 < len(shut) < len(verdicts):
        return replace(shut[0], passes=None, why=f"{shut[0].why}: it depends on the client's port")
    return _worst(verdicts)


def _parts(ruleset: Ruleset, query: Packet) -> Iterator[Packet]:
    """One for each range of ports that it may come from, where that decides whether it is tracked: a packet is, or is not."""
    picky = any(
        isinstance(one, Port) and one.end == "sport"
        for chain in ruleset.chains.values()
        for rule in chain.rules
        if "untracked" in rule.sets
        for one in _leaves(rule.conditions)
    )
    yield from (replace(query, ports=(ports,)) for ports in query.ports) if picky else (query,)


def _judge(ruleset: Ruleset, query: Packet) -> Verdict:
    comes, seen = judge_packet(ruleset, query)
    if comes.passes is False:
        return comes
    states: Mapping[Optional[str], Optional[str]] = {"new": "established", "untracked": "new"}
    goes, _ = judge_packet(ruleset, replace(query, leaving=True, state=states.get(seen.state), marked=False))
    if goes.passes is False or (comes.passes is True and not comes.limit):
        return goes
    return comes if comes.passes is None or goes.passes is True else goes


def judge_all(ruleset: Ruleset, queries: Iterable[Packet]) -> Verdict:
    """The worst of several queries: each address of this host must be served."""
    return _worst([judge(ruleset, query) for query in queries])


def _worst(verdicts: Sequence[Verdict]) -> Verdict:
    for passes in (False, None):
        for verdict in verdicts:
            if verdict.passes is passes:
                return verdict
    return next((verdict for verdict in verdicts if verdict.limit), Verdict())


def can_stop(ruleset: Ruleset, chain: Chain) -> bool:
    """Whether a base chain can stop any packet at all."""
    names, todo = {chain.name}, [chain]
    while todo:
        for rule in (here := todo.pop()).rules:
            if rule.action in ("drop", "elsewhere"):
                return True
            target = ruleset.chain(here, rule.target) if rule.target else None
            if target and target.name not in names:
                names.add(target.name)
                todo.append(target)
    return chain.policy != "accept"


def opened(ruleset: Ruleset, queries: Iterable[Packet]) -> Optional[tuple[Chain, ...]]:
    """The base chains at whose head a rule must be put that lets all queries in and answers out; None where that would not do."""
    heads: list[Chain] = []
    queries = tuple(queries)
    while not (verdict := judge_all(ruleset, queries)).free:
        if verdict.base is None or verdict.base.key in {head.key for head in heads} or len(heads) == _MOST_HEADS:
            return None
        heads.append(verdict.base)
        ruleset = with_rule(ruleset, ruleset.chains[verdict.base.key], at_head=True)
    return tuple(heads)


def with_rule(ruleset: Ruleset, chain: Chain, *, at_head: bool) -> Ruleset:
    """The same rules with one more, that accepts queries (answers, where the chain is for packets that leave)."""
    end: Condition = Port("sport" if chain.leaving else "dport", ((NTP_PORT, NTP_PORT),))
    rule = Rule((Is("protocol", ("udp",)), end), "accept")
    rules = (rule, *chain.rules) if at_head else (*chain.rules, rule)
    return replace(ruleset, chains={**ruleset.chains, chain.key: replace(chain, rules=rules)})
