"""What to type to have the configuration otherwise that the daemon has read. Pure.

Ours is written anew. What is the operator's own, a file beside ours or the main one, he edits by hand: he is told lines and file.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from ntpjoin.checks.access import DEAF_TO_QUERIES, LOOPBACK, TO_THE_WORLD, WORLD, Access
from ntpjoin.checks.lines import lines, place, places, setup, somebodys
from ntpjoin.facts import Directive, Facts
from ntpjoin.host import ntpconf
from ntpjoin.records import dataclass
from ntpjoin.systems import Engine, Row, to_type

#: Flags that the default of a member has, by the checks of `access.…`.
_WANTED = frozenset({"kod", "limited", "nomodify", "noquery"})


class Advice(Protocol):
    """What to type to have lines of a configuration otherwise."""

    def without(self, culprits: Iterable[Directive], /) -> str:
        """To be rid of these lines."""
        ...

    def restored(self, culprits: Iterable[Directive], /) -> str:
        """To have a flag of the default again: the lines that took it away go; where none did, one has to give it."""
        ...

    def edited(self, what: str, /, *culprits: Directive) -> str:
        """To have lines changed; `what` begins a sentence that ends with their place."""
        ...

    def forbidding(self, culprits: Iterable[Directive], /) -> str:
        """To have lines no longer allow management queries."""
        ...


@dataclass(frozen=True)
class OwnFile:
    """Advice for the files that this host's daemon has read."""

    facts: Facts
    row: Row

    @property
    def setup(self) -> str:
        """To have our file in place."""
        return setup(self.facts, self.row)

    @property
    def survey(self) -> str:
        """To follow others."""
        restart = to_type("restart", self.row.unit)
        found = f"name others in {self.row.config}, which `ntpjoin upstreams survey` finds, then: {restart}"
        return self.or_ours(found, f"{self.setup} --survey")

    def or_ours(self, typed: str, ours: str = "") -> str:
        """What mends a configuration that is somebody's own, and what puts `ours` in its place; for any other that alone."""
        ours = ours or self.setup
        mine = somebodys(self.facts, self.row)
        return f"{typed}; or, to have ntpjoin's configuration: {ours}" if mine else ours

    def written(self, what: str) -> str:
        """To have more lines; `what` they are."""
        where = place(self.facts, self.row)
        return self.or_ours(f"write {what} into {where}, then: {to_type('restart', self.row.unit)}")

    def without(self, culprits: Iterable[Directive], /) -> str:
        """Who takes out a line of his own that is about everybody, or this host, has to write what it gave beside."""
        out = self._by_hand(culprits)
        wanted = self._wanting(out)
        deeds = [f"take {places(out, 'out of')}"] if out else []
        if wanted:
            deeds.append(f"write {', '.join(f'`{line}`' for line in wanted)} into {place(self.facts, self.row)}")
        return self._typed(" and ".join(deeds), out) if deeds else self.setup

    def restored(self, culprits: Iterable[Directive], /) -> str:
        """A `restrict` line that lacks a flag stays: lines for the same network add up, and ours has one that has it."""
        return self.without([line for line in culprits if line.words[0] != "restrict"])

    def edited(self, what: str, /, *culprits: Directive) -> str:
        """The sentence, and how the daemon comes to read it."""
        own = self._by_hand(culprits)
        return self._typed(f"{what} {places(own, 'of')}", own) if own else self.setup

    def forbidding(self, culprits: Iterable[Directive], /) -> str:
        """The operator's own lines go, or get the flag."""
        own = self._by_hand(culprits)
        where = " and ".join(f"line {line.line} of {line.path}" for line in own)
        return self._typed(f"take {where} out, or write `noquery` behind it", own) if own else self.setup

    def _by_hand(self, culprits: Iterable[Directive]) -> tuple[Directive, ...]:
        """Those that the operator edits; all others are gone with the file that ours replaces."""
        mine = somebodys(self.facts, self.row)
        return tuple(line for line in dict.fromkeys(culprits) if mine or line.path != self.row.config)

    def _typed(self, deed: str, culprits: Iterable[Directive]) -> str:
        """With the restart. Ours in place of the main file would not do away with a line of another one."""
        typed = f"{deed}, then: {to_type('restart', self.row.unit)}"
        goes = somebodys(self.facts, self.row) and all(line.path == self.row.config for line in culprits)
        return self.or_ours(typed) if goes else typed

    def _wanting(self, out: tuple[Directive, ...]) -> tuple[str, ...]:
        """What somebody's own configuration lacks without these lines, where they have to do with that."""
        known = lines(self.facts, self.row)
        access = Access(self.row.engine, known)
        concerned = {line for network in (*WORLD, *LOOPBACK) for line in access.of(network).lines}
        if not somebodys(self.facts, self.row) or (out and concerned.isdisjoint(out)):
            return ()
        return wanting(self.row.engine, [line for line in known if line not in out])


def wanting(engine: Engine, known: Iterable[Directive]) -> tuple[str, ...]:
    """The lines that must stand beside these so that the world gets the time and nothing else, and this host may ask all.

    `restrict source` goes with what classic ntpd's default gets: by its `nopeer` no server would be drawn from a pool.
    """
    known = tuple(known)
    access = Access(engine, known)
    found: list[str] = []
    if any(_WANTED - access.of(network).flags for network in WORLD):
        sourced = engine == "ntpsec" or access.sources.lines
        found += [f"restrict {one}" for one in TO_THE_WORLD[engine] if not (sourced and one.startswith("source"))]
    return (*found, *for_itself(engine, (*known, *ntpconf.directives("", "\n".join(found)))))


def for_itself(engine: Engine, known: Iterable[Directive]) -> tuple[str, ...]:
    """The lines that must stand beside these so that this host may ask all.

    None where a line for its very address forbids that: another one would add up with it, and change nothing.
    """
    access = Access(engine, known)
    deaf = (own for own in LOOPBACK if own not in access.entries and access.of(own).flags & DEAF_TO_QUERIES)
    return tuple(f"restrict {own.network_address}" for own in deaf)
