"""The plain question to DNS and its plain answer, byte by byte (RFC 1035, section 4; RFC 3596 for IPv6).

Nearly every answer is of this kind: aliases, and addresses or names at their end, or none. dnspython would read it, too, but
importing that costs more than all else that `verify` asks. What is not plain, from an answer cut short to aliases in a circle, is
left to it.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

from ntpjoin.records import dataclass
from ntpjoin.wire.answers import MAPPED, Found, addresses_of, no_such_name

A, CNAME, PTR, AAAA = 1, 5, 12, 28
#: How long the data of an address is.
_BYTES: Mapping[int, int] = {A: 4, AAAA: 16}

_IN = 1
_HEADER = 12
#: Recursion is desired; and of an answer: that it is one, its opcode, that it was cut short, its code.
_RD, _QR, _OPCODE, _TC, _RCODE = 0x0100, 0x8000, 0x7800, 0x0200, 0x000F
_NOERROR, _NXDOMAIN = 0, 3

#: Bytes of a label and of a name (RFC 1035, 2.3.4); so many aliases are a circle, for dnspython, too.
_LABEL, _NAME, _MOST_ALIASES = 63, 255, 16
#: What means something in a name that is typed (RFC 1035, section 5.1).
_MEANINGFUL = frozenset(b'"().;\\@$')

#: The labels of a name, in small letters.
Name = tuple[bytes, ...]


class Junk(Exception):
    """A datagram that is no answer to this question: the answer may still be behind it."""


class Unclear(Exception):
    """A question or an answer that is not plain: to be asked by dnspython."""


def question(name: str, kind: int, number: bytes) -> bytes:
    """The datagram that asks for what is of this kind, under these two random bytes. Raises Unclear."""
    labels = [label.encode() for label in name.rstrip(".").split(".")]
    coded = b"".join(bytes((len(label) % 256,)) + label for label in labels) + b"\0"
    if not name.isascii() or len(coded) > _NAME or not all(0 < len(label) <= _LABEL for label in labels):
        raise Unclear
    counts = b"\0\1" + bytes(6)
    return number + _RD.to_bytes(2, "big") + counts + coded + bytes((0, kind, 0, _IN))


def answer(datagram: bytes, asked: bytes) -> Found:
    """What the answer to this question brought. Raises Junk where it is none, Unclear where it is to be asked for again."""
    flags, questions = _number(datagram, 2, 2), _number(datagram, 4, 2)
    if len(datagram) < _HEADER or datagram[:2] != asked[:2] or not flags & _QR or flags & _OPCODE:
        raise Junk
    if flags & _TC:
        raise Unclear  # whatever else is in it: there is more, over TCP
    settles = flags & _RCODE in (_NOERROR, _NXDOMAIN)
    if not settles and not questions:
        raise Unclear
    # Names are the same in any case; no length, kind or class is a letter.
    if questions != 1 or datagram[_HEADER : len(asked)].lower() != asked[_HEADER:].lower():
        raise Junk
    if not settles:
        raise Unclear
    try:
        records = _records(datagram, len(asked), asked[-3])
    except (IndexError, ValueError):
        raise Junk from None
    found = _followed(records, _name(asked, _HEADER)[0])
    if flags & _RCODE == _NOERROR:
        return found
    if found.addresses or found.names or found.rank == MAPPED:
        raise Unclear
    return no_such_name(found.chain)


@dataclass(frozen=True)
class _Record:
    """A record of the kind that was asked for, or an alias. Its data is an address, or a `target`."""

    owner: Name
    kind: int
    ttl_s: int
    data: bytes
    target: Name


def _records(datagram: bytes, at: int, kind: int) -> list[_Record]:
    """The answer section; ValueError or IndexError where it, or what is behind it, is not well formed."""
    answers, *others = (_number(datagram, place, 2) for place in (6, 8, 10))
    found = []
    for number in range(answers + sum(others)):
        owner, at = _name(datagram, at)
        what, of, ttl_s, length = (
            _number(datagram, at + place, size) for place, size in ((0, 2), (2, 2), (4, 4), (8, 2))
        )
        begin, at = at + 10, at + 10 + length
        if at > len(datagram):
            raise ValueError("it ends within a record")
        if number >= answers:
            continue
        if of != _IN or what not in (CNAME, kind):
            raise Unclear
        target, end = ((), begin + _BYTES[what]) if what in _BYTES else _name(datagram, begin)
        if end != at:
            raise ValueError("a record is not as long as it says")
        # A time with the highest bit set counts as none (RFC 2181, section 8).
        found.append(_Record(owner, what, ttl_s if ttl_s < 1 << 31 else 0, datagram[begin:end], target))
    if at != len(datagram):
        raise ValueError("there is more behind it")
    return found


def _followed(records: list[_Record], name: Name) -> Found:
    """From alias to alias to what was asked for, if it is there. Raises Unclear where that does not end."""
    chain: list[str] = []
    times: list[int] = []
    while True:
        of_name = [record for record in records if record.owner == name]
        ends = [record for record in of_name if record.kind != CNAME]
        targets = {record.target for record in of_name if record.kind == CNAME}
        times += [record.ttl_s for record in ends or of_name]
        if ends or not targets:
            return _ended(tuple(chain), ends, min(times, default=0))
        if len(targets) > 1 or len(chain) >= _MOST_ALIASES - 1:
            raise Unclear
        (name,) = targets
        chain.append(_text(name))


def _ended(chain: tuple[str, ...], ends: list[_Record], ttl_s: int) -> Found:
    if any(record.kind == PTR for record in ends):
        return Found(chain, names=tuple(sorted({_text(record.target) for record in ends})))
    return addresses_of(chain, {ipaddress.ip_address(record.data) for record in ends}, ttl_s)


def _text(name: Name) -> str:
    """A name as it is typed; what cannot be printed comes out as digits."""
    return ".".join("".join(map(_letter, label)) for label in name)


def _letter(byte: int) -> str:
    if byte in _MEANINGFUL:
        return f"\\{chr(byte)}"
    return chr(byte) if 0x20 < byte < 0x7F else f"\\{byte:03}"


def _name(datagram: bytes, at: int) -> tuple[Name, int]:
    """A name, and where it ends; its end may lie further ahead in the datagram, wherever that is, but never behind."""
    labels: list[bytes] = []
    end, earliest, length = 0, at, 0
    while datagram[at]:
        size = datagram[at]
        if size >= 0xC0:
            end = end or at + 2
            at = (size & 0x3F) << 8 | datagram[at + 1]
            if at >= earliest:
                raise ValueError("a name that does not end")
            earliest = at
            continue
        label = datagram[at + 1 : at + 1 + size]
        length += 1 + size
        if size > _LABEL or len(label) < size or length >= _NAME:
            raise ValueError("a name that is too long")
        labels.append(label.lower())
        at += 1 + size
    return tuple(labels), end or at + 1


def _number(datagram: bytes, at: int, size: int) -> int:
    return int.from_bytes(datagram[at : at + size], "big")
