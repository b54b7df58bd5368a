"""Configurations whose every line is one to the engines' grammars, with values as odd as their scanners let pass. For the fuzzing."""

from __future__ import annotations

from hypothesis import strategies as st

from ntpjoin.checks.lint.language import Dialect, OneOf, Part, Sign, Word
from ntpjoin.checks.lint.lint import lint
from ntpjoin.checks.lint.table import DIRECTIVES
from ntpjoin.look.texts import Texts

DIALECTS = (Dialect("classic"), Dialect("ntpsec"), Dialect("classic", "4.2.8p15"), Dialect("ntpsec", "1.2.3"))

INTEGERS = ("-", "0", "3", "-3", "007", "4294967297", "9" * 30, f"-{'9' * 30}", "0x", "0xfF")
DOUBLES = ("1e", "1e400", "-1e400", "+.5e-", "1.", "1e-400", "5g", "5gG", "1egg", "0.5e99g")
TEXTS = (
    *("a", "=", "+all", "2020-01-01", "9" * 30, "²", "minsane", "maxclock", "key", "mask", "iburst", "%", "[]", "[::]:4460"),
    *("192.0.2.1", "192.0.2.1:4460", "127.127.1.0", "127.127.8.1%x", "127.127.256.0", "10.0.0.0/8", "10.0.0.0/255.0.255.0", "0x7f.1"),
    *("2001:db8::1", "fe80::1%eth0", "::/129", "255.0.255.0", "0.0.0.255", "ffff::ff", "time.google.com", "localhost"),
)  # fmt: skip
_VALUES = st.sampled_from((*INTEGERS, *DOUBLES, *TEXTS))
#: What is reckoned with comes oftener.
_RECKONED = ("discard", "limit", "pollskewlist", "server", "tos")
_WORDS = st.one_of(st.sampled_from(_RECKONED), st.sampled_from(tuple(DIRECTIVES)))


@st.composite
def sentences(draw: st.DrawFn) -> str:
    """A few lines; now and then a value is none of the kind that has to stand there."""
    words = draw(st.lists(_WORDS, min_size=1, max_size=6))
    return "".join(f"{word} {' '.join(_behind(draw, DIRECTIVES[word].then))}\n" for word in words)


def _behind(draw: st.DrawFn, parts: tuple[Part, ...]) -> list[str]:
    found: list[str] = []
    for part in parts:
        if isinstance(part, Word):
            found += [part.text, *_behind(draw, part.then)]
        elif isinstance(part, Sign):
            found.append(part.text)
        elif isinstance(part, OneOf):
            for _ in range(draw(st.integers(part.least, part.most or 4))):
                found += _behind(draw, draw(st.sampled_from(part.ways)))
        elif part.kind in ("text", "name", "texts"):
            found.append(draw(st.one_of(st.sampled_from(TEXTS), _VALUES)))
        else:
            kind = DOUBLES if part.kind == "double" else (*INTEGERS, *(DOUBLES if part.kind == "number" else ()))
            found.append(draw(st.one_of(st.sampled_from(kind), st.sampled_from(kind), _VALUES)))
    return found


def judges(text: str) -> None:
    """For each engine, and for a release of it."""
    for dialect in DIALECTS:
        lint(Texts("/etc/ntp.conf", {"/etc/ntp.conf": text}, {}), dialect)
