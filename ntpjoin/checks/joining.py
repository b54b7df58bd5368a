"""What has to be so before a server joins the pool, and with how much it begins. Pure.

What the pool asks for: its pages (abh/ntppool, `docs/ntppool/en/join.html`), and what its site checks when a server is added
(`lib/NTPPool/Control/Manage/Server.pm`): a public address, an answer of stratum 1 to 5.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Optional

from ntpjoin.checks.addresses import family_of, outside_addresses, service_addresses
from ntpjoin.facts import Facts, Zone
from ntpjoin.look.sites import POOL, asking
from ntpjoin.model import Check, CheckState, Wish
from ntpjoin.records import dataclass
from ntpjoin.upstreams.addresses import special_range, why_not_public

OK, WARN, FAIL, UNKNOWN = CheckState.OK, CheckState.WARN, CheckState.FAIL, CheckState.UNKNOWN

#: A server of a higher stratum cannot be added.
_HIGHEST = 5

#: Net speeds to begin with, of those that the site offers, kilobits a second.
SPEEDS = (512, 1500, 3000, 6000, 12000)
#: A question or an answer on the wire: 48 bytes, and the headers of UDP, IPv4 and Ethernet.
_BITS = 90 * 8
#: So long the kernel remembers one that asked (nf_conntrack-sysctl, nf_conntrack_udp_timeout).
_REMEMBERED_S = 30
#: More than that is for machines that are one's own, or at least not crowded (ours).
_CROWDED, _CROWDED_PERCENT = 1500, 10.0


@dataclass(frozen=True)
class Point:
    """One point of the list: `id` is stable, the text says what was found, the remedy what to do."""

    id: str
    state: CheckState
    text: str
    remedy: str = ""


@dataclass(frozen=True)
class Door:
    """A public address to register, and this host's own side of it, from which it is to be asked; '' where that cannot be told."""

    address: str
    source: str


@dataclass(frozen=True)
class NetSpeed:
    """With how much to begin, in kilobits a second, and why."""

    kbit: int
    why: str


def doors(facts: Facts, wish: Wish) -> tuple[Door, ...]:
    """The public addresses of this host, each with its own side: itself, or what a NAT leads to."""
    public = [one for one in outside_addresses(facts, wish) if wish.allow_private or special_range(one) is None]
    return tuple(Door(one, one if one in facts.addresses else _side(one, public, facts, wish)) for one in public)


def _side(address: str, public: Sequence[str], facts: Facts, wish: Wish) -> str:
    """What a NAT leads to: with several addresses before it, or behind it, which one belongs to which is not seen from here."""
    before = [one for one in public if one not in facts.addresses and family_of(one) == family_of(address)]
    behind = [one for one in service_addresses(facts, wish) if family_of(one) == family_of(address)]
    sure = len(before) == len(behind) == 1 and behind[0] not in public and special_range(behind[0]) is not None
    return behind[0] if sure else ""


def points(
    facts: Facts,
    wish: Wish,
    checks: Sequence[Check],
    registered: Mapping[str, Optional[bool]],
    zone: Zone,
    *,
    young: bool,
    site: str = POOL,
) -> tuple[Point, ...]:
    """The list. `checks` are verify's, `registered` tells of each public address whether the pool knows it, None: it was not told.

    `site` is that of the system of the pool that is meant.
    """
    found = [*_addresses(facts, wish), *_of(checks, "static", "answers.static"), _stratum(facts, checks, young=young)]
    found.append(_verified(checks, young=young, root=facts.system.root))
    found += [*_of(checks, "outside", "outside"), *_of(checks, "ptr", "host.ptr"), _zone(wish, zone)]
    return (*found, *(_registered(address, known, site) for address, known in registered.items()))


def _addresses(facts: Facts, wish: Wish) -> Iterator[Point]:
    found = doors(facts, wish)
    if not found:
        seen = ", ".join(f"{one}: {why_not_public(one)}" for one in facts.addresses) or "none at all"
        remedy = "where a NAT leads to this host: ntpjoin setup --public-address ADDR"
        yield Point("address", FAIL, f"this host has no public address ({seen})", remedy)
    for door in found:
        here = any(family_of(one) == family_of(door.address) for one in facts.addresses)
        unseen = "one of this host's addresses, and which cannot be told" if here else "an address that is not here"
        through = "" if door.address == door.source else f", through NAT to {door.source or unseen}"
        yield Point("address", OK if door.source else WARN, f"{door.address} is registered by itself{through}")


def _of(checks: Sequence[Check], id_: str, name: str) -> Iterator[Point]:
    """What verify says of it already."""
    yield from (Point(id_, one.state, one.text, one.remedy) for one in checks if one.id == name)


def _stratum(facts: Facts, checks: Sequence[Check], *, young: bool) -> Point:
    if facts.daemon is None:
        return Point("stratum", FAIL, "no ntpd tells its stratum here", "ntpjoin setup")
    system = facts.daemon.board.system
    if system is None:
        why = next((one.remedy for one in checks if one.id == "sync.peer"), "ntpjoin verify")
        return Point("stratum", UNKNOWN, "ntpd does not tell this host its stratum", why)
    if system.leap == 3 or not 1 <= system.stratum <= _HIGHEST:
        told = "it is not synchronised" if system.leap == 3 else f"its stratum is {system.stratum}"
        wait = "ntpjoin verify --wait 120" if young else "ntpjoin verify"
        return Point("stratum", WARN if young else FAIL, f"{told}, and a server is added with 1 to {_HIGHEST}", wait)
    return Point("stratum", OK, f"its stratum is {system.stratum}, and 1 to {_HIGHEST} may be")


def _verified(checks: Sequence[Check], *, young: bool, root: bool) -> Point:
    failed = [one.id for one in checks if one.state is FAIL]
    warned = [one.id for one in checks if one.state is WARN]
    unseen = [one for one in checks if one.state is UNKNOWN and one.id != "outside"]
    if failed:
        text = f"{len(failed)} of {len(checks)} checks fail: {', '.join(dict.fromkeys(failed))}"
        return Point("verify", WARN if young else FAIL, text, "ntpjoin verify")
    if warned:
        return Point(
            "verify", WARN, f"no check fails, but these warn: {', '.join(dict.fromkeys(warned))}", "ntpjoin verify"
        )
    if unseen:
        text = f"{len(unseen)} of {len(checks)} checks could not be made"
        return Point("verify", UNKNOWN, text, "ntpjoin verify" if root else "sudo ntpjoin register")
    return Point("verify", OK, f"none of {len(checks)} checks fails or warns")


def country(wish: Wish, zone: Zone) -> str:
    """Where this host stands, by what was told or by its time zone alone; '' where that is not one country."""
    if wish.country:
        return wish.country
    rows = [line.split("\t") for line in zone.table.splitlines() if line and not line.startswith("#")]
    codes = {row[0] for row in rows if len(row) > 2 and row[2] == zone.name and zone.name}
    found = next(iter(codes), "") if len(codes) == 1 else ""
    return found if len(found) == 2 else ""


def _zone(wish: Wish, zone: Zone) -> Point:
    found = country(wish, zone)
    text = "the pool takes the country from the address, and you may correct it"
    if not found:
        return Point("zone", UNKNOWN, f"this host's time zone does not tell its country; {text}")
    name = {"GB": "uk"}.get(found, found.lower())
    told = "as you said" if wish.country else f"by its time zone, {zone.name}"
    return Point("zone", OK, f"its zone is {name} ({told}), its continent's, and the whole world's; {text}")


def _registered(address: str, known: Optional[bool], site: str) -> Point:
    score = f"{asking('ntpjoin score', site)} {address}"
    if known is None:
        text = f"whether the pool knows {address} could not be told, or it was there, and may have been deleted since"
        return Point("registered", UNKNOWN, text, score)
    if known:
        return Point("registered", OK, f"the pool knows {address}", score)
    return Point("registered", OK, f"the pool does not know {address} yet")


def net_speed(facts: Facts, wish: Wish) -> NetSpeed:
    """The fastest of those that the kernel's table of connections would hold, were all of it used; less on a crowded machine.

    Where NTP is kept out of that, it does not count; but where this host masquerades, for how many ask from port 123, and are tracked
    all the same, nobody knows. Behind NAT somebody else's does, which is not seen.
    """
    found = doors(facts, wish)
    if any(door.address != door.source for door in found):
        return NetSpeed(SPEEDS[0], "another machine's NAT leads here, and the size of its table is not seen")
    machine, table = facts.surroundings.machine, facts.surroundings.tracking
    untracked = facts.firewall.untracked
    kbit, why = SPEEDS[-1], "the kernel tracks no connections here, so no table fills up"
    if untracked is not None and untracked.spares:
        why = "NTP is kept out of connection tracking, so no table fills up"
    elif table is not None and table.most:
        second = table.most / _REMEMBERED_S / max(1, len(found))
        kbit = max((one for one in SPEEDS if one * 1000 / _BITS <= second), default=SPEEDS[0])
        shared = f", shared by {len(found)} addresses" if len(found) > 1 else ""
        why = f"were all of it used, that is {kbit * 1000 / _BITS:.0f} questions a second; the kernel's table of connections bears "
        why += f"{second:.0f} ({table.most}, each for {_REMEMBERED_S} s{shared})"
    crowded = bool(machine.container) or (machine.stolen_percent or 0.0) >= _CROWDED_PERCENT
    if crowded and kbit > _CROWDED:
        return NetSpeed(_CROWDED, "this machine shares its processors with others")
    return NetSpeed(kbit, why)
