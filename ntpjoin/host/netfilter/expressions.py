"""What a rule of nft compares, as conditions: the expressions of libnftables-json(5)."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import field
from typing import Any, Optional

from ntpjoin.host.netfilter.ranges import Range
from ntpjoin.host.netfilter.rules import Address, Always, AnyOf, Condition, Is, Mark, Opaque, Port, Word
from ntpjoin.records import dataclass

_FAMILY: Mapping[str, str] = {"ip": "IPv4", "ip6": "IPv6", "ipv4": "IPv4", "ipv6": "IPv6"}

_META: Mapping[str, Word] = {
    "iif": "in",
    "iifname": "in",
    "oif": "out",
    "oifname": "out",
    "l4proto": "protocol",
    "nfproto": "family",
    "protocol": "family",
    "pkttype": "cast",
}

#: So much of an expression is told to people.
_SHOWN = 300

_CT: Mapping[str, Word] = {"state": "state", "status": "status", "direction": "direction"}


class NotUnderstood(Exception):
    """Something of a rule that this reader does not know; the text says what."""


@dataclass(frozen=True)
class Table:
    """What a rule can name of its table: sets and maps, by their elements; and what comparing with a whole set was found to mean."""

    sets: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    known: dict[tuple[str, str, str], Condition] = field(default_factory=dict)


def match(body: Mapping[str, Any], table: Table) -> Condition:
    """The condition of a match statement; one that is not understood says so."""
    left, right, op = body["left"], body["right"], body["op"]
    if not isinstance(right, str) or not right.startswith("@"):
        return _match(left, right, op, table)
    # Sets may have many thousand elements, and many rules may name one.
    key = (json.dumps(left), right, str(op))
    if key not in table.known:
        table.known[key] = _match(left, right, op, table)
    return table.known[key]


def _match(left: Any, right: Any, op: str, table: Table) -> Condition:
    if op not in ("==", "!=", "in", "<", ">", "<=", ">="):
        return Opaque(f"operator {op} is not understood")
    try:
        values = _values(right, table)
        if isinstance(left, Mapping) and "concat" in left:
            groups = tuple(_group(left["concat"], value, table) for value in values)
            return AnyOf(groups, negated=op == "!=")
        return _condition(left, values, op)
    except (NotUnderstood, AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        return Opaque(
            f"{error} is not understood"
            if isinstance(error, NotUnderstood)
            else f"{json.dumps(left)[:_SHOWN]} is not understood"
        )


def _group(parts: Sequence[Any], value: Any, table: Table) -> tuple[Condition, ...]:
    """One element of a set of concatenated values."""
    concat = value["concat"] if isinstance(value, Mapping) and "concat" in value else [value]
    if len(concat) != len(parts):
        raise NotUnderstood("a concatenation")
    return tuple(match({"op": "==", "left": part, "right": one}, table) for part, one in zip(parts, concat))


def _values(right: Any, table: Table) -> list[Any]:
    """What a match compares with: the elements of a set, or the one value."""
    if isinstance(right, str) and right.startswith("@"):
        return [_bare(one) for one in table.sets[right[1:]]]
    if isinstance(right, Mapping) and "set" in right:
        return [_bare(one) for one in right["set"]]
    return [_bare(one) for one in right] if isinstance(right, list) else [_bare(right)]


def _bare(element: Any) -> Any:
    """An element of a set without its comment, counter or time limit."""
    if isinstance(element, Mapping) and "elem" in element:
        return element["elem"]["val"]
    return element


def _condition(left: Any, values: Sequence[Any], op: str) -> Condition:
    [(kind, body)] = left.items()
    readers: Mapping[str, Callable[[Any, Sequence[Any], str], Optional[Condition]]] = {
        "payload": _payload,
        "meta": _meta,
        "ct": _ct,
        "fib": _fib,
        "&": _masked,
    }
    found = readers[kind](body, values, op) if kind in readers else None
    if found is None:
        raise NotUnderstood(_words(kind, body))
    return found


def _words(kind: str, body: Any) -> str:
    """An expression as nft would print it, or nearly."""
    if isinstance(body, Mapping):
        named = [str(body[name]) for name in ("protocol", "key", "field") if name in body]
        return " ".join([*([] if "protocol" in body else [kind]), *named])
    return kind


def _payload(body: Mapping[str, Any], values: Sequence[Any], op: str) -> Optional[Condition]:
    protocol, name = body.get("protocol", ""), body.get("field", "")
    if protocol in ("ip", "ip6") and name in ("saddr", "daddr"):
        ranges = tuple(_addresses(value) for value in values)
        return Address(
            name,
            "IPv4" if protocol == "ip" else "IPv6",
            _compared(ranges, op, 2**32 if protocol == "ip" else 2**128),
            op == "!=",
        )
    if protocol in ("udp", "udplite", "th", "tcp", "sctp", "dccp") and name in ("sport", "dport"):
        if protocol not in ("udp", "th"):
            return Always(never=True)
        return Port(name, _compared(tuple(_numbers(value) for value in values), op, 2**16), op == "!=")
    if (protocol, name) in (("ip", "protocol"), ("ip6", "nexthdr")) and op in ("==", "!="):
        return AnyOf(((Is("family", (_FAMILY[protocol],)), _named("protocol", values, op)),))
    if (protocol, name) == ("ether", "type"):
        return _named("family", values, op)
    if protocol in ("ip", "ip6"):
        doubt = Opaque(f"{protocol} {name} is not understood")
        return AnyOf(((Is("family", (_FAMILY[protocol],)), doubt),))
    if protocol in ("icmp", "icmpv6", "igmp", "tcp", "sctp", "dccp", "esp", "ah", "comp", "arp", "vlan"):
        return Always(never=True)
    return None


def _meta(body: Mapping[str, Any], values: Sequence[Any], op: str) -> Optional[Condition]:
    key = body["key"]
    if key in _META and op in ("==", "!="):
        return _named(_META[key], values, op)
    return _mark(values, op) if key == "mark" else None


def _ct(body: Mapping[str, Any], values: Sequence[Any], op: str) -> Optional[Condition]:
    key = body["key"]
    if key in _CT and op in ("==", "!=", "in") and "dir" not in body:
        return _named(_CT[key], values, op)
    return _mark(values, op) if key == "mark" else None


def _fib(body: Mapping[str, Any], values: Sequence[Any], op: str) -> Optional[Condition]:
    flags = [body["flags"]] if isinstance(body["flags"], str) else body["flags"]
    if body["result"] == "type" and flags[0] in ("saddr", "daddr"):
        return _named("source type" if flags[0] == "saddr" else "destination type", values, op)
    if body["result"] == "oif" and values == [False] and flags[0] == "saddr":
        # Whether there is no route back to the client: who comes in where the default route leads has one.
        return Always(never=op == "==")
    return None


def _masked(body: Sequence[Any], values: Sequence[Any], op: str) -> Optional[Condition]:
    """Some bits of a mark; some of anything else are not understood."""
    inner = body[0] if isinstance(body[0], Mapping) else {}
    is_mark = inner.get("meta", {}).get("key") == "mark" or inner.get("ct", {}).get("key") == "mark"
    return _mark(values, op) if is_mark else None


def _mark(values: Sequence[Any], op: str) -> Optional[Condition]:
    if op not in ("==", "!=") or not all(isinstance(value, int) for value in values):
        return None
    return Mark(0 if 0 in values else 1, negated=op == "!=")


def _named(what: Word, values: Sequence[Any], op: str) -> Condition:
    names = tuple(_FAMILY.get(str(value), str(value)) if what == "family" else str(value) for value in values)
    if what == "protocol":
        names = tuple("udp" if name == "17" else name for name in names)
    if what == "cast":
        names = tuple("host" if name == "unicast" else name for name in names)
    return Is(what, names, negated=op == "!=")


def _addresses(value: Any) -> Range:
    if isinstance(value, Mapping) and "prefix" in value:
        net = ipaddress.ip_network(f"{value['prefix']['addr']}/{value['prefix']['len']}", strict=False)
        return int(net[0]), int(net[-1])
    low, high = value["range"] if isinstance(value, Mapping) else (value, value)
    return int(ipaddress.ip_address(low)), int(ipaddress.ip_address(high))


def _numbers(value: Any) -> Range:
    low, high = value["range"] if isinstance(value, Mapping) else (value, value)
    return int(low), int(high)


def _compared(ranges: tuple[Range, ...], op: str, size: int) -> tuple[Range, ...]:
    """What `<` and the like stand for."""
    if op in ("==", "!=", "in"):
        return ranges
    [(value, _)] = ranges
    bounds = {"<": (0, value - 1), "<=": (0, value), ">": (value + 1, size - 1), ">=": (value, size - 1)}
    return (bounds[op],)
