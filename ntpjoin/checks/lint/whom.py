"""Whom a statement is about: a server, a reference clock, a network; and where the engine does not take it for one. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import Optional, Union

from ntpjoin.board import REFERENCE_CLOCKS
from ntpjoin.checks.lint.language import Dialect
from ntpjoin.checks.lint.reading import Said, Statement
from ntpjoin.checks.lint.understanding import alike
from ntpjoin.checks.sources import asked
from ntpjoin.model import CheckState

WARN, FAIL, UNKNOWN = CheckState.WARN, CheckState.FAIL, CheckState.UNKNOWN

_Address = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]
_DROPPED = "the line does not count"


def source(statement: Statement, dialect: Dialect) -> Iterator[Said]:
    """Whom a server, pool, peer, broadcast or manycastclient line names."""
    words = statement.parsed.words
    family, written = _split(words[1:])
    name = asked(written, words)
    address = as_address(name)
    why = _why_nobody(family, name, address)
    wrong = "" if why or address is None else _why_not_sent_there(words[0], address)
    if why:
        text = f"`{written}` {why}: nobody is asked"
        yield statement.says("config.name", FAIL, text, "name a server, or take it out", lost=True)
    elif wrong:
        yield statement.says(
            "config.value", FAIL, f"`{written}` {wrong}: {_DROPPED}", "name another, or take it out", lost=True
        )
    elif address and name.startswith(REFERENCE_CLOCKS):
        yield from _clock(statement, name, dialect)
    elif dialect.engine == "classic" and "mode" in words:
        text = f"`mode` is for reference clocks only: {_DROPPED}"
        yield statement.says("config.value", FAIL, text, "take `mode` out of it", lost=True)


def _split(words: tuple[str, ...]) -> tuple[str, str]:
    """The family that is asked for, '' for none, and the name behind it."""
    return (words[0], words[1]) if words[0] in ("-4", "-6") else ("", words[0])


def as_address(name: str) -> Optional[_Address]:
    """The address that a name is, None where it is none."""
    try:
        return ipaddress.ip_address(name.strip("[]").partition("%")[0])
    except ValueError:
        return None


#: What may be in the name of a host; a name without a dot, and one that ends in one, are names, too.
_NAME = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?")


def _why_nobody(family: str, name: str, address: Optional[_Address]) -> str:
    """Why nobody can be asked there, whatever the daemon says; '' where somebody may."""
    if address is None:
        return "" if _NAME.fullmatch(name) else "is neither a name nor an address"
    if family and family != f"-{address.version}":
        return f"has no address of the family {family}"
    if address.is_loopback and not name.startswith(REFERENCE_CLOCKS):
        return "is this host itself"
    return "is no address of anybody" if address.is_unspecified else ""


def _why_not_sent_there(word: str, address: _Address) -> str:
    """Why the daemon refuses to send anything there."""
    if word != "broadcast" and address.is_multicast != (word == "manycastclient"):
        return "is a multicast address" if address.is_multicast else "is no multicast address"
    return ""


#: The drivers of reference clocks that Debian's builds of the engines have, by number. There are 46; a build has some of them.
_BUILT = {
    "classic": frozenset({1, *range(3, 9), 10, 11, 13, *range(17, 21), 22, *range(26, 41), 42, 44, 45, 46}),
    "ntpsec": frozenset({1, 4, 8, 11, 20, 22, 26, 28, 29, 40, 42}),
}
_MOST_DRIVERS = 46
#: NTPsec's by name, and those that its source has beside them.
_NAMED = ("local", "spectracom", "generic", "arbiter", "nmea", "pps", "hpgps", "shm", "trimble", "jjy", "zyfer")
_RARE = ("gpsd", "modem", "oncore", "truetime")


def _clock(statement: Statement, name: str, dialect: Dialect) -> Iterator[Said]:
    """A reference clock by its address, 127.127.T.U."""
    driver, engine = int(name.split(".")[2]), Dialect(dialect.engine)
    if not 0 < driver <= _MOST_DRIVERS:
        text = f"{engine} has no driver {driver} for reference clocks: {_DROPPED}"
        yield statement.says("config.value", FAIL, text, "name another, or take it out", lost=True)
    elif driver not in _BUILT[dialect.engine]:
        text = f"not every build of {engine} has the driver {driver}, and Debian's has not"
        yield statement.says("config.value", UNKNOWN, text, "look for it in the log of ntpd")
    elif dialect.engine == "classic" and "ttl" in statement.parsed.words:
        text = f"`ttl` is not for reference clocks: {_DROPPED}"
        yield statement.says("config.value", FAIL, text, "take `ttl` out of it", lost=True)


def refclock(statement: Statement, dialect: Dialect) -> Iterator[Said]:
    """A reference clock by the name of its driver."""
    name, engine = statement.parsed.words[1].lower(), Dialect(dialect.engine)
    if name in _RARE:
        text = f"not every build of {engine} has the driver `{name}`, Debian's has not, and without it the daemon ends"
        yield statement.says(
            "config.fatal", UNKNOWN, text, "try it before it counts: ntpd ends at its start, and says so"
        )
    elif name not in _NAMED:
        text = f"{engine} has no driver `{name}`, and ends"
        yield statement.says("config.fatal", FAIL, text, f"name one of: {', '.join((*_NAMED, *_RARE))}")


def fudge(statement: Statement, _dialect: Dialect) -> Iterator[Said]:
    """The clock that is fudged."""
    _, name = _split(statement.parsed.words[1:])
    if not name.startswith(REFERENCE_CLOCKS) or as_address(name) is None:
        text = f"`{name}` is no reference clock: {_DROPPED}"
        yield statement.says("config.value", FAIL, text, "write 127.127.T.U, as in its `server` line", lost=True)


#: Ways of writing an IPv4 address that the resolver takes, too: without its last parts, or with octal or hexadecimal ones.
_OTHERWISE = re.compile(r"(?=.{1,40}$)(0x[0-9a-fA-F]{1,2}|0?[0-9]{1,3})(\.(0x[0-9a-fA-F]{1,2}|0?[0-9]{1,3})){0,3}")


def restrict(statement: Statement, dialect: Dialect) -> Iterator[Said]:
    """Whom a restrict line is about: by address, or by a name, which is asked for once."""
    words = statement.parsed.words
    family = words[1] if words[1] in ("-4", "-6") else ""
    first = 2 if family else 1
    name, *rest = words[first:]
    if statement.parsed.taken[first].token.kind == "word":  # default or source
        return
    mask = rest[1] if rest[:1] == ["mask"] else ""
    bare, slash, _ = name.partition("/")
    address = as_address(bare)
    if slash and dialect.engine == "classic":
        text = f"classic ntpd does not know `{name}`, a network by its length, which is for NTPsec: {_DROPPED}"
        yield statement.says("config.engine", FAIL, text, "write ADDRESS mask MASK", lost=True)
    elif address is None and not _is_otherwise(bare):
        yield from _named(statement, name)
    elif family and address and family != f"-{address.version}":
        text = f"`{name}` has no address of the family {family}: {_DROPPED}"
        yield statement.says("config.value", FAIL, text, f"take `{family}` out", lost=True)
    elif mask and as_address(mask) is None:
        text = f"`{mask}` is no mask: {_DROPPED}"
        yield statement.says("config.value", FAIL, text, "write it whole, like 255.255.255.0 or ffff:ffff::", lost=True)


def _is_otherwise(text: str) -> bool:
    """Whether it is an IPv4 address in one of those ways."""
    return bool(_OTHERWISE.fullmatch(text)) and all(
        int(part, 0 if "x" in part else 10) < 256 for part in text.split(".")
    )


#: Words in place of an address, for whoever has no line of his own.
_OF_MANY = ("default", "source")


def _named(statement: Statement, name: str) -> Iterator[Said]:
    if name == "localhost":
        return
    meant = alike(name, _OF_MANY)
    instead = f"write `{meant}`, if that is meant; else " if meant else "write "
    if not _NAME.fullmatch(name) or name.replace(".", "").isdigit():
        text = f"`{name}` is neither an address nor a name: {_DROPPED}"
        yield statement.says("config.value", FAIL, text, f"{instead}an address", lost=True)
        return
    text = f"`{name}` is looked up once, when ntpd starts, which waits for it, and without an answer the line does not count"
    yield statement.says("config.name", WARN, text, f"{instead}its address")
