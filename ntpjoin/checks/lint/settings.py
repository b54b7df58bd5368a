"""What several statements come to together: settings that are made twice, or that do not go with each other. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Optional

from ntpjoin.checks.lint.language import Dialect
from ntpjoin.checks.lint.numbers import whole
from ntpjoin.checks.restrict import Rules
from ntpjoin.facts import Directive
from ntpjoin.model import Check, CheckState
from ntpjoin.systems import Row

WARN, FAIL = CheckState.WARN, CheckState.FAIL

Lines = tuple[Directive, ...]

#: Of these the last one counts, and of the options of those below, each of which has a value.
_SINGLE = frozenset(
    {
        *("automax", "broadcastdelay", "controlkey", "driftfile", "dscp", "ident", "keys", "keysdir", "leapfile"),
        *(
            "leapsmearinterval",
            "logfile",
            "mdnstries",
            "nonvolatile",
            "ntpsigndsocket",
            "pidfile",
            "requestkey",
            "revoke",
        ),
        *("saveconfigdir", "statsdir"),
    }
)
_OPTIONS = frozenset({"discard", "limit", "mru", "rlimit", "tinker", "tos"})


def overridden(lines: Lines, dialect: Dialect) -> Iterator[Check]:
    """One check for each setting that a later line, or `disable`, makes void."""
    last: dict[str, tuple[str, Directive]] = {}
    for line in lines:
        for name, value in _set(line, dialect):
            former = last.get(name)
            if former and former[0] != value:
                text = f"`{f'{name} {former[0]}'.strip()}` does not count, for a later line says `{value}`"
                yield _void(text, former[1], line)
            last[name] = value, line
    switched = {
        word: {flag: line for line in lines if line.words[0] == word for flag in line.words[1:]}
        for word in ("enable", "disable")
    }
    for flag, line in switched["enable"].items():
        if flag in switched["disable"]:
            text = f"`enable {flag}` does not count, for `disable` does, wherever it stands"
            yield _void(text, line, switched["disable"][flag])


def _set(line: Directive, dialect: Dialect) -> Iterator[tuple[str, str]]:
    word, *rest = line.words
    if word in _SINGLE or (word == "trustedkey" and dialect.engine == "classic"):
        yield word, " ".join(rest)
    elif word in _OPTIONS:
        yield from ((f"{word} {name}", value) for name, value in zip(rest[::2], rest[1::2]))


def _void(text: str, line: Directive, other: Directive) -> Check:
    remedy = (
        f"take it out of line {line.line} of {line.path}, or the other one out of line {other.line} of {other.path}"
    )
    return Check("config.overridden", WARN, f"{text}: {line}; {other}", remedy, lines=(line, other))


def together(rules: Rules, dialect: Dialect, row: Optional[Row]) -> Iterator[Check]:
    """Settings that want others beside them, or none."""
    yield from _clocks(rules.lines, dialect)
    yield from _monitor(rules)
    yield from _keys(rules.lines, dialect)
    yield from _of_the_package(rules.lines, row)


#: Whom classic ntpd wants in this order, and what it does without a line (ntp_proto.c; ntp_config.c, bug 2896).
_ORDER = {"minsane": 1, "minclock": 3, "maxclock": 10}


def _clocks(lines: Lines, dialect: Dialect) -> Iterator[Check]:
    """Classic ntpd wants minsane < minclock <= maxclock, and says that else it will not operate properly."""
    values, setters = dict(_ORDER), {}
    for line in lines if dialect.engine == "classic" else ():
        if line.words[0] == "tos":
            for name, value in zip(line.words[1::2], line.words[2::2]):
                if name in values:
                    values[name], setters[name] = max(whole(value), int(name != "minsane")), line
    if not values["minsane"] < values["minclock"] <= values["maxclock"]:
        told = ", ".join(f"{name} {value}" for name, value in values.items())
        blamed = tuple(dict.fromkeys(setters.values()))
        text = f"`tos` has to have minsane < minclock <= maxclock, and comes to {told}: {_listed(blamed)}"
        remedy = f"write `tos minclock {values['minsane'] + 1}` or more, and maxclock no less"
        yield Check("config.value", FAIL, text, remedy, lines=blamed)


def _monitor(rules: Rules) -> Iterator[Check]:
    """Who limits has to remember who asks, so that cannot be switched off."""
    access = rules.access
    limits = [
        *(entry.flags for entry in (*access.entries.values(), access.sources)),
        *(line.words for line in access.named),
    ]
    for line in rules.lines:
        if line.words[0] == "disable" and "monitor" in line.words and any("limited" in flags for flags in limits):
            text = f"`disable monitor`: without effect while anybody is `limited`, and complained of: {line}"
            yield Check("config.ignored", WARN, text, "take it out", lines=(line,))


def _keys(lines: Lines, dialect: Dialect) -> Iterator[Check]:
    """Keys that are used, and lie in no file, as far as the lines tell."""
    there = {line.words[0] for line in lines}
    for line in lines:
        if line.words[0] not in ("server", "pool", "peer", "broadcast", "manycastclient"):
            continue
        if "autokey" in line.words and "crypto" not in there:
            text = f"`autokey` without `crypto`: nobody is asked: {line}"
            yield Check("config.keys", FAIL, text, "take `autokey` out", lines=(line,))
        key = next((value for word, value in zip(line.words, line.words[1:]) if word == "key"), "0")
        if dialect.engine == "ntpsec" and "keys" not in there and key != "0":
            text = f"key {key} is in no file, for there is no `keys` line: nobody is asked: {line}"
            yield Check("config.keys", FAIL, text, "name the file: keys FILE", lines=(line,))


def _of_the_package(lines: Lines, row: Optional[Row]) -> Iterator[Check]:
    """Lines that the package's own start script wants, all of them or none: SUSE's ends without `controlkey`."""
    wanted = {line.split()[0] for line in (row.lines if row else ())}
    there = {line.words[0] for line in lines}
    missing = wanted - there
    if row and "keys" in there & wanted and missing & {"controlkey"}:
        [keys] = [line for line in lines if line.words[0] == "keys"][-1:]
        text = f"`keys` without `controlkey`: {row.unit} does not start: {keys}"
        yield Check("config.keys", FAIL, text, f"write these lines: {'; '.join(row.lines)}", lines=(keys,))


def _listed(lines: Lines) -> str:
    return "; ".join(map(str, lines))
