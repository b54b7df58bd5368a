"""NTP control messages, mode 6 (RFC 9327), as bytes: coding a request, putting fragments together, reading variables.

Nothing here touches the network; classic ntpd and NTPsec speak alike.
"""

from __future__ import annotations

import re
import struct
from typing import Optional

from ntpjoin.errors import WireError
from ntpjoin.records import dataclass

READSTAT = 1
READVAR = 2

MODE = 6
VERSION = 2  # as ntpq: both daemons answer it, in the version asked
#: Held for one answer, however many are sent: NTPsec's ntpq takes as many pieces, classic ntpq as many bytes for each.
MAX_FRAGMENTS = 32
MAX_BYTES = MAX_FRAGMENTS * 480

_HEADER = struct.Struct("!BBHHHHH")
_RESPONSE, _ERROR, _MORE, _OPCODE = 0x80, 0x40, 0x20, 0x1F

#: RFC 9327, section 3.4; what the daemons mean by them is in their ntp_control.c.
_ERRORS = {
    0: "it gives no reason",
    1: "it does not allow that without a key",
    2: "it found the request malformed",
    3: "it does not know that request",
    4: "it has no such association",
    5: "it has no such variable",
    6: "it found a value in the request wrong",
    7: "it restricts such requests",
}
NO_SUCH_ASSOCIATION, NO_SUCH_VARIABLE = 4, 5

#: What happened last, in ntpq's words: decode.html of the daemons' documentation; RFC 9327, sections 3.1 and 3.2.
_SYSTEM_EVENTS = (
    "", "freq_not_set", "freq_set", "spike_detect", "freq_mode", "clock_sync", "restart", "panic_stop", "no_sys_peer",
    "leap_armed", "leap_disarmed", "leap_event", "clock_step", "kern", "TAI", "stale_leapsecond_values",
)  # fmt: skip
_PEER_EVENTS = (
    "", "mobilize", "demobilize", "unreachable", "reachable", "restart", "no_reply", "rate_exceeded", "access_denied",
    "leap_armed", "sys_peer", "clock_event", "bad_auth", "popcorn", "interleave_mode", "interleave_error",
)  # fmt: skip

# Read one after the other, each takes what it can: none ever goes back, so long or broken text costs no more than its length.
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-/]*")
_VALUE = re.compile(r'[ \t]*(?:=[ \t]*(?:"(?P<quoted>[^"\x00-\x1f\x7f-\x9f]*)"|(?P<bare>[^",\x00-\x1f\x7f-\x9f]*)))?')
_END = re.compile(r"\s*(?:,\s*|\Z)")
_NEXT = re.compile(r",\s*(?=[A-Za-z0-9_][A-Za-z0-9_.\-/]*=)")


class ControlRefusedError(WireError):
    """A daemon answered a control message with an error; `code` as in RFC 9327, section 3.4."""

    def __init__(self, code: int) -> None:
        super().__init__(f"the daemon refused: {_ERRORS.get(code, f'error {code}')}")
        self.code = code


@dataclass(frozen=True)
class Question:
    """One request: an answer must repeat opcode, sequence and association."""

    opcode: int
    sequence: int
    associd: int = 0
    data: bytes = b""

    def coded(self) -> bytes:
        """Give the packet, padded to a multiple of 4: the daemons refuse any other length."""
        head = _HEADER.pack(VERSION << 3 | MODE, self.opcode, self.sequence, 0, self.associd, 0, len(self.data))
        return head + self.data + b"\0" * (-len(self.data) % 4)


@dataclass(frozen=True)
class Answer:
    """The status word of whatever was asked about, and the data of all fragments."""

    status: int
    data: bytes


class Assembly:
    """Puts the fragments of one answer together, in whatever order they come.

    What comes twice, overlaps what is there, or lies beyond the end is passed over, as ntpq does: what came first counts. So a
    stray piece costs the answer only where it came first, and then it is asked for again.
    """

    def __init__(self, question: Question) -> None:
        self._question = question
        self._fragments: dict[int, bytes] = {}
        self._status = 0
        self._end: Optional[int] = None

    @property
    def started(self) -> bool:
        """Whether any fragment has come."""
        return bool(self._fragments)

    def add(self, datagram: bytes) -> Optional[Answer]:
        """Take a datagram; give the answer once it is whole. Datagrams that answer something else are passed over.

        ControlRefusedError when the daemon answers with an error, WireError past MAX_FRAGMENTS or MAX_BYTES.
        """
        if len(datagram) < _HEADER.size:
            return None
        first, flags, sequence, status, associd, offset, count = _HEADER.unpack_from(datagram)
        ours = (self._question.opcode, self._question.sequence, self._question.associd)
        if first & 0x3F != VERSION << 3 | MODE or not flags & _RESPONSE or (flags & _OPCODE, sequence, associd) != ours:
            return None
        if flags & _ERROR:
            raise ControlRefusedError(status >> 8)
        data, more = datagram[_HEADER.size : _HEADER.size + count], bool(flags & _MORE)
        if len(data) < count or (more and not count) or not self._fits(offset, offset + count, more=more):
            return None
        if len(self._fragments) == MAX_FRAGMENTS:
            raise WireError(f"the daemon's answer came in more than {MAX_FRAGMENTS} pieces")
        if offset + count > MAX_BYTES:
            raise WireError(f"the daemon's answer is longer than {MAX_BYTES} bytes")
        self._fragments[offset] = data
        if not more:
            self._end, self._status = offset + count, status
        return self._whole()

    def _fits(self, begin: int, end: int, *, more: bool) -> bool:
        """Whether a piece is neither in the way of those that are there nor beyond the last one; a last one must reach the end."""
        if self._end is not None and end > self._end:
            return False
        there = [(at, at + len(data)) for at, data in self._fragments.items()]
        if any(begin < to and at < end for at, to in there):
            return False
        return more or all(to <= end for _, to in there)

    def _whole(self) -> Optional[Answer]:
        # None overlaps another or lies beyond the end: as many bytes as the end tells are all of them.
        if sum(map(len, self._fragments.values())) != self._end:
            return None
        return Answer(self._status, b"".join(data for _, data in sorted(self._fragments.items())))


@dataclass(frozen=True)
class SystemStatus:
    """The system's status word: leap indicator (3: unsynchronised), kind of source (6: NTP), the last event, so often in a row.

    `event` is the word that ntpq has for it, '' for none.
    """

    leap: int
    source: int
    events: int
    event: str

    @classmethod
    def decode(cls, status: int) -> SystemStatus:
        """Take the 16 bits apart (RFC 9327, section 3.1)."""
        return cls(status >> 14 & 3, status >> 8 & 0x3F, status >> 4 & 0xF, _SYSTEM_EVENTS[status & 0xF])


@dataclass(frozen=True)
class PeerStatus:
    """A peer's status word; `select` is 0 to 7, `tally` the mark that ntpq shows for it; events as the system's."""

    configured: bool
    keyed: bool
    authenticated: bool
    reachable: bool
    broadcast: bool
    select: int
    events: int
    event: str

    @property
    def tally(self) -> str:
        """The mark: blank rejected, x falseticker, . excess, - outlier, + candidate, # backup, * system peer, o PPS."""
        return " x.-+#*o"[self.select]

    @classmethod
    def decode(cls, status: int) -> PeerStatus:
        """Take the 16 bits apart (RFC 9327, section 3.2)."""
        return cls(
            configured=bool(status & 0x8000),
            keyed=bool(status & 0x4000),
            authenticated=bool(status & 0x2000),
            reachable=bool(status & 0x1000),
            broadcast=bool(status & 0x0800),
            select=status >> 8 & 7,
            events=status >> 4 & 0xF,
            event=_PEER_EVENTS[status & 0xF],
        )


def associations(data: bytes) -> tuple[tuple[int, int], ...]:
    """Read the answer to READSTAT: pairs of association and status word. WireError when it ends within a pair."""
    if len(data) % 4:
        raise WireError("the daemon's list of associations is cut off")
    return tuple((associd, status) for associd, status in struct.iter_unpack("!HH", data))


def variables(data: bytes) -> dict[str, str]:
    """Read `name=value` pairs: values may be quoted and then hold commas; a name alone has the value "".

    What does not follow that grammar is left out, up to the next `, name=`, and so is what holds control characters: NTPsec 1.2.2
    was seen to send bytes from its stack in `filtdelay`, and one such value must not hide the others, nor reach a terminal.
    """
    text = data.decode("utf-8", "backslashreplace").strip("\0\r\n\t ,")
    found: dict[str, str] = {}
    at = 0
    while at < len(text):
        name = _NAME.match(text, at)
        value = _VALUE.match(text, name.end()) if name else None
        end = _END.match(text, value.end()) if value else None
        if not name or not value or not end:
            beyond = _NEXT.search(text, at)
            at = beyond.end() if beyond else len(text)
            continue
        found[name.group()] = value["quoted"] if value["quoted"] is not None else (value["bare"] or "").strip()
        at = end.end()
    return found
