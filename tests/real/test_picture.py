"""The picture of a score, as a browser shows it: every word readable and in its place, every colour where it belongs."""

from __future__ import annotations

import html
import json
import re
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest

from ntpjoin.checks.standing import judge
from ntpjoin.show import series, svg
from tests.lab import machine, process
from tests.test_show_plot import FOUR, LIVES, NOW, record_of

pytestmark = pytest.mark.real

#: Nothing in the background, which would look for hosts outside.
_CHROMIUM = (
    "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--hide-scrollbars", "--force-device-scale-factor=1",
)  # fmt: skip
#: Where each text stands, in the picture's own units.
_MEASURE = """
const told = [...document.querySelectorAll("svg text")].map(one => {
  const at = one.getBoundingClientRect();
  return {text: one.textContent, left: at.left, right: at.right, top: at.top, bottom: at.bottom};
});
document.body.innerHTML = "<pre></pre>";
document.querySelector("pre").textContent = JSON.stringify(told);
"""


@pytest.fixture(scope="module", autouse=True)
def browser() -> None:
    machine.require(print, tools={"chromium": "chromium"})


def show(folder: Path, page: str, *words: str) -> process.Result:
    file = folder / ("page.html" if page.startswith("<!") else "page.svg")
    file.write_text(page)
    argv = [
        *_CHROMIUM,
        f"--user-data-dir={folder / 'profile'}",
        f"--window-size={svg.WIDTH},{svg.HEIGHT}",
        *words,
        file.as_uri(),
    ]
    return process.run(argv, timeout=120, check=True)


def picture(name: str) -> str:
    return svg.picture([judge(FOUR, record_of(name), NOW + 60)], NOW + 60)


@pytest.mark.parametrize("name", LIVES)
def test_every_word_is_in_its_place_and_none_lies_on_another(tmp_path: Path, name: str) -> None:
    page = (
        f"<!doctype html><meta charset=utf-8><style>body{{margin:0}}</style>{picture(name)}<script>{_MEASURE}</script>"
    )
    dom = show(tmp_path, page, "--dump-dom").out
    found = re.search("<pre>(.*)</pre>", dom, re.DOTALL)
    assert found, dom[:500]
    texts: list[dict[str, Any]] = json.loads(html.unescape(found[1]))
    assert len(texts) > 20
    for one in texts:
        assert one["right"] - one["left"] > 4, one
        assert 0 <= one["left"] < one["right"] <= svg.WIDTH, one
        assert 0 <= one["top"] < one["bottom"] <= svg.HEIGHT, one
    laid_over = [
        (one["text"], other["text"])
        for number, one in enumerate(texts)
        for other in texts[number + 1 :]
        if min(one["right"], other["right"]) - max(one["left"], other["left"]) > 1
        and min(one["bottom"], other["bottom"]) - max(one["top"], other["top"]) > 4
    ]
    assert not laid_over


@pytest.mark.parametrize("name", ["outage", "gap", "off"])
def test_every_colour_is_where_it_belongs(tmp_path: Path, name: str) -> None:
    shot = tmp_path / "shot.png"
    show(tmp_path, picture(name), f"--screenshot={shot}")
    rows = pixels(shot.read_bytes())
    assert (len(rows), len(rows[0])) == (svg.HEIGHT, svg.WIDTH)
    record = record_of(name)
    axis, (top, bottom) = series.scores(record), svg.SCORE
    assert rows[2][2] == (255, 255, 255)

    def height(score: float) -> int:
        return round(bottom - axis.place(score) * (bottom - top))

    line = [
        (x, y)
        for y, row in enumerate(rows[top : bottom + 2], top)
        for x, pixel in enumerate(row)
        if near(pixel, svg.BLUE)
    ]
    assert line, "the score is drawn"
    assert min(y for _, y in line) == pytest.approx(height(max(row.score for row in record.scores)), abs=3)
    assert max(y for _, y in line) == pytest.approx(height(min(row.score for row in record.scores)), abs=3)
    assert reddish(rows[height(7)][svg.LEFT + 3]), "what is not in the pool lies on a ground of its own"
    assert not reddish(rows[height(13)][svg.LEFT + 3])
    dashes = max(sum(near(pixel, svg.RED, 60) for pixel in row) for row in rows[height(10) - 2 : height(10) + 3])
    assert dashes > (svg.RIGHT - svg.LEFT) * 0.4
    lost = [x for x in range(svg.LEFT, svg.RIGHT) if near(rows[sum(svg.LOST) // 2][x], svg.RED, 60)]
    assert bool(lost) is (name == "outage")
    if name == "outage":
        middle = (svg.LEFT + svg.RIGHT) / 2
        assert abs(lost[0] - middle) < 20, "it began two days ago, of four"
    if name == "gap":
        inside = {x for x, _ in line}
        empty = [x for x in range(svg.LEFT + 5, svg.RIGHT - 20) if x not in inside]
        assert len(empty) > 150
        assert empty == list(range(empty[0], empty[-1] + 1)), "no line is drawn through what nobody saw"
    assert dots(rows) == ({"green", "red"} if name == "off" else {"green"})


def dots(rows: list[list[tuple[int, int, int]]]) -> set[str]:
    """The colours of the offsets, which shine through each other."""
    top, bottom = svg.OFFSET
    within = [pixel for row in rows[top + 3 : bottom - 3] for pixel in row[svg.LEFT + 3 : svg.RIGHT - 3]]
    counted = {
        "green": sum(green - red > 25 for red, green, _ in within),
        "amber": sum(red - green > 25 and green - blue > 40 for red, green, blue in within),
        "red": sum(red - green > 40 and abs(green - blue) < 15 for red, green, blue in within),
    }
    return {color for color, count in counted.items() if count > 20}


def near(pixel: tuple[int, int, int], color: str, most: int = 40) -> bool:
    return sum(abs(one - other) for one, other in zip(pixel, bytes.fromhex(color[1:]))) <= most


def reddish(pixel: tuple[int, int, int]) -> bool:
    red, green, blue = pixel
    return red > green + 8 and red > blue + 8


def pixels(png: bytes) -> list[list[tuple[int, int, int]]]:
    """The rows of a PNG of 8 bits a colour, not interlaced (RFC 2083), as browsers write it."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    at, packed = 8, b""
    wide = high = size = 0
    while at < len(png):
        length, kind = struct.unpack("!I4s", png[at : at + 8])
        chunk = png[at + 8 : at + 8 + length]
        if kind == b"IHDR":
            wide, high, depth, color, _, _, interlaced = struct.unpack("!IIBBBBB", chunk)
            assert (depth, interlaced) == (8, 0)
            size = {2: 3, 6: 4}[color]
        packed += chunk if kind == b"IDAT" else b""
        at += 12 + length
    data = zlib.decompress(packed)
    stride = wide * size
    before = bytearray(stride)
    rows = []
    for number in range(high):
        begin = number * (stride + 1)
        before = _unfiltered(data[begin], data[begin + 1 : begin + 1 + stride], before, size)
        rows.append([(before[x], before[x + 1], before[x + 2]) for x in range(0, stride, size)])
    return rows


def _unfiltered(kind: int, line: bytes, above: bytearray, size: int) -> bytearray:
    if kind == 0:
        return bytearray(line)
    out = bytearray(line)
    for x in range(len(out)):
        left = out[x - size] if x >= size else 0
        corner = above[x - size] if x >= size else 0
        guess = (0, left, above[x], (left + above[x]) // 2, _paeth(left, above[x], corner))[kind]
        out[x] = (out[x] + guess) & 0xFF
    return out


def _paeth(left: int, above: int, corner: int) -> int:
    guess = left + above - corner
    return min((left, above, corner), key=lambda value: abs(guess - value))
