"""The grammar of an upstream: a host name (RFC 1123, section 2.1) or a literal address, and nothing else.

What passes here is safe in a configuration file, on a command line and in a DNS question.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Optional, Union

from ntpjoin.errors import UsageProblem, quoted, shown
from ntpjoin.upstreams import addresses

_Address = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
#: A last part that some resolvers take for the end of an IPv4 address.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
#: Where no time server is to be followed, but DNS is often asked: this host, and a cloud's link-local service.
_NEAR = tuple(ipaddress.ip_network(one) for one in ("127.0.0.0/8", "169.254.0.0/16", "::1/128"))
_REMEDY = "Name a server by its host name, like ntp1.example.net, or by its address."


class _Wrong(Exception):
    """Why a text is no server, and what to type instead."""

    def __init__(self, why: str, remedy: str = _REMEDY) -> None:
        super().__init__(why)
        self.why = why
        self.remedy = remedy


def parse_upstream(text: str, role: str = "an upstream") -> str:
    """Give the canonical form: a name in lower case without a trailing dot, or an address as `ipaddress` writes it.

    UsageProblem says what is wrong with anything else, and that it cannot be what it is meant to be, its `role`.
    """
    try:
        return _parse(text)
    except _Wrong as wrong:
        raise UsageProblem(f"{quoted(text)} cannot be {role}: {wrong.why}", wrong.remedy) from None


def _parse(text: str) -> str:
    if not text.isascii():
        raise _Wrong("it is not ASCII", _ascii_remedy(text))
    address = _address(text)
    if address is None:
        return _parse_name(text)
    why = _why_no_address_of_a_server(text, address)
    if why:
        raise _Wrong(why)
    return str(address)


def parse_list(content: bytes, path: str, role: str) -> tuple[str, ...]:
    """Give the servers of a file, one a line, each once; # begins a comment. UsageProblem names the line that is wrong."""
    found: list[str] = []
    for number, line in enumerate(content.decode("utf-8-sig", errors="replace").splitlines(), 1):
        word = line.partition("#")[0].strip()
        if word:
            try:
                found.append(parse_upstream(word, role))
            except UsageProblem as problem:
                raise UsageProblem(f"{shown(path)}, line {number}: {problem.message}", problem.remedy) from None
    if not found:
        raise UsageProblem(f"{shown(path)} names no server", "Write one a line, by name or address.")
    return tuple(dict.fromkeys(found))


def parse_public_address(text: str) -> str:
    """Give the canonical form of an address that shall be this server's own; UsageProblem says what is wrong with anything else."""
    address = _address(text) if text.isascii() else None
    why = _why_no_address_of_a_server(text, address) if address else "it is not an address"
    if why:
        problem = f"{quoted(text)} cannot be this server's public address: {why}"
        raise UsageProblem(problem, "Type the address that clients will use, like --public-address 203.0.113.7.")
    return str(address)


def parse_resolver(text: str) -> str:
    """Give the canonical form of the address of a DNS server; UsageProblem says what is wrong with anything else."""
    address = _address(text) if text.isascii() else None
    why = "it is not an address"
    if address:
        near = "%" not in text and any(address in one for one in _NEAR)
        why = "" if near else _why_no_address_of_a_server(text, address)
    if why:
        problem = f"{quoted(text)} cannot be a DNS server: {why}"
        raise UsageProblem(problem, "Type its address, without a port, like --resolver 203.0.113.53.")
    return str(address)


def _address(text: str) -> Optional[_Address]:
    """A literal address; an IPv4 address in one way only, for others read 010.0.0.1 as octal."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return address if address.version == 6 or str(address) == text else None


def _why_no_address_of_a_server(text: str, address: _Address) -> str:
    if "%" in text:
        return "an address with a scope means something on this host only"
    row = addresses.special_range(str(address))
    return f"it is {row.what} (RFC {row.rfc})" if row and row.never else ""


def _parse_name(text: str) -> str:
    name = text[:-1].lower() if text.endswith(".") else text.lower()
    labels = name.split(".")
    if not name:
        raise _Wrong("it is empty")
    if "/" in text or ":" in text or "[" in text:
        raise _Wrong("it is neither a host name nor an address", f"{_REMEDY} No port, no URL, no brackets.")
    if len(name) > 253:
        raise _Wrong(f"it has {len(name)} characters; a host name has 253 at most")
    for label in labels:
        if not _LABEL.fullmatch(label):
            why = (
                f"{quoted(label)} is no part of a host name: letters, digits and inner hyphens are"
                if label
                else "a part is empty"
            )
            raise _Wrong(why)
        if len(label) > 63:
            raise _Wrong(f"the part {label[:20]}… has {len(label)} characters; 63 are allowed")
    if _NUMBER.fullmatch(labels[-1]):
        raise _Wrong("it ends in a number, but is not an IPv4 address")
    if len(labels) < 2:
        raise _Wrong("it has no domain", "Type the full name, with its domain, like ntp1.example.net.")
    return name


def _ascii_remedy(text: str) -> str:
    """What to type instead: told only where Python's codec, of IDNA 2003, and IDNA 2008 agree, that is where nothing is lost."""
    try:
        name = _parse(text.encode("idna").decode("ascii"))
        lossless = name.encode("ascii").decode("idna") == text.lower().rstrip(".")
    except (UnicodeError, _Wrong):
        lossless = False
    return f"Type its ASCII form: {name}" if lossless else "Type its ASCII form, in which parts begin with xn--."
