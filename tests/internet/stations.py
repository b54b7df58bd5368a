"""What the time servers of the test internet answer, and when: for virtual time and for real sockets alike. No socket, no clock.

It needs nothing but the standard library, as the program that serves it has nothing else.
"""

from __future__ import annotations

import ipaddress
import random
import struct
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum

_EPOCH_S = 2_208_988_800
_NS = 1_000_000_000
_PRECISION = -23
#: What a server needs to answer.
_SERVICE_NS = 20_000


class Behaviour(str, Enum):
    """What is planted at a server. Many lie in what they say (see `Station`), the others in how they say it."""

    HONEST = "honest"
    LIAR_50MS = "liar_50ms"
    LIAR_HOURS = "liar_hours"
    MINORITY = "minority"
    SMEARS = "smears"
    UNSYNCHRONISED = "unsynchronised"
    STRATUM16 = "stratum16"
    RATE = "rate"
    DENY = "deny"
    FORGED_ORIGIN = "forged_origin"
    OTHER_ADDRESS = "other_address"
    SPOOFED = "spoofed"
    DOUBLED = "doubled"
    LATE = "late"
    TRUNCATED = "truncated"
    RANDOM = "random"
    DEAD = "dead"
    ROTATES = "rotates"
    HIDES_POOL = "hides_pool"
    STALE = "stale"


@dataclass(frozen=True)
class Station:
    """One address, as the wire knows it: how far it is, what it says of itself, how it behaves.

    `kiss_after`: answers that RATE gives before it has enough; `forged`: packets of a forger for each question, and `genuine`,
    whether an answer comes with them; `late_s`: what LATE adds. Equal `seed`s give equal losses and jitters.
    """

    address: str
    delay_there_ms: float = 5.0
    delay_back_ms: float = 5.0
    jitter_ms: float = 0.0
    loss: float = 0.0
    behaviour: Behaviour = Behaviour.HONEST
    stratum: int = 2
    refid: str = "192.0.2.9"
    leap: int = 0
    root_delay_s: float = 0.01
    root_dispersion_s: float = 0.002
    offset_s: float = 0.0
    reference_age_s: float = 60.0
    kiss_after: int = 0
    genuine: bool = True
    forged: int = 100
    late_s: float = 5.0
    seed: str = ""


@dataclass(frozen=True)
class Parcel:
    """A datagram that reaches the client so long after its question; from a `stranger`, it comes from another address.

    `timed`: it bears the time at which it was sent, so that whoever sends it later than planned must say so in it.
    """

    after_ns: int
    datagram: bytes
    timed: bool = False
    stranger: bool = False


def parcels(station: Station, question: bytes, number: int, asked_ns: int) -> list[Parcel]:
    """What comes of the question `number` (from 0), sent at this time since 1970."""
    dice = random.Random(f"{station.seed}/{station.address}/{number}")
    if dice.random() < station.loss or station.behaviour is Behaviour.DEAD or len(question) < 48:
        return []
    answer = _answer(station, question, asked_ns, dice)
    alter = _MANNERS.get(station.behaviour)
    return alter(station, answer, number, dice) if alter else [answer]


def _answer(station: Station, question: bytes, asked_ns: int, dice: random.Random) -> Parcel:
    jitters = (dice.expovariate(1.0) * station.jitter_ms / 2 for _ in range(2))
    there_ns, back_ns = (
        round((base + jitter) * 1e6) for base, jitter in zip((station.delay_there_ms, station.delay_back_ms), jitters)
    )
    received_ns = asked_ns + there_ns + round(station.offset_s * _NS)
    sent_ns = received_ns + _SERVICE_NS
    set_ns = sent_ns - round(station.reference_age_s * _NS)
    datagram = _head(station.leap, station.stratum, station.refid, station.root_delay_s, station.root_dispersion_s)
    datagram += struct.pack("!Q8sQQ", stamp(set_ns), question[40:48], stamp(received_ns), stamp(sent_ns))
    return Parcel(there_ns + _SERVICE_NS + back_ns, datagram, timed=True)


def _head(leap: int, stratum: int, refid: str, root_delay_s: float, root_dispersion_s: float) -> bytes:
    four = refid.encode().ljust(4, b"\0") if stratum <= 1 else ipaddress.IPv4Address(refid).packed
    root = (round(root_delay_s * 65536), round(root_dispersion_s * 65536))
    return struct.pack("!BBBbII4s", leap << 6 | 4 << 3 | 4, stratum, 6, _PRECISION, *root, four)


def stamp(unix_ns: int) -> int:
    """Give a time since 1970 as the 64 bits of an NTP time stamp."""
    seconds, rest = divmod(unix_ns, _NS)
    return (seconds + _EPOCH_S << 32 | (rest << 32) // _NS) % (1 << 64)


def neighbour(address: str) -> str:
    """The address beside it."""
    parsed = ipaddress.ip_address(address)
    return str(parsed + 1 if int(parsed) % 2 == 0 else parsed - 1)


# --- manners -----------------------------------------------------------------------------------------------------------

_Manners = Callable[[Station, Parcel, int, random.Random], list[Parcel]]


def _kiss(code: str, answer: Parcel) -> list[Parcel]:
    return [replace(answer, datagram=_head(3, 0, code, 0, 0) + answer.datagram[16:])]


def _with_origin(datagram: bytes, dice: random.Random) -> bytes:
    return datagram[:24] + dice.getrandbits(64).to_bytes(8, "big") + datagram[32:]


def _spoofed(station: Station, answer: Parcel, _number: int, dice: random.Random) -> list[Parcel]:
    """Packets from the address and port asked, by somebody who has not seen the question: false times, kisses, stumps."""
    far_off = answer.datagram[:32] + struct.pack("!QQ", *(stamp(1_600_000_000 * _NS),) * 2)
    kiss = _kiss("DENY", answer)[0].datagram
    shapes = (far_off, kiss, answer.datagram, answer.datagram[:40])
    forged = [
        Parcel(number * 1_000, _with_origin(shapes[number % len(shapes)], dice)) for number in range(station.forged)
    ]
    return [*forged, answer] if station.genuine else forged


_MANNERS: dict[Behaviour, _Manners] = {
    Behaviour.RATE: lambda one, answer, number, _: _kiss("RATE", answer) if number >= one.kiss_after else [answer],
    Behaviour.DENY: lambda _one, answer, _number, _dice: _kiss("DENY", answer),
    Behaviour.FORGED_ORIGIN: lambda _one, answer, _number, dice: [
        replace(answer, datagram=_with_origin(answer.datagram, dice))
    ],
    Behaviour.OTHER_ADDRESS: lambda _one, answer, _number, _dice: [replace(answer, stranger=True)],
    Behaviour.SPOOFED: _spoofed,
    Behaviour.DOUBLED: lambda _one, answer, _number, _dice: [
        answer,
        replace(answer, after_ns=answer.after_ns + 300_000, timed=False),
    ],
    Behaviour.LATE: lambda one, answer, _number, _dice: [
        replace(answer, after_ns=answer.after_ns + round(one.late_s * _NS), timed=False)
    ],
    Behaviour.TRUNCATED: lambda _one, answer, _number, dice: [
        replace(answer, datagram=answer.datagram[: dice.choice((0, 12, 40, 47))], timed=False)
    ],
    Behaviour.RANDOM: lambda _one, answer, _number, dice: [
        replace(answer, datagram=dice.randbytes(dice.choice((8, 48, 68))), timed=False)
    ],
}
