"""Hypothesis strategies that spoil what is good: bytes of packets, lines, words and characters of text, nodes of JSON.

In `make check` every run draws the same few examples; `make campaign` draws others, for ten minutes.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Sequence
from typing import Any, Callable

from hypothesis import strategies as st

from tests.printed import Printed

#: What means something to one reader or another, and what is simply too much.
_WORDS = (
    *(
        "",
        " ",
        "  ",
        "\t",
        "\n",
        "\n\n",
        "\r",
        "\0",
        ",",
        ":",
        ";",
        "=",
        ".",
        "-",
        "--",
        "!",
        "*",
        "#",
        "/",
        "\\",
        "%",
        "|",
        "&",
    ),
    *(
        "<",
        ">",
        '"',
        "'",
        "(",
        ")",
        "[",
        "]",
        "{",
        "}",
        "()",
        "(v6)",
        " on ",
        "<a>",
        "</a>",
        "&a;",
        "]]>",
        "\x1b[31m",
        "\x7f",
        "\x85",
    ),
    *(
        "\u2028",
        "é",
        "²",
        "٣",
        "0",
        "-1",
        "+1",
        "1_0",
        "65536",
        "99999999999999999999999",
        "0x",
        "nan",
        "inf",
        "1e999",
        "true",
        "null",
    ),
    *(
        "1:2:3",
        "1-2-3",
        "COMMIT",
        "*filter",
        ":INPUT",
        "-A",
        "-j",
        "-m",
        "IN",
        "ALLOW",
        "Status: active",
        "rule",
        "accept",
        "Name :",
    ),
)
_TOO_MUCH = (
    *(character * 5000 for character in ("9", "x", " ")),
    *(opening * 2000 for opening in ("(", "[", "{", '{"a":', "<a>", "a\n")),
    '"' * 2001,
)
JUNK = st.one_of(st.sampled_from(_WORDS), st.sampled_from(_WORDS), st.text(max_size=20), st.sampled_from(_TOO_MUCH))

_NODES: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.sampled_from(_WORDS),
    st.sampled_from(["accept", "jump", "mark", "@set", "input", "ip6", "udp", "dport", "concat", "range", "prefix"]),
    st.lists(st.integers(0, 3), max_size=3),
    st.dictionaries(
        st.sampled_from(["set", "range", "key", "val", "elem", "target", "concat", "jump"]),
        st.integers(0, 9),
        max_size=2,
    ),
)


@st.composite
def spoiled_text(draw: st.DrawFn, seeds: Sequence[str]) -> str:
    """Something that was printed, with a few lines, words or characters changed."""
    text = draw(st.sampled_from(seeds))
    for _ in range(draw(st.integers(1, 4))):
        cut: Callable[[str], list[str]] = draw(st.sampled_from((_lines, _words, _letters)))
        parts = cut(text)
        at, to = sorted((draw(st.integers(0, len(parts))), draw(st.integers(0, len(parts)))))
        former, some, latter = parts[:at], parts[at:to], parts[to:]
        how = draw(st.sampled_from(("replace", "insert", "drop", "repeat", "reverse", "move")))
        if how in ("replace", "insert"):
            former, some = [*former, draw(JUNK)], some[1:] if how == "replace" else some
        elif how == "move":
            former, latter = [*latter, *former], []
        else:
            some = {"drop": [], "reverse": some[::-1], "repeat": some * draw(st.sampled_from((2, 3, 30)))}[how]
        text = "".join([*former, *some, *latter])[:60_000]
    return text


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def _letters(text: str) -> list[str]:
    return list(text)


def _words(text: str) -> list[str]:
    words: list[str] = []
    for character in text:
        if words and character.isalnum() == words[-1][-1].isalnum():
            words[-1] += character
        else:
            words.append(character)
    return words


@st.composite
def spoiled_json(draw: st.DrawFn, seeds: Sequence[str]) -> str:
    """JSON that was printed, with a few nodes exchanged, doubled or taken away."""
    page = json.loads(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(1, 3))):
        places = [(node, key) for node in _nodes(page) for key in _keys(node)]
        if not places:
            return json.dumps(draw(_NODES))
        node, key = draw(st.sampled_from(places))
        how = draw(st.sampled_from(("replace", "replace", "repeat", "drop")))
        if how == "replace":
            node[key] = draw(_NODES)
        elif how == "repeat" and isinstance(node, list):
            node[key:key] = [copy.deepcopy(node[key])] * draw(st.sampled_from((1, 20)))
        else:
            del node[key]
    return json.dumps(page)


def spoiled(printed: Printed) -> st.SearchStrategy[str]:
    """What a program might print."""
    texts = [spoiled_text(printed.seeds), spoiled_text(printed.seeds), st.text(max_size=200)]
    if printed.form == "json":
        texts += [spoiled_json(printed.seeds)] * 4
    return st.one_of(texts)


#: Before a piece that comes any number of times, the piece, and what is behind it.
Swollen = tuple[str, str, str]

_PIECES = (
    " ", "\t", "\n", "a", "1", '"', "'", "(", " (", "[", "{", "<a>", ",", ":", "=", "a=", " a", "\\", "#", "\n ", "\ta\n", "-A ", ")",
)  # fmt: skip


@st.composite
def swollen_text(draw: st.DrawFn, printed: Printed) -> Swollen:
    """Something that was printed with a place in it, and a piece that can stand there any number of times: a line, or less."""
    text = draw(st.sampled_from(printed.seeds[:12]))
    lines = _lines(text)
    if draw(st.booleans()):
        at = draw(st.integers(0, len(lines) - 1))
        return "".join(lines[:at]), lines[at], "".join(lines[at:])
    at = draw(st.integers(0, len(text)))
    some = text[at : at + draw(st.integers(1, 60))]
    return text[:at], draw(st.one_of(st.just(some), st.sampled_from((*printed.pieces, *_PIECES)))) or " ", text[at:]


@st.composite
def swollen_json(draw: st.DrawFn, seeds: Sequence[str]) -> Swollen:
    """JSON that was printed, and an element of one of its lists."""
    page = json.loads(draw(st.sampled_from(seeds)))
    lists = [node for node in _nodes(page) if isinstance(node, list) and node]
    some = draw(st.sampled_from(lists))
    at = draw(st.integers(0, len(some) - 1))
    piece = json.dumps(some[at])
    some.insert(at, _HERE)
    former, latter = json.dumps(page).split(json.dumps(_HERE))
    return former, f"{piece}, ", piece + latter


_HERE = "here it swells"


def _nodes(page: Any) -> Iterator[Any]:
    todo = [page]
    while todo:
        yield (node := todo.pop())
        todo += node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()


def _keys(node: Any) -> list[Any]:
    return sorted(node) if isinstance(node, dict) else list(range(len(node))) if isinstance(node, list) else []


def swollen(printed: Printed) -> st.SearchStrategy[Swollen]:
    """Of what a program might print."""
    if printed.form == "json":
        return st.one_of(swollen_text(printed), swollen_json(printed.seeds), swollen_json(printed.seeds))
    return swollen_text(printed)


@st.composite
def spoiled_bytes(draw: st.DrawFn, seeds: Sequence[bytes]) -> bytes:
    """A packet with some bytes changed, cut, or more behind it."""
    data = bytearray(draw(st.sampled_from(seeds)))
    for _ in range(draw(st.integers(0, 5))):
        if data:
            data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    cut = draw(st.integers(0, 3)) == 0
    return bytes(data[: draw(st.integers(0, len(data)))] if cut else data) + draw(st.binary(max_size=8))
