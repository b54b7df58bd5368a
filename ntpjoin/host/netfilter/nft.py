"""nft's rules, from `nft -j list ruleset` (libnftables-json(5))."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from ntpjoin.host.netfilter.expressions import Table, match
from ntpjoin.host.netfilter.rules import Action, Always, Chain, Condition, Is, Opaque, Rate, Rule, Ruleset, Unread

_VERDICTS: Mapping[str, Action] = {
    "accept": "accept",
    "drop": "drop",
    "reject": "drop",
    "return": "return",
    "continue": "continue",
    "jump": "jump",
    "goto": "goto",
    "queue": "elsewhere",
    "dnat": "elsewhere",
    "redirect": "elsewhere",
    "tproxy": "elsewhere",
    "fwd": "elsewhere",
    "snat": "accept",
    "masquerade": "accept",
}

_ICMP = {"icmp": "IPv4", "icmpv6": "IPv6"}
_NAT = {"ip": "IPv4", "ip6": "IPv6"}

#: `device "eth0"`, `devices = { eth0, eth1 }`.
_DEVICES = re.compile(r"hook \w+ devices? =? ?(\{[^}]*\}|\S+)")

#: Statements that change nothing of whether a packet passes.
_IDLE = frozenset(
    {"log", "counter", "dup", "ct helper", "ct timeout", "ct expectation", "secmark", "last", "flow", "comment", "map"}
)


#: A table without sets.
_BARE = Table()

#: What comes of JSON of another shape than was ever seen.
_STRANGE = (AttributeError, IndexError, KeyError, RecursionError, TypeError, ValueError)


def parse(text: str) -> Ruleset:
    """Read the JSON of a ruleset. Raises ValueError where it is none."""
    try:
        return _parse(text)
    except _STRANGE as error:
        raise ValueError("it is no ruleset in JSON") from error


def _parse(text: str) -> Ruleset:
    objects: list[dict[str, Any]] = json.loads(text)["nftables"]
    sets: dict[tuple[str, str], dict[str, Sequence[Any]]] = {}
    for one in objects:
        found = one.get("set") or one.get("map")
        if found:
            sets.setdefault((found["family"], found["table"]), {})[found["name"]] = found.get("elem", ())
    tables = {place: Table(found) for place, found in sets.items()}
    rules: dict[tuple[str, str, str], list[Mapping[str, Any]]] = {}
    chains = []
    for one in (one["chain"] for one in objects if "chain" in one):
        key = (one["family"], one["table"], one["name"])
        rules[key] = []
        chains.append(_chain(one, Unread(partial(_of_chain, rules[key], tables.get(key[:2], _BARE)))))
    for rule in (one["rule"] for one in objects if "rule" in one):
        if not isinstance(rule["expr"], list) or "handle" not in rule:
            raise TypeError("a rule of another shape")
        rules[rule["family"], rule["table"], rule["chain"]].append(rule)
    return Ruleset({chain.key: chain for chain in chains})


def _of_chain(rules: Sequence[Mapping[str, Any]], table: Table) -> Iterator[Rule]:
    for rule in rules:
        place = f"rule {rule['handle']} of chain {rule['chain']} of table {rule['family']} {rule['table']}"
        yield from _read(rule["expr"], table, place)


def with_devices(ruleset: Ruleset, text: str) -> Ruleset:
    """The same, with the interfaces that chains are for, from `nft list chains`: nft 1.0 leaves them out of its JSON.

    Lines of another shape than was ever seen tell nothing.
    """
    chains = dict(ruleset.chains)
    family = table = name = ""
    for line in text.splitlines():
        words = line.split()
        if words[:1] == ["table"] and len(words) > 2:
            family, table = words[1:3]
        elif words[:1] == ["chain"] and len(words) > 1:
            name = words[1]
        elif (key := _DEVICES.search(line)) and (chain := chains.get(("nft", family, table, name))):
            devices = tuple(re.findall(r"[^\s,\"{}]+", key[1]))
            chains[chain.key] = replace(chain, devices=devices)
    return replace(ruleset, chains=chains)


def _chain(one: Mapping[str, Any], rules: Unread) -> Chain:
    devices = one.get("dev", ())
    if not isinstance(one.get("prio", 0), int) or not isinstance(one.get("hook", ""), str):
        raise TypeError("a chain of another shape")
    return Chain(
        "nft",
        one["family"],
        one["table"],
        one["name"],
        rules,
        hook=one.get("hook", ""),
        priority=one.get("prio", 0),
        policy=_VERDICTS[one.get("policy", "accept")],
        kind=one.get("type", "filter"),
        devices=(devices,) if isinstance(devices, str) else tuple(devices),
    )


def _read(statements: Sequence[Mapping[str, Any]], table: Table, place: str) -> list[Rule]:
    """The same, where a statement of another shape than was ever seen makes the rule one that is not understood."""
    try:
        return list(_rules(statements, table, place))
    except _STRANGE:
        return [Rule((Opaque("it is not understood"),), "elsewhere", place=place)]


def _rules(statements: Sequence[Mapping[str, Any]], table: Table, place: str) -> Iterator[Rule]:
    """One rule of nft; a verdict map becomes one rule for each of its elements."""
    conditions: list[Condition] = []
    sets: list[str] = []
    for statement in statements:
        [(kind, body)] = statement.items()
        if kind == "vmap":
            yield from _mapped(body, conditions, table, place)
            return
        if kind in _VERDICTS:
            target = body["target"] if kind in ("jump", "goto") else ""
            yield Rule((*conditions, *_implied(kind, body)), _VERDICTS[kind], target, tuple(sets), place)
            return
        if kind == "notrack":
            sets.append("untracked")
        elif kind == "mangle":
            sets += ["mark"] if _named(body["key"]) == "mark" else []
            if _named(body["key"]) in ("saddr", "daddr", "sport", "dport"):
                yield Rule(tuple(conditions), "elsewhere", place=place)
        elif kind not in _IDLE:
            conditions.append(_statement(kind, body, table))
    # A target of iptables that nft cannot name may end the way of a packet, too.
    yield Rule(tuple(conditions), "elsewhere" if "xt" in statements[-1] else "continue", "", tuple(sets), place)


def _named(key: Mapping[str, Any]) -> str:
    """The key or field of what is written to: {'meta': {'key': 'mark'}}."""
    [inner] = key.values()
    return str(inner.get("key", inner.get("field", "")))


def _implied(kind: str, body: Any) -> Iterator[Condition]:
    """What nft does not print because the verdict says it: the family of a `reject with icmpv6`, of a `dnat ip to`."""
    said = body if isinstance(body, Mapping) else {}
    if kind == "reject" and said.get("type") in _ICMP:
        yield Is("family", (_ICMP[said["type"]],))
    elif kind == "reject" and said.get("type") == "tcp reset":
        yield Is("protocol", ("tcp",))
    elif said.get("family") in _NAT:
        yield Is("family", (_NAT[said["family"]],))


def _statement(kind: str, body: Any, table: Table) -> Condition:
    """A statement that a packet must get past."""
    if kind == "match":
        return match(body, table)
    if kind in ("limit", "ct count"):
        return Rate()
    if kind in ("set", "meter"):
        # Adding to a set always succeeds; what is counted for each element may be used up.
        inner = body.get("stmt") or ()
        counted = [inner] if isinstance(inner, Mapping) else inner
        return Rate() if any("limit" in one or "ct count" in one for one in counted) else Always()
    return Opaque(f"{kind} is not understood")


def _mapped(body: Mapping[str, Any], conditions: Sequence[Condition], table: Table, place: str) -> Iterator[Rule]:
    data = body["data"]
    elements = table.sets.get(data[1:], ()) if isinstance(data, str) else data["set"]
    for key, verdict in sorted(elements, key=lambda element: element[0] == "*"):  # anything else, last
        [(kind, target)] = verdict.items()
        met = match({"op": "==", "left": body["key"], "right": key}, table) if key != "*" else Always()
        name = target["target"] if kind in ("jump", "goto") else ""
        yield Rule((*conditions, met), _VERDICTS[kind], name, (), place)
