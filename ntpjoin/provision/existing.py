"""What is on this host already: what will be replaced, what is followed beside ours, what stands in the way. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Optional, Union

from ntpjoin.board import majority
from ntpjoin.checks import smear
from ntpjoin.checks.access import DEAF_TO_CLIENTS, DEAF_TO_QUERIES, LOOPBACK, NOT_FOR_ALL, WORLD, Access
from ntpjoin.checks.hindering import disabled
from ntpjoin.checks.limiter import too_tight
from ntpjoin.checks.lines import places
from ntpjoin.checks.manners import too_much
from ntpjoin.checks.sources import Source, counted, pin_of, repeats, sources
from ntpjoin.facts import Directive, Facts
from ntpjoin.host import monitor, notrack, ntpconf
from ntpjoin.model import Blocker, Consent, Note, Pin, Resolved, Wish
from ntpjoin.provision.render import ntp_conf
from ntpjoin.systems import Row, to_type
from ntpjoin.upstreams.rules import why_not_follow


def config(facts: Facts, row: Row, pins: tuple[Pin, ...]) -> str:
    """The configuration as it shall be; a majority of all sources, the operator's own among them, must agree."""
    leapfile = facts.leapfile_valid or leapfile_comes(facts, row)
    others, memory_kb = counted(facts.directives, pins), facts.surroundings.machine.memory_kb
    return ntp_conf(row, pins, leapfile=leapfile, others=others, memory_kb=memory_kb)


def leapfile_comes(facts: Facts, row: Row) -> bool:
    """Whether one of the packages that will be installed brings the list of leap seconds."""
    return not facts.leapfile_valid and any(package.name == row.leap_package for package in facts.packages.install)


def blockers(facts: Facts, row: Row, wish: Wish, consent: Consent, pins: tuple[Pin, ...]) -> Iterator[Blocker]:
    """The operator's own configuration, as long as he does not let it go; and what would make ours void."""
    for path, file in facts.files.items():
        daily = (*monitor.FILES, facts.metrics, *facts.journal.metrics)
        wished = wish.notrack if path == notrack.FILE else path not in daily or wish.monitor
        needed = wished or path in facts.journal.written
        if file and not file.plain and needed:
            yield Blocker(
                "not-plain", f"{path} is not a plain file", f"look at it: ls -l {path}; put a file in its place"
            )
    lost = lost_lines(facts, row, pins)
    if lost is not None and not consent.replace:
        text = f"{row.config} is neither the package's nor ours; replacing it would lose{_listed(lost)}"
        yield Blocker("config", text, f"keep lines of yours in {row.include}, then add --replace")
    daemon, known = facts.daemon, (row.config, row.dhcp_config)
    if daemon and daemon.pid == facts.unit(row.unit).pid and daemon.config not in known:
        text = f"{row.unit} starts ntpd with another configuration, {daemon.config}"
        where = f"the options in {row.dhcp[-1].path}, " if row.dhcp else ""
        yield Blocker("config", text, f"take that -c out; look at: {where}{to_type('definition', row.unit)}")
    yield from _access_blockers(facts, row, pins)


def lost_lines(facts: Facts, row: Row, pins: tuple[Pin, ...]) -> Optional[tuple[str, ...]]:
    """Every line that replacing somebody's own configuration would lose; None where it is nobody's own, or whose is unknown.

    Not those that say what our file says, too, nor those that we wrote ourselves, nor a server that is pinned there.
    """
    there = facts.files.get(row.config)
    if there is None or not there.content.strip() or there.stock or there.ours or facts.journal.unseen:
        return None
    ours = {line for content in facts.journal.written.get(row.config, ()) for line in content.splitlines()}
    same = {_meaning(directive) for directive in ntpconf.directives("", config(facts, row, pins))}
    lines = there.content.decode(errors="replace").splitlines()
    told = [one for one in ntpconf.directives("", "\n".join(lines)) if _meaning(one) not in same]
    found = [lines[one.line - 1] for one in told if not _becomes_pin(one, pins)]
    return tuple(line for line in found if line not in ours)


def _meaning(directive: Directive) -> tuple[str, ...]:
    """The words; a restrict line's flags in whatever order."""
    head = directive.words[:2] if directive.words[0] == "restrict" else directive.words
    return (*head, *sorted(directive.words[len(head) :]))


def _becomes_pin(line: Directive, pins: tuple[Pin, ...]) -> bool:
    """Whether ours follows the same server, and nothing that the line asks of it beside that would be lost."""
    plain = line.words[0] == "server" and len(set(line.words) - {"-4", "-6", "iburst"}) == 2
    return plain and any(pin_of(source, pins) for source in sources((line,)))


def _listed(lost: tuple[str, ...]) -> str:
    return ":\n" + "\n".join(f"    {line}" for line in lost) if lost else " no line"


def _access_blockers(facts: Facts, row: Row, pins: tuple[Pin, ...]) -> Iterator[Blocker]:
    """Lines in the operator's files that undo what ours are for. The sum of restrict lines counts, so ours stand among them."""
    access = _access(facts, row, pins)
    wrong = [(what, line) for lines, what in _wrong(access) for line in lines if line in facts.directives]
    told = {line for _, line in wrong}
    wrong += [(what, line) for lines, what in _unheard(access, pins) if told.isdisjoint(lines) for line in lines]
    setting = smear.last_setting(facts.directives)
    if setting and smear.interval_s(setting) > 0:
        wrong.append(("leap seconds would be smeared, and clients up to a second off", setting))
    wrong += [("the clock would not be set", line) for line in disabled(facts.directives)]
    for what, line in dict.fromkeys(wrong):
        yield Blocker("include", f"{line}: {what}", f"take that line out of {line.path}")


def _access(facts: Facts, row: Row, pins: tuple[Pin, ...]) -> Access:
    ours = ntpconf.directives(row.config, config(facts, row, pins)) if facts.directives else ()
    return Access(row.engine, (*ours, *facts.directives))


def _wrong(access: Access) -> Iterator[tuple[tuple[Directive, ...], str]]:
    """Lines that must not be, and what they would do."""
    loopback = access.of(LOOPBACK[0])
    if loopback.flags & DEAF_TO_QUERIES:
        yield loopback.lines, "ntpjoin could not ask the daemon of itself"
    for network in WORLD:
        entry = access.of(network)
        if not entry.flags & DEAF_TO_QUERIES:
            yield entry.lines, "anybody could ask management queries"
        deaf = entry.giving(DEAF_TO_CLIENTS)
        partly = tuple(line for line in entry.giving(NOT_FOR_ALL) if line not in deaf)
        yield deaf, "clients would get no answer"
        yield partly, "clients would not get every answer"
    yield access.sources.giving(DEAF_TO_CLIENTS), "the answers of upstreams would be refused"


def _unheard(access: Access, pins: tuple[Pin, ...]) -> Iterator[tuple[tuple[Directive, ...], str]]:
    """Lines by which what pinned upstreams answer would be thrown away, and whom they are about."""
    deaf: dict[tuple[Directive, ...], list[str]] = {}
    for pin in pins:
        entry = access.of_source(ipaddress.ip_network(pin.address.partition("%")[0]))
        deaf.setdefault(entry.giving(DEAF_TO_CLIENTS), []).append(pin.name)
    for lines, names in deaf.items():
        yield lines, f"the answers of {', '.join(names)} would be refused"


def notes(facts: Facts, row: Row, consent: Consent, pins: tuple[Pin, ...]) -> Iterator[Note]:
    """What goes, whom it serves, and what the operator's files add."""
    lost = lost_lines(facts, row, pins)
    if lost is not None and consent.replace:
        yield Note(f"{row.config} is your own; it will be replaced, which loses{_listed(lost)}", warning=True)
    if facts.former_config:
        yield Note(f"{row.former_config} is there, from a former ntp; it is not read, and left as it is")
    again = repeats(facts.directives, pins)
    for source in sources(facts.directives):
        yield _source_note(source, again.get(source))
    own = counted(facts.directives, pins)
    if own:
        yield Note(f"with your own there are {own + len(pins)} sources; {majority(own + len(pins))} must agree")
    yield from _line_notes(facts, row, pins)
    for setter in facts.setters:
        yield Note(f"{setter.what} ({setter.where}) sets this clock, too: {setter.remedy}", warning=True)


def _source_note(source: Source, former: Union[Pin, Source, None]) -> Note:
    """What it is; `former` is by what it is followed already."""
    line = f"{source.directive}"
    if source.kind == "local":
        return Note(f"{line}: this host's own clock; the pool asks not to use it, and it is not counted", warning=True)
    why = why_not_follow(Resolved(source.name)) if source.kind in ("server", "pool") else ""
    if why:
        return Note(f"{line}: {why}", warning=True)
    if former:
        by = f"{former.name} of ours" if isinstance(former, Pin) else places((former.directive,), "of")
        return Note(f"{line}: followed already, by {by}, and not counted again; the line may go")
    if not source.counts:
        what = "servers drawn from it are followed, too" if source.kind == "pool" else "is watched only"
        return Note(f"{line}: {what}, and not counted")
    return Note(f"{line}: {'a reference clock' if source.kind == 'refclock' else 'a server'} of yours, followed, too")


def _line_notes(facts: Facts, row: Row, pins: tuple[Pin, ...]) -> Iterator[Note]:
    """Lines that change what ours mean."""
    for line in facts.directives:
        if line.words[0] == "tos":
            yield Note(f"{line}: counts instead of what ours says", warning=True)
    for one in too_much(facts.directives, pins):
        yield Note(f"{one.line}: {one.what}; {one.mends} it", warning=True)
    access = _access(facts, row, pins)
    if any("limited" in access.of(network).flags for network in WORLD):
        for line in too_tight(row.engine, facts.directives):
            yield Note(f"{line}: the limiter would refuse the pool's monitors", warning=True)
    for network, entry in access.entries.items():
        if network not in (*WORLD, *LOOPBACK) and not entry.flags & DEAF_TO_QUERIES:
            yield from (Note(f"{line}: management queries are answered there") for line in entry.lines)


def serving_notes(facts: Facts, row: Row, *, interrupts: bool) -> Iterator[Note]:
    """Whose clients get no time meanwhile, and about for how long."""
    until = "they get no time until ntpd is synchronised: half a minute, longer where packages are slow to come"
    for program, clients in facts.rival_clients.items():
        if clients:
            yield Note(f"{program} serves about {clients} clients; {until}", warning=True)
    daemon = facts.daemon
    if interrupts and daemon and daemon.pid == facts.unit(row.unit).pid and daemon.board.clients:
        text = f"ntpd serves about {daemon.board.clients} clients; they get no time until it is synchronised again: half a minute"
        yield Note(text, warning=True)
