"""The grammar of an upstream: a host name (RFC 1123, section 2.1) or a literal address, and nothing else.

What passes here is safe in a configuration file, on a command line and in a DNS question.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Union

from ntpjoin.errors import UsageProblem
from ntpjoin.upstreams import addresses

_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
#: A last part that some resolvers take for the end of an IPv4 address.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_REMEDY = "Name a server by its host name, like ntp1.example.net, or by its address."


def parse_upstream(text: str) -> str:
    """Give the canonical form: a name in lower case without a trailing dot, or an address as `ipaddress` writes it.

    UsageProblem says what is wrong with anything else.
    """
    if not text.isascii():
        raise _problem(text, "it is not ASCII", _ascii_remedy(text))
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return _parse_name(text)
    return _parse_address(text, address)


def _parse_address(text: str, address: Union[ipaddress.IPv4Address, ipaddress.IPv6Address]) -> str:
    row = addresses.special_range(text)
    if "%" in text:
        raise _problem(text, "an address with a scope means something on this host only")
    if row and row.never:
        raise _problem(text, f"it is {row.what} (RFC {row.rfc})")
    return str(address)


def _parse_name(text: str) -> str:
    name = text[:-1].lower() if text.endswith(".") else text.lower()
    labels = name.split(".")
    if not name:
        raise _problem(text, "it is empty")
    if "/" in text or ":" in text or "[" in text:
        raise _problem(text, "it is neither a host name nor an address", f"{_REMEDY} No port, no URL, no brackets.")
    if len(name) > 253:
        raise _problem(text, f"it has {len(name)} characters; a host name has 253 at most")
    for label in labels:
        if not _LABEL.fullmatch(label):
            why = (
                f"{label!r} is no part of a host name: letters, digits and inner hyphens are"
                if label
                else "a part is empty"
            )
            raise _problem(text, why)
        if len(label) > 63:
            raise _problem(text, f"the part {label[:20]}… has {len(label)} characters; 63 are allowed")
    if _NUMBER.fullmatch(labels[-1]):
        raise _problem(text, "it ends in a number, but is not an IPv4 address")
    if len(labels) < 2:
        raise _problem(text, "it has no domain", "Type the full name, with its domain, like ntp1.example.net.")
    return name


def _ascii_remedy(text: str) -> str:
    try:
        return f"Type its ASCII form: {parse_upstream(text.encode('idna').decode('ascii'))}"
    except (UnicodeError, UsageProblem):
        return _REMEDY


def _problem(text: str, why: str, remedy: str = _REMEDY) -> UsageProblem:
    shown = text if len(text) <= 60 else text[:57] + "..."
    return UsageProblem(f"{shown!r} cannot be an upstream: {why}", remedy)
