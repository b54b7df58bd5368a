"""Hypothesis strategies for what operators and attackers type, and for what of it becomes a configuration.

Every run draws the same examples: CI tells of the code, not of the dice. `make campaign` draws many more.
"""

from __future__ import annotations

import string
from dataclasses import dataclass, field
from typing import Callable

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from ntpjoin.errors import UsageProblem
from ntpjoin.model import Pin
from ntpjoin.upstreams.rules import parse_named

#: The judge is a program that is started for each example, so it may take its time, and nothing is made smaller by trying.
SETTINGS = settings(
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.generate,),
)

#: What means something to ntpd's parser, to a shell, to DNS or to a terminal.
_JUNK = st.sampled_from([
    "\n", "\r", "\r\n", " ", "\t", "#", '"', "'", "\\", "\0", ";", "$(id)", "`id`", "%", "{{", "}}", "{%", "-", "_", "..", ".",
    "\x1b[0m", "\u202e", "\xa0", "é", "İ", "\ud800", " iburst", " key 1",
    "\nrestrict default", "\nserver 192.0.2.66", "\nincludefile /etc/passwd",
])  # fmt: skip
_LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True)
NAMES = st.lists(_LABEL, min_size=2, max_size=5).map(".".join)
ADDRESSES = st.ip_addresses().map(str)
_KEYWORDS = st.sampled_from(
    ["server", "restrict", "pool", "default", "iburst", "tos", "end", "source", "mask", "127.127.1.0"]
)


@st.composite
def _spoiled(draw: st.DrawFn) -> str:
    """Something good with something bad put into it."""
    text, junk = draw(st.one_of(NAMES, ADDRESSES, NAMES.map(str.upper))), draw(_JUNK)
    place = draw(st.integers(0, len(text)))
    return text[:place] + junk + text[place:]


#: Good and bad alike; words of ntpd's own language are fine parts of a name.
TYPED = st.one_of(
    NAMES,
    NAMES.map(str.upper),
    NAMES.map(lambda name: f"{name}."),
    ADDRESSES,
    st.tuples(_KEYWORDS, NAMES).map(".".join),
    _spoiled(),
    st.text(max_size=30),
    st.text(alphabet=string.ascii_letters + string.digits + ".-:", max_size=30),
)

Parse = Callable[[str], str]


@dataclass
class Tally:
    """How many texts were typed, and how many the grammar took: a test whose grammar takes nothing proves nothing."""

    typed: int = 0
    accepted: int = 0

    def __str__(self) -> str:
        return f"{self.accepted} of {self.typed} accepted ({100 * self.accepted / max(1, self.typed):.0f} %)"


@dataclass(frozen=True)
class Case:
    """What was typed, and where each of it leads if it is a name."""

    texts: tuple[str, ...]
    addresses: tuple[str, ...]
    leapfile: bool = field(default=True)

    def pins(self, parse: Parse, tally: Tally) -> tuple[Pin, ...]:
        """What the template gets: the texts that pass, each with an address of its own."""
        found: dict[str, Pin] = {}
        for text, address in zip(self.texts, self.addresses):
            tally.typed += 1
            try:
                name = parse(text)
            except UsageProblem:
                continue
            tally.accepted += 1
            literal = parse is parse_named and (":" in name or name.rpartition(".")[2].isdigit())
            pin = Pin(name, name if literal else address)
            found[pin.address] = pin
        return tuple(found.values())[:7]


def _usable(address: str) -> bool:
    try:
        return bool(parse_named(address))
    except UsageProblem:
        return False


CASES = st.builds(
    Case,
    texts=st.lists(TYPED, min_size=9, max_size=9, unique=True).map(tuple),
    addresses=st.lists(ADDRESSES.filter(_usable), min_size=9, max_size=9, unique=True).map(tuple),
    leapfile=st.booleans(),
)
