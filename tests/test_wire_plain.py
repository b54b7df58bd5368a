"""Plain answers of DNS: what is read here is what dnspython reads, of any bytes, and what is not plain is left to it."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Optional, Union

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ntpjoin.wire import plain
from ntpjoin.wire.answers import EMPTY, MAPPED, NO_SUCH_NAME, Found
from ntpjoin.wire.resolver import _read
from tests.hostile import NAMES, SETTINGS

NUMBER = b"\x12\x34"
KINDS = {plain.A: "A", plain.AAAA: "AAAA", plain.PTR: "PTR"}
NAME = "Ntp1.example.net"


def asked(name: str = NAME, kind: int = plain.A) -> bytes:
    return plain.question(name, kind, NUMBER)


def response(
    lines: Sequence[str], question: bytes, *, authority: Sequence[str] = (), rcode: int = 0
) -> dns.message.Message:
    """An answer of these records: name, time to live, type, data."""
    made = dns.message.make_response(dns.message.from_wire(question))
    made.flags |= dns.flags.RA
    made.set_rcode(dns.rcode.Rcode(rcode))
    for section, records in ((made.answer, lines), (made.authority, authority)):
        for line in records:
            name, ttl, kind, data = line.split(maxsplit=3)
            section.append(dns.rrset.from_text(f"{name}.", int(ttl), "IN", kind, data))
    return made


def read(datagram: bytes, question: bytes) -> Union[Found, str]:
    try:
        return plain.answer(datagram, question)
    except (plain.Junk, plain.Unclear) as error:
        return type(error).__name__


def by_dnspython(datagram: bytes, question: bytes) -> Optional[Found]:
    """The same by dnspython; None where it takes it for no answer, or for one that it cannot read."""
    asking = dns.message.from_wire(question)
    try:
        made = dns.message.from_wire(datagram)
        if not isinstance(made, dns.message.QueryMessage) or not asking.is_response(made):
            return None
        return _read(made)
    except (dns.exception.DNSException, ValueError, NotImplementedError):
        return None


def told(found: Found) -> tuple[object, ...]:
    return found.chain, found.addresses, found.names, found.problem, found.rank


def addresses(*texts: str) -> tuple[Union[ipaddress.IPv4Address, ipaddress.IPv6Address], ...]:
    return tuple(map(ipaddress.ip_address, texts))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "name", [NAME, "a.example", "x" * 63 + ".example", ".".join(["abcdefghi"] * 25), "ntp.example."]
)
def test_a_question_is_dnspythons_byte_for_byte(name: str, kind: int) -> None:
    theirs = dns.message.make_query(dns.name.from_text(name, dns.name.root), dns.rdatatype.RdataType(kind))
    theirs.id = int.from_bytes(NUMBER, "big")
    assert asked(name, kind) == theirs.to_wire()


@pytest.mark.parametrize(
    "name", ["", ".", "a..example", "x" * 64 + ".example", ".".join(["abcdefghi"] * 26), "bücher.example"]
)
def test_what_is_no_plain_name_is_left_to_dnspython(name: str) -> None:
    with pytest.raises(plain.Unclear):
        asked(name)


SOA = ("example.net 300 SOA ns.example.net. root.example.net. 1 2 3 4 5",)


@pytest.mark.parametrize(
    ("lines", "kind", "found"),
    [
        (["ntp1.example.net 300 A 192.0.2.11"], plain.A, Found((), addresses("192.0.2.11"), 300)),
        (["NTP1.example.NET 300 AAAA 2001:db8::11"], plain.AAAA, Found((), addresses("2001:db8::11"), 300)),
        (
            ["ntp1.example.net 300 A 192.0.2.22", "ntp1.example.net 60 A 192.0.2.3", "ntp1.example.net 60 A 192.0.2.3"],
            plain.A,
            Found((), addresses("192.0.2.3", "192.0.2.22"), 60),
        ),
        (
            ["b_c.example.net 20 A 192.0.2.1", "ntp1.example.net 99 CNAME A.example.net.", "a.example.net 30 CNAME b_C.example.net."],
            plain.A,
            Found(("a.example.net", "b_c.example.net"), addresses("192.0.2.1"), 20),
        ),
        ([], plain.AAAA, Found(problem="the name has no address", rank=EMPTY)),
        (
            ["ntp1.example.net 600 CNAME a.example.net."],
            plain.A,
            Found(("a.example.net",), problem="the name has no address", rank=EMPTY),
        ),
        (["other.example.net 600 A 192.0.2.66"], plain.A, Found(problem="the name has no address", rank=EMPTY)),
        (
            ["ntp1.example.net 600 AAAA ::ffff:192.0.2.1"],
            plain.AAAA,
            Found(problem="it leads to IPv4-mapped addresses only", rank=MAPPED),
        ),
        (["ntp1.example.net 9 PTR b.", "ntp1.example.net 9 PTR A.B."], plain.PTR, Found(names=("a.b", "b"))),
        (
            ["ntp1.example.net 9 CNAME 1.0/25.2.0.192.in-addr.arpa.", "1.0/25.2.0.192.in-addr.arpa 9 PTR a.example."],
            plain.PTR,
            Found(("1.0/25.2.0.192.in-addr.arpa",), names=("a.example",)),
        ),
        ([], plain.PTR, Found(problem="the name has no address")),
        (["ntp1.example.net 2147483648 A 192.0.2.11"], plain.A, Found((), addresses("192.0.2.11"), 0)),
    ],
)  # fmt: skip
def test_plain_answers(lines: list[str], kind: int, found: Found) -> None:
    question = asked(NAME, kind)
    datagram = (
        response([], question).to_wire()
        if "2147483648" in str(lines)
        else response(lines, question, authority=SOA).to_wire()
    )
    if "2147483648" in str(lines):  # no zone may say so, a datagram can
        made = response([lines[0].replace("2147483648", "1")], question).to_wire()
        datagram = made.replace(b"\0\0\0\1\0\4", b"\x80\0\0\0\0\4")
    assert read(datagram, question) == found
    theirs = by_dnspython(datagram, question)
    assert theirs is not None
    assert told(theirs) == told(found)
    assert not found.addresses or theirs.ttl_s == found.ttl_s


@pytest.mark.parametrize("lines", [[], ["ntp1.example.net 600 CNAME a.example.net."]])
def test_a_name_that_does_not_exist(lines: list[str]) -> None:
    datagram = response(lines, asked(), authority=SOA, rcode=dns.rcode.NXDOMAIN).to_wire()
    chain = ("a.example.net",) if lines else ()
    words = "no such name: a.example.net" if lines else "no such name"
    assert read(datagram, asked()) == Found(chain, rank=NO_SUCH_NAME, problem=words) == by_dnspython(datagram, asked())


CIRCLE = ["ntp1.example.net 60 CNAME a.example.net.", "a.example.net 60 CNAME ntp1.example.net."]
LONG = ["ntp1.example.net 60 CNAME c1.", *(f"c{n} 60 CNAME c{n + 1}." for n in range(1, 16)), "c16 60 A 192.0.2.1"]


@pytest.mark.parametrize(
    ("lines", "rcode"),
    [
        (CIRCLE, 0),
        (["ntp1.example.net 60 CNAME ntp1.example.net."], 0),
        (LONG, 0),
        (["ntp1.example.net 60 A 192.0.2.1"], dns.rcode.NXDOMAIN),
        (["ntp1.example.net 60 AAAA ::ffff:192.0.2.1", "ntp1.example.net 60 A 192.0.2.1"], dns.rcode.NXDOMAIN),
        (["ntp1.example.net 60 TXT x"], 0),
        (["ntp1.example.net 60 PTR x."], 0),
        ([], dns.rcode.SERVFAIL),
        ([], dns.rcode.REFUSED),
        ([], dns.rcode.NOTIMP),
    ],
)
def test_what_is_not_plain_is_left_to_dnspython(lines: list[str], rcode: int) -> None:
    assert read(response(lines, asked(), rcode=rcode).to_wire(), asked()) == "Unclear"


def test_so_many_aliases_and_no_more() -> None:
    lines = [LONG[0], *LONG[1:14], "c14 60 A 192.0.2.1"]
    datagram = response(lines, asked()).to_wire()
    assert read(datagram, asked()) == by_dnspython(datagram, asked())
    assert by_dnspython(response(LONG, asked()).to_wire(), asked()) is None


@pytest.mark.parametrize(
    "labels",
    [(), (b"a.b",), ("bücher".encode(), b"a b"), (b'\x1b[31m";$', b"a/b@(c)\\"), (b"\0\x7f\xff",), (b"A" * 63,) * 3],
)
@pytest.mark.parametrize("kind", ["PTR", "CNAME"])
def test_odd_names_are_written_as_dnspython_writes_them(labels: tuple[bytes, ...], kind: str) -> None:
    made = response([f"ntp1.example.net 9 {kind} odd."], asked(NAME, plain.PTR))
    record = made.answer[0][0].replace(target=dns.name.Name((*labels, b"")))
    made.answer = [dns.rrset.from_rdata("ntp1.example.net.", 9, record)]
    datagram = made.to_wire()
    theirs = by_dnspython(datagram, asked(NAME, plain.PTR))
    assert theirs
    assert read(datagram, asked(NAME, plain.PTR)) == theirs


def test_names_of_a_name_that_does_not_exist_are_left_to_dnspython() -> None:
    datagram = response(["ntp1.example.net 9 PTR a."], asked(NAME, plain.PTR), rcode=dns.rcode.NXDOMAIN).to_wire()
    assert read(datagram, asked(NAME, plain.PTR)) == "Unclear"


def test_two_aliases_of_one_name_are_not_plain() -> None:
    first = response([CIRCLE[0]], asked()).to_wire()
    record = first[len(asked()) :]
    other = record.replace(b"\1a", b"\1b")
    twice = first[:6] + b"\0\2" + first[8:] + other
    assert read(twice, asked()) == "Unclear"
    assert isinstance(read(first[:6] + b"\0\2" + first[8:] + record, asked()), Found), "the same one twice"


def test_an_answer_cut_short_is_left_to_dnspython() -> None:
    made = response(["ntp1.example.net 300 A 192.0.2.11"], asked())
    made.flags |= dns.flags.TC
    assert read(made.to_wire(), asked()) == "Unclear"
    assert read(made.to_wire()[:12], asked()) == "Unclear"


def test_a_server_that_fails_without_the_question_is_heard() -> None:
    assert read(NUMBER + b"\x81\x82" + bytes(8), asked()) == "Unclear"
    assert read(NUMBER + b"\x81\x80" + bytes(8), asked()) == "Junk"


def junk() -> dict[str, bytes]:
    good = response(["ntp1.example.net 300 A 192.0.2.11"], asked()).to_wire()
    size = len(asked())
    return {
        "nothing": b"",
        "too short": good[:11],
        "another number": b"\x12\x35" + good[2:],
        "the question itself": asked(),
        "another opcode": good[:2] + bytes([good[2] | 0x28]) + good[3:],
        "another name": good.replace(b"\4Ntp1", b"\4Ntp2"),
        "another kind": good[: size - 3] + b"\x1c" + good[size - 2 :],
        "another class": good[: size - 1] + b"\3" + good[size:],
        "no question": good[:4] + b"\0\0" + good[6:12] + good[size:],
        "two questions": good[:4] + b"\0\2" + good[6:size] + asked()[12:] + good[size:],
        "more behind it": good + b"\0",
        "cut within a record": good[:-1],
        "more records than there are": good[:6] + b"\0\2" + good[8:],
        "more of another section": good[:8] + b"\0\1" + good[10:],
        "a short address": good[:-6] + b"\0\3" + good[-4:-1],
        "a pointer to itself": good[:size] + bytes([0xC0, size]) + good[size + 2 :],
        "a pointer ahead": good[:size] + bytes([0xC0, size + 4]) + good[size + 2 :],
        "a label of a kind that is none": good[:size] + b"\x40" + good[size + 1 :],
    }  # fmt: skip


@pytest.mark.parametrize("datagram", junk().values(), ids=junk())
def test_junk_is_not_heard_by_either(datagram: bytes) -> None:
    assert read(datagram, asked()) == "Junk"
    assert by_dnspython(datagram, asked()) is None


def test_the_name_may_come_back_in_another_case() -> None:
    datagram = response(["ntp1.example.net 300 A 192.0.2.11"], asked()).to_wire().replace(b"Ntp1", b"nTP1")
    assert read(datagram, asked()) == Found((), addresses("192.0.2.11"), 300)


_LINE = st.one_of(
    st.tuples(NAMES, st.integers(0, 1 << 31), st.just("A"), st.ip_addresses(v=4).map(str)),
    st.tuples(NAMES, st.integers(0, 1 << 31), st.just("AAAA"), st.ip_addresses(v=6).map(str)),
    st.tuples(NAMES, st.integers(0, 600), st.sampled_from(["CNAME", "PTR"]), NAMES.map(lambda name: f"{name}.")),
)


@st.composite
def datagrams(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """A question, and an answer to it in which some bytes are others, are missing, or are more than there should be."""
    name, kind = draw(NAMES), draw(st.sampled_from(sorted(KINDS)))
    question = asked(name, kind)
    lines, owner = [], name
    for made, ttl, of, data in draw(st.lists(_LINE, max_size=5)):
        lines.append(f"{owner if draw(st.booleans()) else made} {min(ttl, (1 << 31) - 1)} {of} {data}")
        owner = data.rstrip(".") if of == "CNAME" else owner
    rcode = draw(st.sampled_from([0, 0, 0, 3, 2]))
    wire = bytearray(response(lines, question, authority=SOA if draw(st.booleans()) else (), rcode=rcode).to_wire())
    for _ in range(draw(st.sampled_from([0, 0, 1, 2, 6]))):
        at = draw(st.integers(0, len(wire) - 1))
        wire[at : at + draw(st.integers(0, 2))] = draw(st.binary(max_size=2))
    return question, bytes(wire)


@settings(parent=SETTINGS, max_examples=250)
@given(datagrams())
def test_of_any_bytes_what_is_read_is_what_dnspython_reads(pair: tuple[bytes, bytes]) -> None:
    question, datagram = pair
    ours, theirs = read(datagram, question), by_dnspython(datagram, question)
    if isinstance(ours, Found) and theirs is not None:
        assert told(ours) == told(theirs)
        assert not ours.addresses or ours.ttl_s == theirs.ttl_s
    if ours == "Junk":
        assert theirs is None


@settings(parent=SETTINGS, max_examples=250)
@given(st.binary(max_size=64))
def test_any_bytes_behind_a_good_head_end(tail: bytes) -> None:
    for counts in (b"\0\1\0\1\0\0\0\0", b"\0\1\xff\xff\xff\xff\xff\xff"):
        read(NUMBER + b"\x81\x80" + counts + asked()[12:] + tail, asked())
