"""The catalogue: public time servers that may be candidates, with what their operators ask of those who use them."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterable, Mapping
from typing import Literal, Optional

from ntpjoin.errors import UsageProblem, shown
from ntpjoin.host.machine import Host
from ntpjoin.model import Resolved
from ntpjoin.records import dataclass
from ntpjoin.upstreams import columns, rules

Access = Literal["open", "restricted", "closed", "unknown"]
Answer = Literal["yes", "no", "unknown"]

#: Seconds between two packets to one server where its operator names no more (the manners of RFC 8633).
GAP_S = 2.0

#: The operator's own: what he adds, replaces and removes. Never written by us.
LOCAL = "/etc/ntpjoin/upstreams.csv"

#: No file of servers is larger; ours has some 40 kB.
MOST_BYTES = 4 << 20


@dataclass(frozen=True)
class Server:
    """One row. A server that is no row, named by the operator or by the pool's zone, has but a host.

    `place` is a city, `lat` and `lon` its middle in degrees (None: everywhere, or not known); `asn` are AS numbers.
    `rotates`: the name leads to several servers in turn; `use_name`: its operator asks for the name instead of an address.
    `gap_s`, `minpoll` (0: the daemon's default) and `iburst` are what he asks of packets; `area` is whom he serves.
    `notify`: whether he wants a mail from those who use it. `evidence`: A, B or C, see docs/reference/catalogue.md.
    """

    host: str
    country: str = ""
    place: str = ""
    lat: Optional[float] = None
    lon: Optional[float] = None
    stratum: Optional[int] = None
    operator: str = ""
    access: Access = "unknown"
    notify: Answer = "unknown"
    smears: Answer = "unknown"
    rotates: bool = False
    anycast: bool = False
    use_name: bool = False
    gap_s: float = GAP_S
    minpoll: int = 0
    iburst: bool = True
    asn: tuple[int, ...] = ()
    ipv6: Answer = "unknown"
    nts: Answer = "unknown"
    pool_member: Answer = "unknown"
    area: str = ""
    evidence: str = ""
    note: str = ""
    source: str = ""

    @property
    def house(self) -> str:
        """Whose it is, to be told apart from others: its operator's, or where nobody tells that, nobody else's."""
        return self.operator.casefold() or self.host


def load(host: Host, file: str = "") -> tuple[Server, ...]:
    """The servers of our own catalogue, or of `file` instead, as the operator's LOCAL adds, replaces and removes them.

    In the order of the files, each host once. UsageProblem tells everything that is wrong with a file.
    """
    if file:
        content = host.given(file, MOST_BYTES)
        if content is None:
            raise UsageProblem(
                f"there is no file {shown(file)}",
                "Name one with --catalogue FILE; or --catalogue none: our own",
            )
        base = columns.parse(content, file)
        if not base.rows:
            raise UsageProblem(f"{shown(file)} names no server", "Name one that does with --catalogue FILE.")
    else:
        base = columns.parse(pkgutil.get_data("ntpjoin", "upstreams/catalogue.csv") or b"", "the catalogue")
    local = columns.parse(host.given(LOCAL, MOST_BYTES) or b"", LOCAL)
    rows = {**base.rows, **local.rows}
    return tuple(Server(**values) for name, values in rows.items() if name not in local.removed)


def refusal(server: Server, *, named: bool, unattended: bool, monitored: bool) -> str:
    """Say why a server may not be used, '' when it may.

    Never: names of the pool, services that smear, names that lead to several servers in turn. Anything else is up to the
    operator of this host where he `named` the server. Those that he did not name must be open; `unattended`, nobody is there
    to write a mail, so their operators must not ask for one: a server that is open, and of which nobody said that a mail
    is wanted (notify unknown), counts as one that wants none. One that is to be used by its name needs a host that is
    `monitored`: there a pinned address that has gone stale is noticed within a day.
    """
    never = _why_never(server)
    if never or named:
        return never
    if server.access != "open":
        return {
            "restricted": "restricted: its operator limits who may use it",
            "closed": "closed: not offered to the public",
            "unknown": "nobody said whether it is open to all",
        }[server.access]
    if unattended and server.notify == "yes":
        return "its operator asks for a mail, and nobody is here to write it"
    if server.use_name and not monitored:
        return "its operator asks for the name instead of an address, and nobody watches the address here"
    return ""


def never(names: Iterable[str], rows: Mapping[str, Server]) -> dict[str, str]:
    """Which of these named servers may not be used whoever names them, each with the reason."""
    whys = {name: refusal(rows.get(name, Server(name)), named=True, unattended=False, monitored=True) for name in names}
    return {name: why for name, why in whys.items() if why}


def _why_never(server: Server) -> str:
    literal = ":" in server.host or server.host.rpartition(".")[2].isdigit()
    by_address = rules.why_not_ask(server.host, allow_private=True) if literal else ""
    rule = by_address or rules.why_not_follow(Resolved(server.host))
    if rule:
        return rule
    if server.smears == "yes":
        return "it smears leap seconds; pool members must not"
    return "its name leads to several servers in turn" if server.rotates else ""


def letter(server: Server, address_of_this_host: str) -> str:
    """The mail to the operator of a server that asks for one, as text to be signed and sent; '' where it asks for none."""
    if server.notify != "yes":
        return ""
    shortest_s = 2 ** (server.minpoll or 6)
    return f"""\
Subject: {address_of_this_host} follows {server.host}

To the operators of {server.host}{f" ({server.operator})" if server.operator else ""}:

My time server {address_of_this_host} would like to follow yours, {server.host}.
It is meant to be a member of the NTP Pool and follows four to seven servers.
It runs ntpd, which asks yours every {shortest_s} to 1024 seconds, from this one address.

Should you not want that, or want it otherwise, answer this mail, and I will change it.

Thank you for offering the service.
"""
