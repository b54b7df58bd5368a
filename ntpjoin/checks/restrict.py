"""What strangers may ask, by the lines that the daemon has read: the live tests prove, the lines explain. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Callable, Optional

from ntpjoin.checks import lines as reading
from ntpjoin.checks.access import (
    DEAF_TO_CLIENTS,
    DEAF_TO_QUERIES,
    LOOPBACK,
    NOT_FOR_ALL,
    TO_THE_WORLD,
    WORLD,
    Access,
    Entry,
    Network,
)
from ntpjoin.checks.addresses import is_private
from ntpjoin.checks.advice import Advice, OwnFile
from ntpjoin.checks.limiter import too_tight
from ntpjoin.checks.sources import sources
from ntpjoin.facts import Directive, Facts
from ntpjoin.model import FAMILIES, Check, CheckState, Family
from ntpjoin.records import dataclass
from ntpjoin.systems import Engine, Row
from ntpjoin.upstreams.rules import of_pool

OK, WARN, FAIL = CheckState.OK, CheckState.WARN, CheckState.FAIL

#: The lines that are to blame for something; empty where it is that there are none.
Culprits = tuple[Directive, ...]


@dataclass(frozen=True)
class Rules:
    """The lines that a daemon has read, or will read, and what they come to.

    `addresses` are its host's own, as far as they are known, `ours` the file that was written by us, '' where there is none.
    """

    engine: Engine
    lines: tuple[Directive, ...]
    access: Access
    addresses: tuple[str, ...]
    advice: Advice
    ours: str = ""

    def of(self, address: str) -> Entry:
        """What counts for one address."""
        return self.access.of(_network(address))

    def for_itself(self, address: str) -> bool:
        """Whether this address of the host may ask what strangers may not."""
        world = self.access.of(WORLD[1 if ":" in address else 0])
        return bool(world.flags & DEAF_TO_QUERIES) and not self.of(address).flags & DEAF_TO_QUERIES

    def why_open(self, address: str) -> Optional[Culprits]:
        """Why an address may ask management queries; None where the lines forbid it."""
        return _open(self.of(address))

    def why_deaf(self, address: str) -> Culprits:
        """The lines by which a client at an address gets no answer."""
        return self.of(address).giving(DEAF_TO_CLIENTS)

    def why_unheard(self, source: str) -> Culprits:
        """The lines by which what a source answers is thrown away; none where it has no address."""
        try:
            return self.access.of_source(_network(source)).giving(DEAF_TO_CLIENTS)
        except ValueError:
            return ()

    def why_named_unheard(self, name: str) -> Culprits:
        """The lines by which what a source answers is thrown away, whatever address its name leads to."""
        return self.access.of_named(name).giving(DEAF_TO_CLIENTS)

    def too_tight(self) -> Culprits:
        """The lines by which the limiter would refuse the pool's own monitors; none where it is not on."""
        limits = any("limited" in self.access.of(world).flags for world in WORLD)
        return too_tight(self.engine, self.lines) if limits else ()


def _network(address: str) -> Network:
    return ipaddress.ip_network(address.partition("%")[0])


def rules_of(facts: Facts, row: Row) -> Optional[Rules]:
    """None where the lines that the daemon has read are not known."""
    known = reading.read_lines(facts, row)
    if known is None:
        return None
    return Rules(row.engine, known, Access(row.engine, known), facts.addresses, OwnFile(facts, row), row.config)


@dataclass(frozen=True)
class Eased:
    """Flags that do what is missing, too: with one of them it is but a warning, in these words."""

    flags: frozenset[str]
    wrong: str


@dataclass(frozen=True)
class Question:
    """One thing that the default must be: the check where it is, the state and the words where not.

    `why` says why an entry is not so: the culprits; None where it is.
    """

    fine: Check
    state: CheckState
    wrong: str
    why: Callable[[Entry], Optional[Culprits]]
    eased: Eased = Eased(frozenset(), "")


def _unserved(entry: Entry) -> Optional[Culprits]:
    return entry.giving(NOT_FOR_ALL) or None


def _open(entry: Entry) -> Optional[Culprits]:
    return None if entry.flags & DEAF_TO_QUERIES else entry.lacking("noquery")


def _modifiable(entry: Entry) -> Optional[Culprits]:
    return None if entry.flags & {"nomodify", "ignore"} else entry.lacking("nomodify")


def _unlimited(entry: Entry) -> Optional[Culprits]:
    missing = [] if "ignore" in entry.flags else [flag for flag in ("limited", "kod") if flag not in entry.flags]
    return entry.lacking(missing[0]) if missing else None


QUESTIONS = (
    Question(
        Check("access.serve", OK, "no line keeps an answer from clients"),
        FAIL,
        "clients get no answer, or not all",
        _unserved,
    ),
    Question(
        Check("access.noquery", OK, "strangers may not ask management queries"),
        FAIL,
        "strangers may ask management queries",
        _open,
    ),
    Question(
        Check("access.nomodify", OK, "strangers may change no setting"),
        FAIL,
        "nothing keeps strangers from changing settings",
        _modifiable,
        # What would change one is a management query: modes 6 and 7 (ntp_proto.c of both engines).
        Eased(
            frozenset({"noquery"}),
            "`nomodify` is missing in the default; only `noquery` keeps strangers from changing settings",
        ),
    ),
    Question(
        Check("access.limited", OK, "who asks too often is limited, and told so"),
        WARN,
        "the limiter wants both `limited` and `kod`",
        _unlimited,
    ),
)


def restrictions(
    rules: Rules, shown: Iterable[Culprits], questions: tuple[Question, ...] = QUESTIONS
) -> Iterator[Check]:
    """What the default of each family must be, and what else is given to whom.

    `shown` has what live tests have failed for. What has the same culprits is one fault, and told once: they go together.
    """
    told = set(shown)
    for question in questions:
        whys = {family: question.why(rules.access.of(world)) for family, world in zip(FAMILIES, WORLD)}
        wrong = {family: why for family, why in whys.items() if why is not None}
        found = list(_wrong(question, wrong, told, rules))
        extra = list(_service(rules, told)) if question.why is _unserved else []
        yield from found
        if not wrong and not extra:
            yield question.fine
        yield from extra
    yield from _opened(rules)


def _wrong(question: Question, wrong: dict[Family, Culprits], told: set[Culprits], rules: Rules) -> Iterator[Check]:
    """One check of what is not `told` yet; another one where a family is better off, and that has other culprits."""
    entries = {family: rules.access.of(world) for family, world in zip(FAMILIES, WORLD)}
    better = {family for family in wrong if entries[family].flags & question.eased.flags}
    for state, what, families in (
        (question.state, question.wrong, wrong.keys() - better),
        (WARN, question.eased.wrong, better),
    ):
        fresh = {family: why for family, why in wrong.items() if family in families and why not in told}
        told |= set(fresh.values())
        if fresh:
            culprits = tuple(line for why in fresh.values() for line in why)
            lines = "; ".join(dict.fromkeys(map(str, culprits))) or "no `restrict default` says otherwise"
            text = f"{what}, over {' and '.join(fresh)}: {lines}"
            advice = rules.advice.without if question.why is _unserved else rules.advice.restored
            told_of = tuple(dict.fromkeys(culprits))
            yield replace(question.fine, state=state, text=text, remedy=advice(culprits), lines=told_of)


def _service(rules: Rules, told: set[Culprits]) -> Iterator[Check]:
    """What else keeps answers from clients: a limiter that is too tight, and servers that are never found."""
    tight = rules.too_tight()
    if tight and tight not in told:
        text = f"the limiter would refuse the pool's monitors, who send three packets 2 s apart: {_listed(tight)}"
        yield Check("access.serve", WARN, text, rules.advice.without(tight), lines=tight)
    nopeer = [line for world in WORLD for line in rules.access.of(world).giving(frozenset({"nopeer"}))]
    pools = [one for one in sources(rules.lines) if one.kind == "pool" and not of_pool(one.name)]
    if rules.engine == "classic" and nopeer and pools and not rules.access.sources.lines:
        lines = tuple(one.directive for one in pools)
        why = "`nopeer` counts for it, too, without a `restrict source`"
        text = f"no server is ever drawn from {pools[0].name}: {why}: {_listed(lines)}"
        excepted = next(one for one in TO_THE_WORLD[rules.engine] if one.startswith("source"))
        remedy = rules.advice.edited(f"write `restrict {excepted}` above", lines[0])
        yield Check("access.serve", WARN, text, remedy, lines=lines)


def _opened(rules: Rules) -> Iterator[Check]:
    """Lines that give others than this host and its own network the right to query, or to change settings; or that do not tell whom.

    A private network that may query, but not modify, was chosen on purpose.
    """
    own = {ipaddress.ip_network(address.partition("%")[0]) for address in rules.addresses}
    for network, entry in rules.access.entries.items():
        here = network in (*WORLD, *LOOPBACK) or network.is_loopback or network in own
        chosen = is_private(network) and "nomodify" in entry.flags
        if not here and not chosen and not entry.flags & DEAF_TO_QUERIES:
            yield _opening(str(network), entry, rules)
    for line, why in rules.access.odd:
        remedy = rules.advice.edited("write ADDRESS mask MASK, with the mask of a network, into", line)
        yield Check("access.open", WARN, f"{why}: {line}", remedy, lines=(line,))
    for line in rules.access.named:
        entry = Entry(frozenset(line.words[2:]), (line,))
        if not entry.flags & DEAF_TO_QUERIES:
            yield _opening(line.words[-1] if len(line.words) == 2 else line.words[1], entry, rules)
    sources_may = rules.access.for_sources
    if sources_may and not sources_may.flags & DEAF_TO_QUERIES:
        yield _opening("the upstreams", sources_may, rules)


def _opening(whom: str, entry: Entry, rules: Rules) -> Check:
    """A line without flags takes every restriction away: many think that it forbids."""
    may = "ask management queries" + ("" if "nomodify" in entry.flags else ", and change settings with a key")
    bare = any(line.words[0] == "restrict" and not _flags(line) for line in entry.lines)
    why = "; a line without flags allows everything" if bare and not entry.flags else ""
    text = f"{whom} may {may}: {_listed(entry.lines)}{why}"
    took = [line for line in entry.lacking("noquery") if line.words[0] != "restrict"]
    remedy = rules.advice.without(took) if took else rules.advice.forbidding(entry.lines)
    return Check("access.open", WARN, text, remedy, lines=entry.lines)


def _flags(line: Directive) -> tuple[str, ...]:
    words = tuple(word for word in line.words[1:] if word not in ("-4", "-6"))
    return words[3:] if words[1:2] == ("mask",) else words[1:]


def _listed(lines: Iterable[Directive]) -> str:
    return "; ".join(map(str, lines))
