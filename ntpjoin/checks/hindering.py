"""Lines by which the daemon cannot be synchronised, whatever its sources tell: which of them is to blame for what is seen. Pure.

ntp.conf(5) of both engines: `tos minsane`, `disable ntp`, `tinker step`, and the flags of `restrict` lines, which hold for what a
source answers, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Optional

from ntpjoin.board import Billboard
from ntpjoin.checks.restrict import Culprits, Rules
from ntpjoin.facts import Directive


def too_many(board: Billboard, rules: Optional[Rules]) -> Culprits:
    """The line by which more sources must agree than there are; not ours, which then has lost sources."""
    if rules is None or board.needed <= len(board.voices):
        return ()
    return tuple(line for line in _last(rules.lines, ("tos",), "minsane") if line.path != rules.ours)


def unheard(board: Billboard, rules: Optional[Rules]) -> Culprits:
    """The lines by which what the sources answer is thrown away; none where one of them was heard."""
    if rules is None or board.replying or not board.sources:
        return ()
    deaf = [rules.why_unheard(peer.address) for peer in board.sources if not peer.is_clock]
    return tuple(dict.fromkeys(line for lines in deaf for line in lines)) if deaf and all(deaf) else ()


def disabled(lines: Iterable[Directive]) -> Culprits:
    """The line by which the daemon follows its sources and leaves the clock alone."""
    return tuple(line for line in _last(lines, ("enable", "disable"), "ntp") if line.words[0] == "disable")


def not_stepped(off_s: float, rules: Optional[Rules]) -> Culprits:
    """The line by which a clock that is off by so much is not stepped: 0 stands for never."""
    stepped = _last(rules.lines if rules else (), ("tinker",), "step")
    limits_s = [_number(line.words, "step") for line in stepped]
    return stepped if any(limit_s == 0 or limit_s > off_s for limit_s in limits_s) else ()


def _last(lines: Iterable[Directive], directives: tuple[str, ...], word: str) -> Culprits:
    """The line that counts: of several the last."""
    found = [line for line in lines if line.words[0] in directives and word in line.words[1:]]
    return tuple(found[-1:])


def _number(words: Sequence[str], key: str) -> float:
    """What stands behind a word; -1, as which nothing counts, where that is no number."""
    try:
        return float(words[words.index(key) + 1])
    except (IndexError, ValueError):
        return -1.0
