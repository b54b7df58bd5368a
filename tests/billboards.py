"""What ntpq shows of a daemon against what ntpjoin makes of its packets: for the real tests and for what they recorded."""

from __future__ import annotations

import json
import lzma
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

from ntpjoin.board import Billboard, Peer
from ntpjoin.errors import WireError
from ntpjoin.show.billboard import Row, rows
from ntpjoin.wire.board import billboard
from ntpjoin.wire.control import ControlClient
from ntpjoin.wire.mode6 import Answer, Assembly, Question

FOLDER = Path(__file__).with_name("golden") / "billboards"
ENGINES = ("classic-4.2.8p15", "ntpsec-1.2.2", "ntpsec-1.2.3")

COLUMNS = ("tally", "remote", "refid", "st", "t", "when", "poll", "reach", "delay", "offset", "jitter")
#: Where ntpq's columns of fixed width end; it cuts what is longer.
_TALLY, _REMOTE, _REFID = 1, 16, 32
_CUT = 15
#: Classic ntpq cuts numbers, too: of 10000.123 ms it shows +10000.
_NUMBER_CUT = 7
#: A round in which ntpq itself changed its mind about more than that compares nothing.
_LEAST_AGREED = 0.8

Cells = tuple[str, ...]


@dataclass(frozen=True)
class Round:
    """What `ntpq -pn` showed before and after, and in between the packets of ntpjoin's own look: questions and their answers.

    Of sources that are `garbled` ntpq was told what it cannot read; see tests/real/witness.py.
    """

    before: str
    after: str
    exchanges: tuple[tuple[bytes, tuple[bytes, ...]], ...]
    garbled: frozenset[int]

    @classmethod
    def of(cls, page: dict[str, Any]) -> Round:
        """From JSON."""
        exchanges = (
            (bytes.fromhex(question), tuple(map(bytes.fromhex, answers))) for question, answers in page["exchanges"]
        )
        return cls(page["before"], page["after"], tuple(exchanges), frozenset(page["garbled"]))

    def board(self) -> Billboard:
        """The billboard, read from these packets."""
        return billboard(Replay(self.exchanges))


def recorded(engine: str) -> list[Round]:
    """What was recorded of an engine."""
    pages = json.loads(lzma.decompress((FOLDER / f"{engine}.json.xz").read_bytes()))
    return [Round.of(page) for page in pages]


def record(engine: str, pages: list[dict[str, Any]], folder: Path) -> None:
    """The same, written."""
    folder.mkdir(parents=True, exist_ok=True)
    kept = [{key: page[key] for key in ("before", "after", "garbled", "exchanges")} for page in pages]
    (folder / f"{engine}.json.xz").write_bytes(lzma.compress(json.dumps(kept).encode(), preset=9))


class Replay(ControlClient):
    """Answers with packets that were recorded, in their order; for anything else that is asked there is none."""

    def __init__(self, exchanges: tuple[tuple[bytes, tuple[bytes, ...]], ...]) -> None:
        self._exchanges = iter(exchanges)

    def ask(self, opcode: int, associd: int = 0, data: bytes = b"") -> Answer:
        for packet, answers in self._exchanges:
            question = Question(opcode, int.from_bytes(packet[2:4], "big"), associd, data)
            assert packet == question.coded(), (
                "ntpjoin asks other questions now: record anew (tests/golden/billboards/README.md)"
            )
            assembly = Assembly(question)
            for datagram in answers:
                answer = assembly.add(datagram)
                if answer:
                    return answer
        raise WireError("nothing more was recorded")


@dataclass(frozen=True)
class Verdict:
    """How one round went: whether it compares anything, how many cells it compared, and which of them are not equal.

    `garbled` sources were left out.
    """

    comparable: bool
    cells: int = 0
    garbled: int = 0
    wrong: tuple[str, ...] = ()


def listed(page: str) -> list[Cells]:
    """The lines of `ntpq -pn`, cell by cell."""
    return [
        (line[:_TALLY], line[_TALLY:_REMOTE].strip(), line[_REMOTE:_REFID].strip(), *line[_REFID:].split())
        for line in page.splitlines()[2:]
    ]


def compare(one: Round, board: Billboard) -> Verdict:
    """Cells on which both runs of ntpq agree against ours."""
    before, after = listed(one.before), listed(one.after)
    # ntpq leaves out what is neither configured nor has ever answered: servers that a pool line has just brought.
    ours = [(peer, row) for peer, row in zip(board.peers, rows(board, ())) if peer.configured or peer.reach]
    if not len(before) == len(after) == len(ours) > 0:
        return Verdict(comparable=False)
    cells = [
        (f"{row.remote} {column}", now, of(row, column), peer, column)
        for former, latter, (peer, row) in zip(before, after, ours)
        for column, was, now in zip(COLUMNS, former, latter)
        if was == now and peer.associd not in one.garbled
    ]
    garbled = sum(peer.associd in one.garbled for peer, _ in ours)
    if len(cells) < _LEAST_AGREED * (len(ours) - garbled) * len(COLUMNS):
        return Verdict(comparable=False)
    wrong = [
        f"{name}: ntpq {theirs!r}, ntpjoin {mine!r} ({peer})"
        for name, theirs, mine, peer, column in cells
        if not same(column, theirs, mine, peer)
    ]
    return Verdict(comparable=True, cells=len(cells), garbled=garbled, wrong=tuple(wrong))


def of(row: Row, column: str) -> str:
    """The cell of a column."""
    return str(astuple(row)[COLUMNS.index(column)])


def same(column: str, theirs: str, mine: str, peer: Peer) -> bool:
    """Whether ntpq's cell and ours say the same: what it cuts cut as there, numbers to as many places as it shows and to ours."""
    if column not in ("delay", "offset", "jitter"):
        return theirs == mine[:_CUT]
    value = getattr(peer, f"{column}_ms")
    places = len(theirs.partition(".")[2])
    return any(text == theirs for text in _written(value, places)) and float(mine) == round(value, 3)


def _written(value: float, places: int) -> Iterator[str]:
    """How ntpq may write a number: classic with a sign for offsets, and cut; NTPsec with as many places as there is room for."""
    text = f"{value:.{places}f}"
    yield from (text, f"+{text}")
    if float(text) == 0:
        yield from (text.lstrip("-"), f"+{text.lstrip('-')}", f"-{text.lstrip('-')}")
    yield from (f"{value:.3f}"[:_NUMBER_CUT], f"{value:+.3f}"[:_NUMBER_CUT])
