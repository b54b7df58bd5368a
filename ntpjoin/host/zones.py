"""The zones of firewalld, from what `firewall-cmd --list-all-zones` prints, as rules of a packet filter.

By firewalld.zone(5), firewalld.richlanguage(5) and the chains that firewalld 1.3 was seen to make.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Optional

from ntpjoin.host import words
from ntpjoin.host.netfilter.ranges import Range
from ntpjoin.host.netfilter.rules import (
    Action,
    Address,
    Always,
    Chain,
    Condition,
    Is,
    Opaque,
    Port,
    Rate,
    Rule,
    Ruleset,
)
from ntpjoin.records import dataclass

#: The ways in which a service lets packets in: each a group of conditions that are met together.
Services = Mapping[str, tuple[tuple[Condition, ...], ...]]

_TARGETS: Mapping[str, Action] = {"ACCEPT": "accept", "DROP": "drop"}

#: `123/udp`, `100-200/udp`.
_PORT = re.compile(r"(?P<low>[0-9]{1,5})(-(?P<high>[0-9]{1,5}))?/(?P<protocol>[a-z]*)")

#: So much of what is not understood is told to people.
_SHOWN = 300

_ACTIONS: Mapping[str, Action] = {"accept": "accept", "reject": "drop", "drop": "drop"}


@dataclass(frozen=True)
class Zone:
    """One zone, as it is now or as it is written down. `target`: default, ACCEPT, DROP or %%REJECT%%."""

    name: str
    target: str = "default"
    interfaces: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    protocols: tuple[str, ...] = ()
    source_ports: tuple[str, ...] = ()
    forward_ports: tuple[str, ...] = ()
    rich_rules: tuple[str, ...] = ()

    def named_services(self) -> frozenset[str]:
        """The services whose definitions are needed."""
        return frozenset(self.services) | {
            name for rule in self.rich_rules for name in re.findall(r'service name="([^"]+)"', rule)
        }


#: The fields of a zone that are lists.
_LISTS = tuple(name for name in Zone.__dataclass_fields__ if name not in ("name", "target"))


def parse(text: str) -> dict[str, Zone]:
    """Read what `firewall-cmd --list-all-zones` prints; a field that is of no use here is left out."""
    zones: dict[str, dict[str, list[str]]] = {}
    name = field = ""
    for line in text.splitlines():
        if line and not line[0].isspace():
            name, field = line.split()[0], ""
            zones[name] = {}
        elif line.startswith("\t") and name:
            zones[name].setdefault(field, []).append(line.strip())
        elif ":" in line and name:
            key, _, value = line.strip().partition(":")
            field = key.replace(" ", "_").replace("-", "_")
            zones[name].setdefault(field, []).extend(value.split())
    return {name: _made(name, fields) for name, fields in zones.items()}


def _made(name: str, fields: Mapping[str, list[str]]) -> Zone:
    target = fields.get("target") or ["default"]
    return Zone(name, target[-1], **{key: tuple(fields.get(key, ())) for key in _LISTS})


def as_rules(zones: Mapping[str, Zone], interfaces: Mapping[str, str], default: str, services: Services) -> Ruleset:
    """The zones as rules: a source decides before an interface, an interface before the default zone.

    `interfaces` names the zone of each.
    """
    ways = [Rule((_source(source),), "goto", zone.name) for zone in zones.values() for source in zone.sources]
    ways += [Rule((Is("in", (name,)),), "goto", zone) for name, zone in interfaces.items()]
    ways.append(Rule((), "goto", default))
    made = [Chain("firewalld", "inet", "zones", "", tuple(ways), hook="input")]
    made += [replace(made[0], name=zone.name, hook="", rules=tuple(_zone(zone, services))) for zone in zones.values()]
    return Ruleset({chain.key: chain for chain in made})


def _source(text: str) -> Condition:
    ranges = _net(text)
    if ranges is None:
        return Opaque(f"who belongs to {text} is not known here")
    family, net = ranges
    return Address("saddr", "IPv4" if family == 4 else "IPv6", (net,))


def _net(text: str) -> Optional[tuple[int, Range]]:
    try:
        net = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
    return net.version, (int(net[0]), int(net[-1]))


def _zone(zone: Zone, services: Services) -> Iterator[Rule]:
    """In the order in which firewalld lays them out: by priority, and at priority 0 what denies before what allows."""
    rich = [made for text in zone.rich_rules for made in _read_rich(text, zone.name, services)]
    rich.sort(key=lambda made: made[0])
    for forwarded in zone.forward_ports:
        values = dict(part.split("=", 1) for part in forwarded.split(":") if "=" in part)
        # Over IPv6 firewalld forwards by rich rules only.
        where = (Is("family", ("IPv4",)), *_port(f"{values.get('port', 0)}/{values.get('proto', '')}"))
        yield Rule(where, "elsewhere", place=f"forward-port {forwarded} of zone {zone.name}")
    yield from (rule for priority, rule in rich if priority < 0)
    yield from (rule for priority, rule in rich if priority == 0 and rule.action != "accept")
    yield from (rule for priority, rule in rich if priority == 0 and rule.action == "accept")
    for name in zone.services:
        for group in services.get(name, ((Opaque(f"service {name} is not known"),),)):
            yield Rule(group, "accept", place=f"service {name} of zone {zone.name}")
    for port in zone.ports:
        yield Rule(_port(port), "accept", place=f"port {port} of zone {zone.name}")
    for port in zone.source_ports:
        yield Rule(_port(port, "sport"), "accept", place=f"source-port {port} of zone {zone.name}")
    for protocol in zone.protocols:
        yield Rule((Is("protocol", (protocol,)),), "accept", place=f"protocol {protocol} of zone {zone.name}")
    yield from (rule for priority, rule in rich if priority > 0)
    target = _TARGETS.get(zone.target, "drop")
    yield Rule((), target, place=f"zone {zone.name} lets in only what it names (target {zone.target})")


def _port(text: str, end: str = "dport") -> tuple[Condition, ...]:
    """`123/udp`, `100-200/udp`."""
    written = _PORT.fullmatch(text)
    if not written:
        return (Opaque(f"port {text[:_SHOWN]} is not understood"),)
    ranges = ((int(written["low"]), int(written["high"] or written["low"])),)
    return Is("protocol", (written["protocol"],)), Port("sport" if end == "sport" else "dport", ranges)


def _read_rich(text: str, zone: str, services: Services) -> list[tuple[int, Rule]]:
    """A rich rule as rules with their priority; one of another shape than was ever seen may do anything."""
    place = f"rich rule `{text if len(text) <= _SHOWN else f'{text[:_SHOWN]}...'}` of zone {zone}"
    try:
        return list(_rich(text, place, services))
    except (KeyError, ValueError):
        return [(0, Rule((Opaque("it is not understood"),), "elsewhere", place=place))]


def _rich(text: str, place: str, services: Services) -> Iterator[tuple[int, Rule]]:
    """None where it only logs or marks."""
    parts = _parts(text)
    action = next((word for word, _ in parts if word in _ACTIONS), "")
    if not action:
        return
    rule = dict(parts)["rule"]
    conditions: list[Condition] = []
    if "family" in rule:
        conditions.append(Is("family", (rule["family"].replace("ipv", "IPv"),)))
    groups: tuple[tuple[Condition, ...], ...] = ((),)
    former = ""
    for word, values in parts:
        if word in ("source", "destination"):
            conditions.append(_rich_end(word, values))
        elif word == "limit" and former in _ACTIONS:
            conditions.append(Rate())
        elif word not in ("rule", "limit", "log", "nflog", "audit", *_ACTIONS):
            groups = _element(word, values, services)
        former = word
    for group in groups:
        yield int(rule.get("priority", "0")), Rule((*conditions, *group), _ACTIONS[action], place=place)


def _parts(text: str) -> list[tuple[str, dict[str, str]]]:
    """Words and what is said of each: [('rule', {'priority': '-5'}), ('port', {'port': '123', 'protocol': 'udp'}), ('drop', {})]."""
    parts: list[tuple[str, dict[str, str]]] = []
    for word in words.split(text):
        key, sign, value = word.partition("=")
        if sign and parts:
            parts[-1][1][key] = value
        elif word.upper() == "NOT" and parts:
            parts[-1][1]["invert"] = "True"
        else:
            parts.append((word, {}))
    return parts


def _rich_end(word: str, values: Mapping[str, str]) -> Condition:
    found = _net(values.get("address", ""))
    if found is None:
        return Opaque(f"who belongs to {' '.join(values.values())} is not known here")
    family, net = found
    negated = values.get("invert", "").lower() in ("true", "yes")
    return Address("saddr" if word == "source" else "daddr", "IPv4" if family == 4 else "IPv6", (net,), negated)


def _element(word: str, values: Mapping[str, str], services: Services) -> tuple[tuple[Condition, ...], ...]:
    """What a rich rule is about."""
    if word == "service":
        return services.get(values["name"], ((Opaque(f"service {values['name']} is not known"),),))
    if word in ("port", "source-port"):
        return (_port(f"{values['port']}/{values['protocol']}", "sport" if word == "source-port" else "dport"),)
    if word == "protocol":
        return ((Is("protocol", (values["value"],)),),)
    if word in ("icmp-type", "icmp-block", "masquerade", "tcp-mss-clamp"):
        return ((Always(never=True),),)
    return ((Opaque(f"{word} is not understood"),),)
