"""ufw(8): what its rules do with a UDP port, and one rule of ours."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Optional, Union

from ntpjoin.errors import StepFailed
from ntpjoin.host.machine import Host
from ntpjoin.host.netfilter import rules as packets
from ntpjoin.host.netfilter.ranges import Range
from ntpjoin.host.netfilter.rules import Action, Chain, Ruleset
from ntpjoin.host.reading import environment
from ntpjoin.model import FAMILIES, Family
from ntpjoin.records import dataclass

#: What stands between the two ends of a rule, as ufw's backend_iptables.get_status writes it: before it perhaps one blank only.
_ACTION = re.compile(r"\s(?P<action>ALLOW|DENY|REJECT|LIMIT)(?: (?P<way>IN|OUT|FWD))?\s+(?=\S)")

#: `80`, `80,100:200`.
_PORTS = re.compile(r"[0-9]{1,5}(:[0-9]{1,5})?(,[0-9]{1,5}(:[0-9]{1,5})?)*")

#: How a rule is named that is for one family only.
_ANY: dict[Family, str] = {"IPv4": "0.0.0.0/0", "IPv6": "::/0"}

_ACTIONS: dict[str, Action] = {"ALLOW": "accept", "LIMIT": "accept", "DENY": "drop", "REJECT": "drop"}


@dataclass(frozen=True)
class Rule:
    """One line of `ufw status`: where to, what happens, where from, for which family, and whether by an application's profile."""

    to: str
    action: str
    source: str
    family: Family
    profile: bool = False

    def __str__(self) -> str:
        """As `ufw status` shows it, near enough to be found there."""
        return f"{self.to}{' (v6)' if self.family == 'IPv6' else ''} {self.action} IN {self.source}"


@dataclass(frozen=True)
class Status:
    """`ufw status verbose`, read: rules stand in the order in which packets meet them."""

    active: bool
    default: str
    rules: tuple[Rule, ...]


def status(host: Host) -> Optional[Status]:
    """What ufw says of itself; None where it could not say (it wants root)."""
    said = host.run(["ufw", "status", "verbose"], check=False)
    return parse(said.out) if said.code == 0 else None


def parse(text: str) -> Status:
    """Read the output of `ufw status verbose`."""
    default = re.search(r"^Default: (\w+) \(incoming\)", text, re.MULTILINE)
    found = []
    for line in text.splitlines():
        written = line.split("#")[0].rstrip()
        rule = None if written[:1].isspace() else _ACTION.search(written)
        if rule and rule["way"] in (None, "IN"):
            to, source = _plain(written[: rule.start()]), _plain(written[rule.end() :])
            profile = written[: rule.start()].replace("(v6)", "").split() != to.split()
            family: Family = "IPv6" if "(v6)" in line or _has_ipv6(to, source) else "IPv4"
            found.append(Rule(to, rule["action"], source, family, profile))
    return Status("Status: active" in text, default[1] if default else "deny", tuple(found))


def _plain(end: str) -> str:
    """Without what stands in brackets: the name of an application profile, the mark of IPv6, what is logged."""
    end = end.rstrip()
    opens, closes = re.search(r"\s\(", end), end.rfind(")")
    return end[: opens.start()].rstrip() + end[closes + 1 :] if opens and closes > opens.start() else end


def _has_ipv6(*places: str) -> bool:
    """Whether a literal IPv6 address is named; a range of ports has a colon, too."""
    return any(net is not None and net.version == 6 for word in " ".join(places).split() for net in [_net(word)])


def _net(word: str) -> Optional[Union[ipaddress.IPv4Network, ipaddress.IPv6Network]]:
    """The addresses that a word stands for, with or without a protocol behind; None where it is no address."""
    try:
        return ipaddress.ip_network(word.removesuffix("/udp").removesuffix("/tcp"), strict=False)
    except ValueError:
        return None


def filters_ipv6(host: Host) -> bool:
    """Whether ufw lets anything of IPv6 pass at all but on the loopback (IPV6= in /etc/default/ufw)."""
    return environment(host.text("/etc/default/ufw")).get("IPV6", "yes").lower() == "yes"


def as_rules(found: Status) -> Ruleset:
    """The same as rules of a packet filter, so that they can be followed: the first that fits decides, else the default."""
    made = [made for rule in found.rules for made in _as_rules(rule)]
    if found.default not in ("allow", "deny", "reject"):
        made.append(packets.Rule((packets.Opaque(f"the default {found.default!r} is not known"),), "accept"))
    default: Action = "accept" if found.default == "allow" else "drop"
    made.append(packets.Rule((), default, place=f"its default, {found.default} (incoming)"))
    chain = Chain("ufw", "inet", "ufw", "input", tuple(made), hook="input")
    return Ruleset({chain.key: chain})


def _as_rules(rule: Rule) -> Iterator[packets.Rule]:
    family = packets.Is("family", (rule.family,))
    conditions = (family, *_end(rule.to, "to", rule.family), *_end(rule.source, "from", rule.family))
    place = f"its rule `{rule}`"
    if rule.action == "LIMIT":
        yield packets.Rule((*conditions, packets.Rate()), "drop", place=place)
    yield packets.Rule(conditions, _ACTIONS[rule.action], place=place)


def _end(text: str, end: str, family: Family) -> Iterator[packets.Condition]:
    """One column of a rule: `Anywhere`, `203.0.113.7 123/udp on eth0`, `198.51.100.0/24/udp`, `80,100:200/tcp`."""
    place, _, interface = text.partition(" on ")
    if interface:
        yield packets.Is("in", (f"{interface[:-1]}*" if interface.endswith("+") else interface,))
    for whole in place.split():
        head, _, tail = whole.rpartition("/")
        named = tail in ("udp", "tcp", "ah", "esp", "gre", "ipv6", "igmp")
        word = head if named else whole
        if named:
            yield packets.Is("protocol", (tail,))
        net = _net(word)
        if net is not None:
            ranges = ((int(net[0]), int(net[-1])),)
            yield packets.Address("daddr" if end == "to" else "saddr", family, ranges)
        elif _PORTS.fullmatch(word):
            yield packets.Port("dport" if end == "to" else "sport", tuple(map(_ports, word.split(","))))
        elif word != "Anywhere":
            yield packets.Opaque(f"`{word}` is not understood")


def _ports(text: str) -> Range:
    low, _, high = text.partition(":")
    return int(low), int(high or low)


def allow(host: Host, port: int) -> None:
    """Let a UDP port in, for each family that ufw manages, now and after a reboot."""
    host.run(["ufw", "allow", f"{port}/udp"], timeout_s=60)


def delete(host: Host, port: int, families: Sequence[Family]) -> None:
    """Take our rule away again, for one family or for both."""
    words = ["proto", "udp", "to", _ANY[families[0]], "port", str(port)] if len(families) == 1 else [f"{port}/udp"]
    host.run(["ufw", "delete", "allow", *words], timeout_s=60)


def families_with_rule(host: Host, port: int) -> list[Family]:
    """In which families the very rule is that `allow` adds, also while ufw is switched off.

    Raises StepFailed where ufw does not say.
    """
    if host.which("ufw") is None:
        return []  # it went, and its rules with it
    found = status(host)
    if found is None:
        raise StepFailed("ufw does not tell its status")
    if not found.active:
        added = host.run(["ufw", "show", "added"]).out.splitlines()
        return list(FAMILIES) if any(re.match(rf"ufw allow {port}/udp( comment .*)?$", line) for line in added) else []
    return [family for family in FAMILIES if has_rule(found, port, family)]


def has_rule(found: Status, port: int, family: Family) -> bool:
    """Whether the very rule that `allow` adds is there."""
    return any(rule.action == "ALLOW" and rule.family == family for rule in _alike(found, port))


def would_replace(found: Status, port: int) -> bool:
    """Whether there is a rule for the same with another action: ufw would put ours into its place (ufw 0.36: `Rule updated`)."""
    return any(rule.action != "ALLOW" for rule in _alike(found, port))


def after_allow(found: Status, port: int) -> Status:
    """The same after `ufw allow`: a rule for the same is put into the place of the old one, else behind all others."""
    alike = tuple(_alike(found, port))
    rules = tuple(replace(rule, action="ALLOW") if rule in alike else rule for rule in found.rules)
    missing = [family for family in FAMILIES if family not in {rule.family for rule in alike}]
    return replace(found, rules=(*rules, *(Rule(f"{port}/udp", "ALLOW", "Anywhere", family) for family in missing)))


def first_commands(found: Status, port: int) -> tuple[str, ...]:
    """What to type so that the port is let in before any other rule is asked; ufw does not move a rule that is there already."""
    actions = dict.fromkeys(rule.action.lower() for rule in _alike(found, port))
    return (*(f"ufw delete {action} {port}/udp" for action in actions), f"ufw insert 1 allow {port}/udp")


def _alike(found: Status, port: int) -> Iterator[Rule]:
    """Rules for the same. One by a profile is another to ufw (common.py, UFWRule.match): no command for the port changes it."""
    return (rule for rule in found.rules if (rule.to, rule.source, rule.profile) == (f"{port}/udp", "Anywhere", False))
