"""What an engine does not understand of a statement, or takes otherwise than it is written, by the table of the language. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Optional

from ntpjoin.checks.lint.language import Dialect, Limit, Part, Remark, Value, ValueKind, Word
from ntpjoin.checks.lint.parser import Parsed, Taken, parse, wanted
from ntpjoin.checks.lint.reading import Said, Statement
from ntpjoin.model import CheckState
from ntpjoin.systems import Engine

WARN, FAIL, UNKNOWN = CheckState.WARN, CheckState.FAIL, CheckState.UNKNOWN

_OTHER: dict[Engine, Engine] = {"classic": "ntpsec", "ntpsec": "classic"}

#: What stands for a word of the other engine, where something does.
_INSTEAD: dict[tuple[Engine, str], str] = {
    ("ntpsec", "discard"): "write `limit average 1.0 burst 20 kod 0.5` instead: packets a second",
    ("ntpsec", "mask"): "leave the family out, or write ADDRESS/LENGTH",
    ("ntpsec", "autokey"): "take it out: NTS has taken its place (`nts`)",
    ("ntpsec", "crypto"): "take it out: NTS has taken its place (`nts`)",
    ("classic", "limit"): "write `discard average 3 minimum 2` instead: seconds, the first one as a power of two",
    ("classic", "refclock"): "write `server 127.127.T.U` instead: T is the number of the driver, U that of the unit",
    ("classic", "unrestrict"): "write the line that it takes from without these flags",
}

_KINDS: dict[ValueKind, str] = {
    "integer": "a whole number",
    "unsigned": "a whole number",
    "double": "a number with a point",
    "number": "a number",
    "boolean": "0 or 1",
    "text": "a word",
    "name": "a name or an address",
    "texts": "a word",
}


def judge(statement: Statement, dialect: Dialect) -> Iterator[Said]:
    """The first thing that is not understood, and all that is understood otherwise."""
    if statement.parsed.wrong:
        yield _misunderstood(statement, dialect)
    if statement.parsed.counts:
        yield from _of_some_releases(statement, dialect)
        yield from _remarks(statement, dialect)
        for taken in statement.parsed.taken:
            yield from _outside(statement, taken, dialect)


def _misunderstood(statement: Statement, dialect: Dialect) -> Said:
    parsed, engine, release = statement.parsed, Dialect(dialect.engine), Dialect(_OTHER[dialect.engine])
    word = parsed.wrong.text if parsed.wrong else ""
    effect = "what stands before it counts" if parsed.counts and parsed.taken else "the line does not count"
    if parsed.wrong and parsed.wrong.kind == "too long":
        text = f"a word of {len(word)} characters ends the daemon, which has no room for it"
        return statement.says("config.fatal", FAIL, text, "take it out")
    if parsed.wrong and parsed.wrong.kind == "no room":
        text = f"`{word}` ends the daemon, which has no number for it"
        return statement.says("config.fatal", FAIL, text, "take it out")
    if dialect.version and _goes_on(statement, engine):
        text = f"{dialect} does not know `{word}`{_since(parse(statement.text, engine), parsed)}: {effect}"
        return statement.says("config.version", FAIL, text, "take it out, or have another release")
    if _goes_on(statement, release):
        text = f"{engine} does not know `{word}`{_behind(parsed)}, which is for {release}: {effect}"
        return statement.says("config.engine", FAIL, text, _INSTEAD.get((dialect.engine, word), "take it out"))
    possible = wanted(parsed, dialect)
    values = [_KINDS[part.kind] for part in possible if isinstance(part, Value)]
    if not word:
        text = f"{values[0] if values else 'something'} is missing behind `{parsed.words[-1]}`: {effect}"
        return statement.says("config.syntax", FAIL, text, "write it, or take the line out")
    wants = f", where {values[0]} has to stand" if values else ""
    text = f"{engine} does not understand `{word}`{_behind(parsed)}{wants}: {effect}"
    return statement.says("config.syntax", FAIL, text, _to_write(statement, word, possible))


def _to_write(statement: Statement, word: str, possible: tuple[Part, ...]) -> str:
    """What to write instead of a word that is not understood."""
    wrong = statement.parsed.wrong
    if word == "," and wrong and statement.text[wrong.end :].partition("#")[0].strip():
        return "write a blank instead"  # without either the words around it would become one
    meant = alike(word, [part.text for part in possible if isinstance(part, Word)])
    return f"write `{meant}`, if that is meant" if meant else "take it out"


def _goes_on(statement: Statement, dialect: Dialect) -> bool:
    """Whether another engine, or another release of this one, understands the word."""
    here, there = statement.parsed.wrong, parse(statement.text, dialect).wrong
    return here is not None and (there is None or there.begin > here.begin)


def _behind(parsed: Parsed) -> str:
    return f" behind `{parsed.words[-1]}`" if parsed.taken else ""


def _since(there: Parsed, here: Parsed) -> str:
    part = there.taken[len(here.taken)].part
    if not isinstance(part, Word):
        return ""
    if part.known.ended:
        return f", which has been gone since {part.known.ended}"
    return f", which came with {part.known.classic or part.known.ntpsec}"


def alike(word: str, known: Iterable[str]) -> Optional[str]:
    """The one of these words that it looks much like."""
    from difflib import get_close_matches  # noqa: PLC0415 - a file without faults needs none

    return next(iter(get_close_matches(word.lower()[:40], list(known), 1, 0.75)), None)


def _of_some_releases(statement: Statement, dialect: Dialect) -> Iterator[Said]:
    """Told where it is not known which release will read the line, of the first word for which that matters."""
    for taken in () if dialect.version else statement.parsed.taken:
        known = taken.part.known if isinstance(taken.part, Word) else None
        since = known and (known.classic if dialect.engine == "classic" else known.ntpsec)
        if known and (since or known.ended):
            which = f"from {since} on" if since else f"before {known.ended}"
            text = f"only releases of {dialect} {which} know `{taken.token.text}`"
            yield statement.says(
                "config.version", UNKNOWN, text, f"name the release: --engine {dialect.engine}-VERSION"
            )
            return


def _remarks(statement: Statement, dialect: Dialect) -> Iterator[Said]:
    """One for all words of which the same is said."""
    said: dict[Remark, list[str]] = {}
    for taken in statement.parsed.taken:
        for remark in taken.part.remarks if isinstance(taken.part, Word) else ():
            if remark.engine == dialect.engine:
                said.setdefault(remark, []).append(f"`{taken.token.text}`")
    for remark, words in said.items():
        text = f"{' and '.join(dict.fromkeys(words))}: {remark.text}"
        yield statement.says(remark.rule, remark.state, text, "take it out", lost=remark.lost)


def _outside(statement: Statement, taken: Taken, dialect: Dialect) -> Iterator[Said]:
    """A number that the engine does not take as it is."""
    for limit in taken.part.limits if isinstance(taken.part, Value) else ():
        number = _taken_for(taken)
        if limit.engine == dialect.engine and taken.token.kind != "word" and not limit.least <= number <= limit.most:
            text = f"{Dialect(dialect.engine)} does not take `{taken.of} {taken.token.text}`: {limit.then}"
            state = FAIL if limit.lost else WARN
            yield statement.says("config.value", state, text, _range(limit), lost=limit.lost)


def _taken_for(taken: Taken) -> int:
    """The number that the engine gets: where it wants none below 0, one that is goes round at 32 bits."""
    unsigned = isinstance(taken.part, Value) and taken.part.kind == "unsigned"
    return taken.token.number & 0xFFFFFFFF if unsigned else taken.token.number


def _range(limit: Limit) -> str:
    """What to write instead."""
    if limit.least < -(1 << 31):
        return f"write {limit.most} at most"
    return f"write {limit.least} or more" if limit.most >= 1 << 31 else f"write {limit.least} to {limit.most}"
