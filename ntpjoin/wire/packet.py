"""The NTP packet in client mode (RFC 5905, section 7.3): what is asked, which reply counts, and what it says.

ntplib codes the header. It turns time stamps into floats, good for half a microsecond, so the stamps that matter are
taken here as the 64-bit integers that they are.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection

import ntplib

from ntpjoin.model import Sample

HEADER_BYTES = 48
OLDEST, VERSION = 1, 4
CLIENT, SERVER = 3, 4

#: The kiss codes by which a server sends a client away (RFC 5905, section 7.4); other codes describe the server itself.
KISSES = frozenset({"RATE", "DENY", "RSTR"})

#: What is said of a datagram that may be anybody's.
NO_ECHO = "it does not echo what was sent"

#: Seconds from 1900, where NTP counts from, to 1970.
_EPOCH_S = 2_208_988_800
_ERA_S = 1 << 32
#: 2020-01-01: no honest clock is earlier, so a host whose own clock is (no battery: 1970) learns nothing from it.
_FLOOR_S = 1_577_836_800
_NS = 1_000_000_000

#: A reply cannot have stayed longer at the server than it was away; two clocks' readings may differ by this much.
_CONTRADICTION_NS = 1_000_000
#: All of a question but its transmit stamp.
_QUESTION: bytes = ntplib.NTPPacket(version=VERSION, mode=CLIENT).to_data()[:40]

#: What a time stamp taken outside the kernel is worth at best; no delay is taken to be less.
_LEAST_DELAY_NS = 1_000


def request(nonce: bytes) -> bytes:
    """Code a client packet whose transmit stamp is these 8 random bytes, which tell nothing and which no one can guess.

    Poll is 0: some releases of ntpd drop 1 and 2.
    """
    return _QUESTION + nonce


def origin(reply: bytes) -> bytes:
    """Give the 8 bytes that a server copied from the question."""
    return reply[24:32]


def kiss(reply: bytes) -> str:
    """Give the code of a kiss-o'-death, "" for any other packet."""
    code = _text(reply[12:16]) if reply[1] == 0 else ""
    return code if code in KISSES else ""


def fault(reply: bytes, nonces: Collection[bytes]) -> str:
    """Say why a datagram is no answer to any of these questions; "" when it is one."""
    if len(reply) < HEADER_BYTES:
        return f"{len(reply)} bytes are too short"
    version, mode = reply[0] >> 3 & 7, reply[0] & 7
    # Older versions are taken by ntpd and by the pool's monitors.
    if not OLDEST <= version <= VERSION or mode != SERVER:
        return f"version {version}, mode {mode} instead of version {VERSION}, mode {SERVER}"
    if origin(reply) not in nonces:
        return NO_ECHO
    return "" if kiss(reply) else _stamps_fault(reply)  # some servers leave the stamps of a kiss empty


def _stamps_fault(reply: bytes) -> str:
    received, sent = _stamp(reply, 32), _stamp(reply, 40)
    if not received or not sent:
        return "its time stamps are empty"
    if (sent - received) % (1 << 64) >= 1 << 63:  # the later one may be just past the end of an era
        return "it was sent before it was received"
    return ""


def sample(address: str, reply: bytes, sent_ns: int, received_ns: int) -> Sample:
    """Work out offset and delay (RFC 5905, section 8) of a reply that counts, from this host's two clock readings.

    ValueError when the reply claims to have spent more time at the server than it was away.
    """
    at_server = unix_ns(_stamp(reply, 32), sent_ns)
    from_server = unix_ns(_stamp(reply, 40), sent_ns)
    delay = (received_ns - sent_ns) - (from_server - at_server)
    if delay < -_CONTRADICTION_NS:
        raise ValueError("it claims to have been kept longer than it was away")
    head = ntplib.NTPPacket()
    head.from_data(reply)
    return Sample(
        address=address,
        offset_s=((at_server - sent_ns) + (from_server - received_ns)) / (2 * _NS),
        delay_s=max(delay, _LEAST_DELAY_NS) / _NS,
        stratum=head.stratum,
        leap=head.leap,
        refid=_refid(reply),
        root_delay_s=head.root_delay,
        root_dispersion_s=head.root_dispersion,
        precision=head.precision,
        reference_age_s=(from_server - unix_ns(_stamp(reply, 16), sent_ns)) / _NS,
    )


def unix_ns(stamp: int, here_ns: int) -> int:
    """Turn a 64-bit stamp into nanoseconds since 1970, in the era nearest to this host's clock (136 years, to 2036).

    A clock before 2020 is no guide: then the stamp is taken to lie in the 136 years from 2020.
    """
    here_s = here_ns // _NS
    earliest_s = here_s - _ERA_S // 2 if here_s >= _FLOOR_S else _FLOOR_S
    seconds = (stamp >> 32) - _EPOCH_S
    seconds += -((seconds - earliest_s) // _ERA_S) * _ERA_S
    return seconds * _NS + ((stamp & 0xFFFFFFFF) * _NS + (1 << 31) >> 32)


def _stamp(reply: bytes, at: int) -> int:
    return int.from_bytes(reply[at : at + 8], "big")


def _refid(reply: bytes) -> str:
    if reply[1] <= 1:
        return _text(reply[12:16])
    return str(ipaddress.IPv4Address(reply[12:16]))


def _text(four: bytes) -> str:
    return "".join(chr(byte) if 0x20 < byte < 0x7F else "?" for byte in four.rstrip(b"\0 "))
