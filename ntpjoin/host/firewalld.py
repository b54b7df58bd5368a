"""firewalld(1): its zones as they are now and as they are written down, and one service or port of ours in both."""

from __future__ import annotations

import ipaddress
import re
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import Optional
from xml.etree import ElementTree as ET

from ntpjoin.errors import CommandFailed
from ntpjoin.host.machine import Host
from ntpjoin.host.netfilter.rules import Address, Condition, Is, Port
from ntpjoin.host.reading import processes
from ntpjoin.host.zones import Services, Zone, parse
from ntpjoin.job import Job
from ntpjoin.records import dataclass

#: Definitions of services; the first that has one decides (firewalld.service(5)).
_SERVICES = ("/etc/firewalld/services", "/usr/lib/firewalld/services")

_SETTINGS = "/etc/firewalld/firewalld.conf"

#: firewall-cmd is a Python program that asks another one over D-Bus: 0.5 s here, more on a small machine.
_PATIENCE_S = 60.0

#: What firewall-cmd exits with where there is no such zone (firewall-cmd(1), INVALID_ZONE).
_NO_ZONE = 112


@dataclass(frozen=True)
class Firewalld:
    """What firewalld does now and after its next start; `default` names the zone of interfaces that are in none."""

    now: Mapping[str, Zone]
    later: Mapping[str, Zone]
    default: str = "public"
    services: Services = field(default_factory=dict)
    networkmanager: bool = False

    def zone_now(self, interface: str) -> str:
        """The zone of an interface."""
        return _zone_of(self.now, interface) or self.default

    def zone_later(self, interface: str) -> str:
        """The same after a reboot: NetworkManager remembers a zone that is not written down here."""
        written = _zone_of(self.later, interface)
        return written or (self.zone_now(interface) if self.networkmanager else self.default)


def _zone_of(zones: Mapping[str, Zone], interface: str) -> str:
    return next((zone.name for zone in zones.values() if interface in zone.interfaces), "")


def running(host: Host) -> bool:
    """Whether the daemon runs; asking firewall-cmd would take half a second."""
    return any(word.endswith("/firewalld") for _, words in processes(host) for word in words[:3])


def look(host: Host) -> Optional[Firewalld]:
    """All of it; None where firewalld could not say."""
    written = Job(lambda: _zones(host, permanent=True))
    now, later = _zones(host, permanent=False), written.result()
    if now is None or later is None:
        return None
    default = re.search(r"^DefaultZone=(\S+)", host.text(_SETTINGS), re.MULTILINE)
    names = {"ntp", *(name for zones in (now, later) for zone in zones.values() for name in zone.named_services())}
    return Firewalld(
        now,
        later,
        default[1] if default else "public",
        {name: found for name in names if (found := service(host, name)) is not None},
        networkmanager=host.exists("/run/NetworkManager"),
    )


def _zones(host: Host, *, permanent: bool) -> Optional[Mapping[str, Zone]]:
    said = host.run(["firewall-cmd", *_permanent(permanent), "--list-all-zones"], check=False, timeout_s=_PATIENCE_S)
    return parse(said.out) if said.code == 0 else None


def _permanent(permanent: bool) -> list[str]:
    return ["--permanent"] if permanent else []


def service(host: Host, name: str) -> Optional[tuple[tuple[Condition, ...], ...]]:
    """What a service lets in of UDP; None where there is no such definition, or it cannot be read."""
    return _service(host, name, set())


def _service(host: Host, name: str, met: set[str]) -> Optional[tuple[tuple[Condition, ...], ...]]:
    """Each service counts once, however often it is included."""
    text = next((text for folder in _SERVICES if (text := host.read(f"{folder}/{name}.xml"))), None)
    if text is None or name in met:
        return None
    met.add(name)
    try:
        return _groups(host, ET.fromstring(text), met)  # noqa: S314 - root's own files
    except (ET.ParseError, LookupError, ValueError):  # an encoding that nobody knows is a LookupError
        return None


def _groups(host: Host, root: ET.Element, met: set[str]) -> tuple[tuple[Condition, ...], ...]:
    """Raises ValueError for a port or an address that is none."""
    groups: list[tuple[Condition, ...]] = []
    where = [end for one in root.iter("destination") for end in _destinations(one)]
    for one in root:
        if one.tag in ("port", "source-port", "protocol"):
            group = _conditions(one)
            groups += [(*group, end) for end in where] if where else [group]
        elif one.tag == "include":
            groups += _service(host, one.get("service", ""), met) or ()
    return tuple(groups)


def _conditions(one: ET.Element) -> tuple[Condition, ...]:
    protocol = one.get("protocol") or one.get("value") or ""
    if not one.get("port"):
        return (Is("protocol", (protocol,)),)
    low, _, high = one.get("port", "").partition("-")
    return Is("protocol", (protocol,)), Port(
        "sport" if one.tag == "source-port" else "dport", ((int(low), int(high or low)),)
    )


def _destinations(one: ET.Element) -> Iterable[Condition]:
    for key, text in one.attrib.items():
        if key in ("ipv4", "ipv6"):
            net = ipaddress.ip_network(text, strict=False)
            yield Address("daddr", "IPv4" if key == "ipv4" else "IPv6", ((int(net[0]), int(net[-1])),))


def has(host: Host, zone: str, what: str, *, permanent: bool) -> bool:
    """Whether a zone has the very thing that `add` adds, 'service=ntp' or 'port=123/udp'.

    While firewalld does not run nothing of it is in force; a zone that went has nothing. Raises CommandFailed where it cannot say.
    """
    if host.which("firewall-cmd") is None or not (permanent or running(host)):
        return False
    said = host.run(_argv(host, zone, f"--query-{what}", permanent=permanent), check=False, timeout_s=_PATIENCE_S)
    if said.out.strip() not in ("yes", "no") and said.code != _NO_ZONE:
        raise CommandFailed(f"{shlex.join(said.argv)} ended with exit code {said.code}:\n{said.said}")
    return said.out.strip() == "yes"


def add(host: Host, zone: str, what: str, *, permanent: bool) -> None:
    """Add it to what is in force, or (`permanent`) to what is written down, without a reload."""
    host.run(_argv(host, zone, f"--add-{what}", permanent=permanent), timeout_s=_PATIENCE_S)


def remove(host: Host, zone: str, what: str, *, permanent: bool) -> None:
    """Take it away again."""
    host.run(_argv(host, zone, f"--remove-{what}", permanent=permanent), timeout_s=_PATIENCE_S)


def _argv(host: Host, zone: str, what: str, *, permanent: bool) -> list[str]:
    """What is written down can be changed while firewalld does not run, too."""
    if permanent and not running(host):
        return ["firewall-offline-cmd", f"--zone={zone}", what]
    return ["firewall-cmd", *_permanent(permanent), f"--zone={zone}", what]
