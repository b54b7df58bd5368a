"""One server of the test internet, with everything that is true of it."""

from __future__ import annotations

import hashlib
import ipaddress
from dataclasses import dataclass
from typing import Optional

from ntpjoin.model import FAMILIES, Family
from ntpjoin.upstreams.catalogue import Server
from tests.internet.places import Place
from tests.internet.stations import Behaviour, Station


@dataclass(frozen=True)
class Path:
    """The way from us to a server and back, over one family; `jitter_s` is a mean, spread over both directions."""

    there_s: float
    back_s: float
    jitter_s: float
    loss: float

    @property
    def round_trip_s(self) -> float:
        """At best."""
        return self.there_s + self.back_s


@dataclass(frozen=True)
class Site:
    """A server: its row in the catalogue, which may know less or be wrong, and the truth.

    `error_s`: how far its clock is ahead of true time. `upstream`: the address that it follows, "" at stratum 1. `addresses`: all
    that its name leads to; a name that rotates shows one of each family at a time. `chain`: the aliases behind its name.
    """

    row: Server
    behaviour: Behaviour
    place: Place
    operator: str
    asn: int
    addresses: tuple[str, ...]
    paths: tuple[tuple[Family, Path], ...]
    stratum: int
    refid: str
    upstream: str
    root_delay_s: float
    root_dispersion_s: float
    error_s: float
    reference_age_s: float
    leap: int = 0
    kiss_after: int = 0
    genuine: bool = True
    late_s: float = 0.0
    chain: tuple[str, ...] = ()

    @property
    def host(self) -> str:
        """Its name."""
        return self.row.host

    @property
    def sound(self) -> bool:
        """Tell whether it gives the right time, in a way that a client can rely on."""
        if self.behaviour is Behaviour.SPOOFED:
            return self.genuine
        return self.behaviour in {Behaviour.HONEST, Behaviour.DOUBLED}

    @property
    def good(self) -> bool:
        """Tell whether it may be chosen."""
        return self.sound and self.row.access == "open" and self.row.notify == "no"

    @property
    def families(self) -> tuple[Family, ...]:
        """Those that it speaks, IPv4 first."""
        return tuple(family for family in FAMILIES if self.path(family))

    def path(self, family: Family) -> Optional[Path]:
        """The way to it; None where it does not speak that family."""
        return dict(self.paths).get(family)

    def of_family(self, family: Family) -> tuple[str, ...]:
        """Its addresses of one family."""
        return tuple(address for address in self.addresses if family_of(address) == family)

    def root_distance_s(self, family: Family) -> float:
        """The true root distance: what a measurement would find that met no queue on its way. ValueError without that family."""
        path = self.path(family)
        if not path:
            raise ValueError(f"{self.host} has no {family}")
        return (path.round_trip_s + self.root_delay_s) / 2 + self.root_dispersion_s

    def station(self, address: str, seed: str) -> Station:
        """One of its addresses as the wire knows it."""
        path = self.path(family_of(address))
        assert path
        return Station(
            address=address,
            delay_there_ms=path.there_s * 1000,
            delay_back_ms=path.back_s * 1000,
            jitter_ms=path.jitter_s * 1000,
            loss=path.loss,
            behaviour=self.behaviour,
            stratum=self.stratum,
            refid=self.refid,
            leap=self.leap,
            root_delay_s=self.root_delay_s,
            root_dispersion_s=self.root_dispersion_s,
            offset_s=self.error_s,
            reference_age_s=self.reference_age_s,
            kiss_after=self.kiss_after,
            genuine=self.genuine,
            late_s=self.late_s,
            seed=seed,
        )


def family_of(address: str) -> Family:
    return "IPv6" if ":" in address else "IPv4"


def refid_of(upstream: str) -> str:
    """What a server that follows this address has as its refid (RFC 5905, section 7.3)."""
    parsed = ipaddress.ip_address(upstream)
    if parsed.version == 4:
        return upstream
    return str(ipaddress.IPv4Address(hashlib.md5(parsed.packed).digest()[:4]))
