"""ufw(8): whether it lets a UDP port in, and one rule of ours."""

from __future__ import annotations

import contextlib
import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Optional

from ntpjoin.host.machine import Host
from ntpjoin.host.reading import environment
from ntpjoin.model import Family

#: As ufw's backend_iptables.get_status writes it: a long `to` is followed by one blank only.
_RULE = re.compile(r"^(?P<to>\S.*?)\s+(?P<action>ALLOW|DENY|REJECT|LIMIT)(?: (?P<way>IN|OUT|FWD))?\s+(?P<source>\S.*)$")

#: Behind a port the name of its application profile, behind an address or a port the mark of IPv6, at the end what is logged.
_REMARK = re.compile(r"\s+\(.*\)")


@dataclass(frozen=True)
class Rule:
    """One line of `ufw status`: where to, what happens, where from; `family` None on a line for both."""

    to: str
    action: str
    source: str
    family: Family


@dataclass(frozen=True)
class Status:
    """`ufw status verbose`, read: rules stand in the order in which packets meet them."""

    active: bool
    default: str
    rules: tuple[Rule, ...]


def installed(host: Host) -> bool:
    """Whether there is a ufw here."""
    return host.which("ufw") is not None


def status(host: Host) -> Optional[Status]:
    """What ufw says of itself; None where it could not say (it wants root)."""
    said = host.run(["ufw", "status", "verbose"], check=False)
    return parse(said.out) if said.code == 0 else None


def parse(text: str) -> Status:
    """Read the output of `ufw status verbose`."""
    default = re.search(r"^Default: (\w+) \(incoming\)", text, re.MULTILINE)
    rules = []
    for line in text.splitlines():
        found = _RULE.match(line.split("#")[0].rstrip())
        if found and found["way"] in (None, "IN"):
            family: Family = "IPv6" if "(v6)" in line or _has_ipv6(found["to"], found["source"]) else "IPv4"
            rules.append(Rule(_REMARK.sub("", found["to"]), found["action"], _REMARK.sub("", found["source"]), family))
    return Status("Status: active" in text, default[1] if default else "deny", tuple(rules))


def _has_ipv6(*places: str) -> bool:
    """Whether a literal IPv6 address is named; a range of ports has a colon, too."""
    for word in " ".join(places).split():
        with contextlib.suppress(ValueError):
            if ipaddress.ip_interface(word.removesuffix("/udp").removesuffix("/tcp")).version == 6:
                return True
    return False


def filters_ipv6(host: Host) -> bool:
    """Whether ufw manages IPv6 at all (IPV6= in /etc/default/ufw)."""
    return environment(host.text("/etc/default/ufw")).get("IPV6", "yes").lower() == "yes"


#: With a protocol where the rule names one and nothing else.
_ANYWHERE = ("Anywhere", "Anywhere/udp")


def admits(found: Status, port: int, family: Family) -> Optional[bool]:
    """Whether a UDP packet to `port` from anywhere gets in: the first rule that fits decides, as in the kernel.

    Rules for some sources only say nothing of the others. None where the default is not one we know.
    """
    for rule in found.rules:
        if rule.family == family and rule.source in _ANYWHERE and _names_port(rule.to, port):
            return rule.action in ("ALLOW", "LIMIT")
    answers: dict[str, bool] = {"allow": True, "deny": False, "reject": False}
    return answers.get(found.default)


def _names_port(to: str, port: int) -> bool:
    return to in (*_ANYWHERE, str(port), f"{port}/udp") or _in_ranges(to, port)


def _in_ranges(to: str, port: int) -> bool:
    """Ports as `6000:6007/udp` or `80,123/udp`."""
    ports, _, protocol = to.partition("/")
    if protocol not in ("", "udp"):
        return False
    for part in ports.split(","):
        low, _, high = part.partition(":")
        if low.isdigit() and int(low) <= port <= int(high if high.isdigit() else low):
            return True
    return False


def allow_argv(port: int) -> Sequence[str]:
    """The command that lets a UDP port in; ufw adds it to the running rules and to the permanent ones."""
    return ("ufw", "allow", f"{port}/udp")


def allow(host: Host, port: int) -> None:
    """Let a UDP port in, for each family that ufw manages."""
    host.run(allow_argv(port), timeout_s=60)


def delete(host: Host, port: int) -> None:
    """Take our rule away again."""
    host.run(["ufw", "delete", "allow", f"{port}/udp"], timeout_s=60)


def has_rule(found: Status, port: int, family: Family) -> bool:
    """Whether the very rule that `allow` adds is there."""
    return any(
        rule.family == family and rule.to == f"{port}/udp" and rule.action == "ALLOW" and rule.source == "Anywhere"
        for rule in found.rules
    )
