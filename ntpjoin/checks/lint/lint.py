"""A configuration, judged for an engine: its language first, then the pool's rules for what the daemon makes of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Optional

from ntpjoin.checks import hindering, leap, smear
from ntpjoin.checks.access import TO_THE_WORLD, Access
from ntpjoin.checks.advice import for_itself
from ntpjoin.checks.lines import places
from ntpjoin.checks.lint import meaning, pool, settings, understanding
from ntpjoin.checks.lint.language import Dialect
from ntpjoin.checks.lint.listening import Place, listens
from ntpjoin.checks.lint.reading import Reading, read
from ntpjoin.checks.restrict import Rules
from ntpjoin.facts import Directive
from ntpjoin.host import ntpconf
from ntpjoin.look.texts import Texts
from ntpjoin.model import Check, CheckState
from ntpjoin.records import dataclass
from ntpjoin.surroundings import Leapfile
from ntpjoin.systems import Engine, Row
from ntpjoin.upstreams.addresses import special_range

OK, WARN, FAIL = CheckState.OK, CheckState.WARN, CheckState.FAIL


@dataclass(frozen=True)
class Here:
    """The host whose daemon is to read the configuration, where that is this one: its row, and what of it the lines are about.

    `places` are its own addresses, `leapfiles` the files that lines name; by '' the system's own.
    """

    row: Row
    places: tuple[Place, ...]
    leapfiles: Mapping[str, Leapfile]

    @property
    def addresses(self) -> tuple[str, ...]:
        """Its own addresses."""
        return tuple(address for _, address in self.places)

    @property
    def public(self) -> tuple[Place, ...]:
        """Those that strangers can ask."""
        return tuple(place for place in self.places if special_range(place[1]) is None)


@dataclass(frozen=True)
class AnyFile:
    """What to write in a file that nobody writes anew."""

    engine: Engine
    lines: tuple[Directive, ...]

    def without(self, culprits: Iterable[Directive], /) -> str:
        """Each file with its lines."""
        places = (f"line {line.line} of {line.path}" for line in dict.fromkeys(culprits))
        return f"take {' and '.join(places)} out"

    def restored(self, culprits: Iterable[Directive], /) -> str:
        """What took a flag away goes; where nothing did, a line for the whole world is missing, or lacks it.

        With it, what it would take from this host.
        """
        taken = [line for line in culprits if line.words[0] != "restrict"]
        whole = [f"restrict {line}" for line in TO_THE_WORLD[self.engine] if "default" in line]
        own = for_itself(self.engine, (*self.lines, *ntpconf.directives("", "\n".join(whole))))
        return self.without(taken) if taken else f"write: {'; '.join((*whole, *own))}"

    def edited(self, what: str, /, *culprits: Directive) -> str:
        """The sentence, with its end."""
        return f"{what} {places(culprits, 'of')}"

    def forbidding(self, culprits: Iterable[Directive], /) -> str:
        """Taken out, or with the flag behind it."""
        return f"{self.without(culprits)}, or write `noquery` behind it"


def lint(texts: Texts, dialect: Dialect, here: Optional[Here] = None) -> tuple[Check, ...]:
    """All that is to be said of it, in the order of the lines; what is about no line comes last."""
    reading = read(texts, dialect, here=here is not None)
    found, lines = _statements(reading, dialect)
    rules = Rules(
        dialect.engine,
        lines,
        Access(dialect.engine, lines),
        here.addresses if here else (),
        AnyFile(dialect.engine, lines),
    )
    found += settings.overridden(lines, dialect)
    found += settings.together(rules, dialect, here.row if here else None)
    found += listens(lines, here.public if here else ())
    found += pool.followed(rules, dialect)
    found += pool.served(rules)
    found += [*_undisciplined(rules), *_smears(lines), *_leapfile(lines, here)]
    order = {path: number for number, path in enumerate(dict.fromkeys(one.written.path for one in reading.statements))}
    return tuple(sorted(found, key=lambda check: _place(check, order)))


def _statements(reading: Reading, dialect: Dialect) -> tuple[list[Check], tuple[Directive, ...]]:
    """What is to be said of each line, and the lines of which the daemon takes something, as far as it does."""
    found, lines = list(reading.checks), []
    for statement in reading.statements:
        said = [*understanding.judge(statement, dialect), *meaning.judge(statement, dialect)]
        found += [one.check for one in said]
        if statement.parsed.taken and statement.parsed.counts and not any(one.lost for one in said):
            lines.append(statement.understood)
    return found, tuple(lines)


def _place(check: Check, order: dict[str, int]) -> tuple[int, int]:
    first = next(iter(check.lines), None)
    return (order.get(first.path, len(order)), first.line) if first else (len(order) + 1, 0)


def _undisciplined(rules: Rules) -> Iterator[Check]:
    for line in hindering.disabled(rules.lines):
        remedy = rules.advice.edited("take `ntp` out of", line)
        yield Check("sync.offset", FAIL, f"ntpd will not set the clock: {line}", remedy, lines=(line,))


def _smears(lines: tuple[Directive, ...]) -> Iterator[Check]:
    setting = smear.last_setting(lines)
    if setting and smear.interval_s(setting) > 0:
        check = smear.smearing(f": {setting}", f"take line {setting.line} of {setting.path} out")
        yield replace(check, lines=(setting,))


def _leapfile(lines: tuple[Directive, ...], here: Optional[Here]) -> Iterator[Check]:
    """Whether the file is good can be told on the host alone where it lies."""
    named = [line for line in lines if line.words[0] == "leapfile"]
    if here is None:
        if not named:
            text = "no line names a list of leap seconds: ntpd only knows them from its upstreams"
            yield Check(
                "leapfile",
                WARN,
                text,
                "write: leapfile /usr/share/zoneinfo/leap-seconds.list, where there is such a file",
            )
        return
    file = here.leapfiles[named[-1].words[1] if named else ""]
    check = leap.named(file, here.row, None) if named else leap.unnamed(file, f"write: leapfile {file.path}")
    if check.state is not OK:
        yield replace(check, text="; ".join([check.text, *map(str, named[-1:])]), lines=tuple(named[-1:]))
