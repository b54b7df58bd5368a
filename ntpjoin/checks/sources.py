"""The operator's own sources: what other files than ours make the daemon follow. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Iterable
from typing import Literal, Optional, Union

from ntpjoin.board import LOCAL_CLOCK, REFERENCE_CLOCKS
from ntpjoin.facts import Directive
from ntpjoin.model import Pin
from ntpjoin.records import dataclass

Kind = Literal["server", "pool", "refclock", "local"]


@dataclass(frozen=True)
class Source:
    """One source: a server, names that servers are drawn from, a reference clock, or this host's own clock under another name."""

    kind: Kind
    name: str
    directive: Directive

    @property
    def counts(self) -> bool:
        """Whether it has a voice among the sources. How many servers a pool brings is not known; a LOCAL clock knows no time."""
        return self.kind in ("server", "refclock") and "noselect" not in self.directive.words

    @property
    def key(self) -> str:
        """The same for each way of writing a name or an address."""
        return _key(self.name)


def sources(directives: tuple[Directive, ...]) -> tuple[Source, ...]:
    """All of them, in their order."""
    return tuple(found for found in map(_source, directives) if found)


#: NTPsec takes the port where a server is asked for NTS behind its name or address (nts_client.c, open_TCP_socket).
_PORT = "0*[1-9][0-9]{0,4}|[A-Za-z][A-Za-z0-9-]*"
_FOR_NTS = re.compile(rf"\[(?P<inside>[^\[\]]+)\](:({_PORT}))?|(?P<before>[^:\[\]]+):({_PORT})")


def asked(name: str, options: Collection[str]) -> str:
    """Whom a line names, without the port that may stand behind it where it has the option `nts`."""
    match = _FOR_NTS.fullmatch(name) if "nts" in options else None
    return (match["inside"] or match["before"]) if match else name


def _source(directive: Directive) -> Optional[Source]:
    word, *rest = directive.words
    rest = [other for other in rest if other not in ("-4", "-6")]
    if not rest or word not in ("server", "peer", "pool", "refclock"):
        return None
    name = rest[0]
    if word == "refclock":
        unit = rest[rest.index("unit") + 1] if "unit" in rest[:-1] else "0"
        return Source("local" if name.lower() == "local" else "refclock", f"{name.upper()}({unit})", directive)
    name = asked(name, rest[1:])
    if name.startswith(LOCAL_CLOCK):
        return Source("local", name, directive)
    if name.startswith(REFERENCE_CLOCKS):
        return Source("refclock", name, directive)
    return Source("pool" if word == "pool" else "server", name, directive)


def _key(name: str) -> str:
    try:
        return str(ipaddress.ip_address(name.strip("[]").partition("%")[0]))
    except ValueError:
        return name.lower().rstrip(".")


def pin_of(source: Source, pins: Iterable[Pin]) -> Optional[Pin]:
    """The pin that is the same server, by its name or its address; None where none is."""
    return next((pin for pin in pins if source.key in (_key(pin.name), _key(pin.address))), None)


def repeats(directives: tuple[Directive, ...], pins: tuple[Pin, ...] = ()) -> dict[Source, Union[Pin, Source]]:
    """The sources that are followed already: by a pin, or by the first line that names them. ntpd asks an address once."""
    first: dict[str, Source] = {}
    found: dict[Source, Union[Pin, Source]] = {}
    for source in sources(directives):
        if source.kind in ("server", "refclock"):
            former = pin_of(source, pins) or first.setdefault(source.key, source)
            if former is not source:
                found[source] = former
    return found


def counted(directives: tuple[Directive, ...], pins: tuple[Pin, ...] = ()) -> int:
    """How many sources with a voice these files bring, beside the pins."""
    return len(_voices(directives, pins))


def reference_clocks(directives: tuple[Directive, ...]) -> int:
    """How many reference clocks with a voice."""
    return sum(source.kind == "refclock" for source in _voices(directives))


def _voices(directives: tuple[Directive, ...], pins: tuple[Pin, ...] = ()) -> list[Source]:
    again = repeats(directives, pins)
    return [source for source in sources(directives) if source.counts and source not in again]
