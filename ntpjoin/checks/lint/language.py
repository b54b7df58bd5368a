"""What the table of ntp.conf's language is made of: words, values, and in which order they may stand. Pure."""

from __future__ import annotations

from typing import Literal, Optional, Union

from ntpjoin.checks.versions import version_key
from ntpjoin.model import CheckState
from ntpjoin.records import dataclass
from ntpjoin.systems import Engine


@dataclass(frozen=True)
class Dialect:
    """For whom a file is read: an engine, at a version ('': whichever)."""

    engine: Engine
    version: str = ""

    def __str__(self) -> str:
        name = "NTPsec" if self.engine == "ntpsec" else "classic ntpd"
        return f"{name} {self.version}".rstrip()


@dataclass(frozen=True)
class Known:
    """From which release on an engine knows a word: '' from the oldest that we know, None: it does not. Not from `ended` on."""

    classic: Optional[str] = None
    ntpsec: Optional[str] = None
    ended: str = ""

    def by(self, dialect: Dialect) -> bool:
        """Whether some release of the engine does, the very one where that is told."""
        since = self.classic if dialect.engine == "classic" else self.ntpsec
        if since is None:
            return False
        if not dialect.version:
            return True
        here = version_key(dialect.version)
        return here >= version_key(since) and (not self.ended or here < version_key(self.ended))


BOTH = Known("", "")
CLASSIC = Known("", None)
NTPSEC = Known(None, "")

#: `text` is a string whatever it looks like, `name` one that is neither a word nor a number; `texts` are strings to the line's end.
ValueKind = Literal["integer", "unsigned", "double", "number", "boolean", "text", "name", "texts"]


@dataclass(frozen=True)
class Limit:
    """The numbers that an engine takes. Of others it complains, and does what `then` says; `lost`: the statement does not count."""

    engine: Engine
    least: int
    most: int
    then: str
    lost: bool = False


@dataclass(frozen=True)
class Value:
    """A place for a value."""

    kind: ValueKind
    limits: tuple[Limit, ...] = ()


@dataclass(frozen=True)
class Remark:
    """What an engine makes of a word that it takes: a finding of this rule and state. `lost`: the statement does not count."""

    engine: Engine
    rule: str
    state: CheckState
    text: str
    lost: bool = False


@dataclass(frozen=True)
class Word:
    """A word of the language, and what stands behind it before anything else."""

    text: str
    known: Known = BOTH
    then: tuple[Part, ...] = ()
    remarks: tuple[Remark, ...] = ()


@dataclass(frozen=True)
class Sign:
    """A sign that stands for itself."""

    text: str


@dataclass(frozen=True)
class OneOf:
    """One of several ways to go on; with `least` 0 it may be left out, with `most` None it may come again and again."""

    ways: tuple[tuple[Part, ...], ...]
    least: int = 1
    most: Optional[int] = 1


Part = Union[Word, Value, Sign, OneOf]


def some(*words: Word, least: int = 1) -> OneOf:
    """Any of these words, so many at least."""
    return OneOf(tuple((word,) for word in words), least, None)


def words(*texts: str, known: Known = BOTH) -> tuple[Word, ...]:
    """Words with nothing behind them."""
    return tuple(Word(text, known) for text in texts)


def valued(kind: ValueKind, *texts: str, known: Known = BOTH, limits: tuple[Limit, ...] = ()) -> tuple[Word, ...]:
    """Words with the same kind of value behind them."""
    return tuple(Word(text, known, (Value(kind, limits),)) for text in texts)


def both(least: int, most: int, then: str, *, lost: bool = False) -> tuple[Limit, ...]:
    """The same limit with both engines."""
    return (Limit("classic", least, most, then, lost), Limit("ntpsec", least, most, then, lost))


def maybe(*parts: Part) -> OneOf:
    """These, or nothing."""
    return OneOf((parts,), 0, 1)
