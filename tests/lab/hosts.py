"""Who lives in the lab: one table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

UPSTREAMS4, UPSTREAMS6 = "192.0.2.", "2001:db8:2::"
SERVICES4, SERVICES6 = "198.51.100.", "2001:db8:51::"
SERVERS4, SERVERS6 = "203.0.113.", "2001:db8:113::"
# bridge in the router's namespace -> what its networks begin with
NETWORKS: dict[str, tuple[str, str]] = {
    "upstreams": (UPSTREAMS4, UPSTREAMS6),
    "services": (SERVICES4, SERVICES6),
    "servers": (SERVERS4, SERVERS6),
}


@dataclass(frozen=True)
class Host:
    """One namespace with its addresses; `role` is a key of upstreams.CONFIGURATIONS."""

    network: str
    number: int
    name: str = ""
    role: str = ""
    has4: bool = True
    has6: bool = True

    @property
    def ipv4(self) -> Optional[str]:
        return f"{NETWORKS[self.network][0]}{self.number}" if self.has4 else None

    @property
    def ipv6(self) -> Optional[str]:
        return f"{NETWORKS[self.network][1]}{self.number}" if self.has6 else None


HOSTS: dict[str, Host] = {
    "alpha": Host("upstreams", 11, "ntp1.alpha.example", "stratum1"),
    "bravo": Host("upstreams", 12, "ntp2.bravo.example", "stratum1"),
    "charlie": Host("upstreams", 13, "ntp3.charlie.example", "stratum1"),
    "delta": Host("upstreams", 14, "ntp4.delta.example", "stratum1", has6=False),
    "echo": Host("upstreams", 15, "ntp5.echo.example", "stratum1", has4=False),
    "foxtrot": Host("upstreams", 16, "ntp6.foxtrot.example", "stratum1"),
    "golf": Host("upstreams", 17, "ntp7.golf.example", "stratum2"),
    "dead": Host("upstreams", 20, "dead.example"),
    "unsync": Host("upstreams", 21, "unsync.example", "unsynchronised"),
    "liar": Host("upstreams", 22, "liar.example", "liar"),
    "open": Host("services", 40, "open.example", "open"),
    "dns": Host("services", 53, "dns.example"),
    "packages": Host("services", 80, "packages.example"),
    "client": Host("services", 99, "client.example"),
}
HEALTHY = ("alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf")
SERVER4, SERVER6 = f"{SERVERS4}7", f"{SERVERS6}7"
LIAR_SECONDS = 10.0


def by_name(name: str) -> str:
    """The key of a host given by its key or by its DNS name."""
    for host, row in HOSTS.items():
        if name in {host, row.name}:
            return host
    raise KeyError(f"no host {name} in the lab; there are {', '.join(HOSTS)}")
