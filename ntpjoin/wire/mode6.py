"""NTP control messages, mode 6 (RFC 9327), as bytes: coding a request, putting fragments together, reading variables.

Nothing here touches the network; classic ntpd and NTPsec speak alike.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import Optional

from ntpjoin.errors import WireError

READSTAT = 1
READVAR = 2

MODE = 6
VERSION = 2  # as ntpq: both daemons answer it, in the version asked
MAX_FRAGMENTS = 32

_HEADER = struct.Struct("!BBHHHHH")
_RESPONSE, _ERROR, _MORE, _OPCODE = 0x80, 0x40, 0x20, 0x1F

_ERRORS = {
    1: "it does not allow that",
    2: "it found the request malformed",
    3: "it does not know that request",
    4: "it has no such association",
    5: "it has no such variable",
    6: "it found a value in the request wrong",
    7: "it restricts such requests",
}
NO_SUCH_ASSOCIATION, NO_SUCH_VARIABLE = 4, 5

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-/]*")
_ITEM = re.compile(r'(?P<name>[^=,"\s]+)[ \t]*(?:=[ \t]*(?:"(?P<quoted>[^"]*)"|(?P<bare>[^",\r\n]*)))?\s*(?:,\s*|\Z)')
_NEXT = re.compile(r",\s*(?=[A-Za-z0-9_][A-Za-z0-9_.\-/]*=)")


class ControlRefusedError(WireError):
    """A daemon answered a control message with an error; `code` as in RFC 9327, section 3."""

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
    """Puts the fragments of one answer together, in whatever order they come."""

    def __init__(self, question: Question) -> None:
        self._question = question
        self._fragments: dict[int, bytes] = {}
        self._status = 0
        self._length: Optional[int] = None

    @property
    def started(self) -> bool:
        """Whether any fragment has come."""
        return bool(self._fragments)

    def add(self, datagram: bytes) -> Optional[Answer]:
        """Take a datagram; give the answer once it is whole. Datagrams that answer something else are passed over.

        ControlRefusedError when the daemon answers with an error, WireError past 32 fragments.
        """
        if len(datagram) < _HEADER.size:
            return None
        first, flags, sequence, status, associd, offset, count = _HEADER.unpack_from(datagram)
        ours = (self._question.opcode, self._question.sequence, self._question.associd)
        if first & 0x3F != VERSION << 3 | MODE or not flags & _RESPONSE or (flags & _OPCODE, sequence, associd) != ours:
            return None
        if flags & _ERROR:
            raise ControlRefusedError(status >> 8)
        data = datagram[_HEADER.size : _HEADER.size + count]
        if len(data) < count or offset in self._fragments:
            return None
        if len(self._fragments) == MAX_FRAGMENTS:
            raise WireError(f"the daemon's answer came in more than {MAX_FRAGMENTS} pieces")
        self._fragments[offset] = data
        if not flags & _MORE:
            self._length, self._status = offset + count, status
        return self._whole()

    def _whole(self) -> Optional[Answer]:
        data = b""
        for offset in sorted(self._fragments):
            if offset != len(data):
                return None
            data += self._fragments[offset]
        return Answer(self._status, data) if len(data) == self._length else None


@dataclass(frozen=True)
class SystemStatus:
    """The system's status word: leap indicator (3: unsynchronised), kind of source (6: NTP), events since last read."""

    leap: int
    source: int
    events: int
    last_event: int

    @classmethod
    def decode(cls, status: int) -> SystemStatus:
        """Take the 16 bits apart (RFC 9327, section 4.1)."""
        return cls(status >> 14 & 3, status >> 8 & 0x3F, status >> 4 & 0xF, status & 0xF)


@dataclass(frozen=True)
class PeerStatus:
    """A peer's status word; `select` is 0 to 7, `tally` the mark that ntpq shows for it."""

    configured: bool
    authenticated: bool
    reachable: bool
    select: int

    @property
    def tally(self) -> str:
        """The mark: blank rejected, x falseticker, . excess, - outlier, + candidate, # backup, * system peer, o PPS."""
        return " x.-+#*o"[self.select]

    @classmethod
    def decode(cls, status: int) -> PeerStatus:
        """Take the 16 bits apart (RFC 9327, section 4.2)."""
        return cls(bool(status & 0x8000), bool(status & 0x2000), bool(status & 0x1000), status >> 8 & 7)


def associations(data: bytes) -> tuple[tuple[int, int], ...]:
    """Read the answer to READSTAT: pairs of association and status word. WireError when it ends within a pair."""
    if len(data) % 4:
        raise WireError("the daemon's list of associations is cut off")
    return tuple((associd, status) for associd, status in struct.iter_unpack("!HH", data))


def variables(data: bytes) -> dict[str, str]:
    """Read `name=value` pairs: values may be quoted and then hold commas; a name alone has the value "".

    What does not follow that grammar is left out, up to the next `, name=`: NTPsec 1.2.2 was seen to send bytes from its
    stack in `filtdelay`, and one such value must not hide the others.
    """
    text = data.decode("utf-8", "backslashreplace").strip("\0\r\n\t ,")
    found: dict[str, str] = {}
    at = 0
    while at < len(text):
        item = _ITEM.match(text, at)
        if not item or not _NAME.fullmatch(item["name"]):
            beyond = _NEXT.search(text, at)
            at = beyond.end() if beyond else len(text)
            continue
        quoted, bare = item["quoted"], item["bare"]
        found[item["name"]] = quoted if quoted is not None else (bare or "").strip()
        at = item.end()
    return found
