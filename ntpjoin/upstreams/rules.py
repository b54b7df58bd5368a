"""Rules that refuse an upstream before a packet is sent, by its name or by its address."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection

from ntpjoin.errors import UsageProblem, quoted
from ntpjoin.model import Resolved
from ntpjoin.upstreams import addresses, grammar

#: The pool's own zone, with its vendors', countries' and numbered ones. A member that follows it follows whoever the
#: pool happens to name, other members among them, and the pool's join page forbids it.
_POOL = "pool.ntp.org"

#: Public services whose operators say that they smear leap seconds; RFC 8633, section 3.7.1, keeps these out of public
#: service. Google's machines in its cloud find its service by a name of their own, and are set up to follow it
#: (https://cloud.google.com/compute/docs/instances/configure-ntp, "Google NTP servers and leap smearing").
_SMEARING_NAMES = (
    "time.google.com",
    "time1.google.com",
    "time2.google.com",
    "time3.google.com",
    "time4.google.com",
    "time.android.com",
    "metadata.google.internal",
    "time.aws.com",
    "time.facebook.com",
    "time1.facebook.com",
    "time2.facebook.com",
    "time3.facebook.com",
    "time4.facebook.com",
    "time5.facebook.com",
)
_SMEARING_ADDRESSES = (
    "216.239.35.0",
    "216.239.35.4",
    "216.239.35.8",
    "216.239.35.12",
    "2001:4860:4806::",
    "2001:4860:4806:4::",
    "2001:4860:4806:8::",
    "2001:4860:4806:c::",
    "169.254.169.123",
    "fd00:ec2::123",
)


def why_not_follow(resolved: Resolved) -> str:
    """Say which rule forbids this name, or a name that it is an alias of; "" when none does."""
    for name in (resolved.name, *resolved.chain):
        bare = name.lower().rstrip(".")
        alias = "" if name == resolved.name else f"an alias of {bare}, which is "
        if of_pool(bare):
            return f"{alias}a name of the pool itself; its members follow servers picked by hand"
        if smears(bare):
            return f"{alias}a service that smears leap seconds; pool members must not"
    return ""


def of_pool(name: str) -> bool:
    """Whether a name is one of the pool's own, its vendors' zones among them."""
    bare = name.lower().rstrip(".")
    return bare == _POOL or bare.endswith(f".{_POOL}")


def smears(upstream: str) -> bool:
    """Whether this name, or this address, however it is written, is of a service that is known to smear leap seconds."""
    bare = upstream.lower().rstrip(".")
    try:
        return _canonical(bare.strip("[]")) in _SMEARING_ADDRESSES
    except ValueError:
        return bare in _SMEARING_NAMES


def parse_named(text: str, role: str = "an upstream") -> str:
    """An upstream as it was typed, in its canonical form; or whatever else is to be followed, in that `role`.

    UsageProblem where grammar forbids it, or a rule that needs no more than the name or the literal address.
    """
    name = grammar.parse_upstream(text, role)
    literal = ":" in name or name.rpartition(".")[2].isdigit()
    why = why_not_ask(name, allow_private=True) if literal else why_not_follow(Resolved(name))
    if why:
        raise UsageProblem(
            f"{quoted(text)} cannot be {role}: it is {why}", "Name a server that its operator offers to all."
        )
    return name


def why_not_ask(address: str, *, own_addresses: Collection[str] = (), allow_private: bool = False) -> str:
    """Say which rule forbids this literal address; "" when none does."""
    if _canonical(address) in {_canonical(own) for own in own_addresses}:
        return "an address of this host"
    if smears(address):
        return "a service that smears leap seconds; pool members must not"
    if not addresses.may_be_used(address, allow_private):
        return addresses.why_not_public(address)
    return ""


def _canonical(address: str) -> str:
    return str(ipaddress.ip_address(address.partition("%")[0]))
