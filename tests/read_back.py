"""What `verify`, `score` and `probe` print for monitoring, read back by the rules of those who read it."""

from __future__ import annotations

import math
import re
from collections import Counter

#: The guidelines' own words for it: 'label'=value[UOM];[warn];[crit];[min];[max], of [-0-9.], ranges as [@][start:][end].
_NUMBER = r"-?\d+(?:\.\d+)?"
_RANGE = rf"(?:@?(?:(?:~|{_NUMBER}):)?(?:{_NUMBER})?)?"
_DATUM = re.compile(rf"'((?:[^'=]|'')+)'=({_NUMBER})(s|%|)((?:;{_RANGE}){{0,2}})((?:;(?:{_NUMBER})?){{0,2}})(?: |\Z)")


def plugin_line(line: str) -> tuple[str, str, dict[str, str]]:
    """Status, text and data of a line that is as the guidelines want it."""
    assert line.endswith("\n")
    assert len(line.splitlines()) == 1, "a core reads one line"
    head, pipe, data = line[:-1].partition(" | ")
    assert "|" not in head + data
    status, colon, text = head.partition(": ")
    assert (status in ("OK", "WARNING", "CRITICAL", "UNKNOWN"), colon) == (True, ": ")
    found: dict[str, str] = {}
    at = 0
    while at < len(data):
        match = _DATUM.match(data, at)
        assert match, data[at:]
        assert match[1] not in found, "a label that comes twice"
        found[match[1]] = match[0].partition("=")[2].strip()
        at = match.end()
    assert bool(pipe) is bool(found)
    return status, text, found


def alerts(value: float, of: str) -> bool:
    """Whether a value alerts by a range, as the guidelines have it: outside, and behind an `@` inside; its ends are inside."""
    low, _, high = of.lstrip("@").rpartition(":")
    least = -math.inf if low == "~" else float(low or 0)
    inside = least <= value <= (float(high) if high else math.inf)
    return bool(of) and inside is of.startswith("@")


# --- Prometheus's text format

_LABELS = re.compile(r'([a-z]+)="((?:[^"\\\n]|\\["\\n])*)"(?:,|\Z)')
_LINE = re.compile(r"(ntpjoin_[a-z_]+)(?:\{(.*)\})? (-?[0-9.]+(?:e[-+][0-9]+)?)")
_UNESCAPED = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}

Key = tuple[str, tuple[tuple[str, str], ...]]


def metrics_page(page: str) -> dict[Key, float]:
    """Every series, of a page that keeps to the text format."""
    found: dict[Key, float] = {}
    assert page.endswith("\n")
    current, told = "", Counter[str]()
    for line in page[:-1].split("\n"):
        if line.startswith("# "):
            kind, name, about = re.fullmatch(r"# (HELP|TYPE) (\S+) (.+)", line).groups()  # type: ignore[union-attr]
            assert kind == "HELP" or (name, about) == (current, "gauge")
            current = name
            told[kind, name] += 1  # type: ignore[index]
            continue
        match = _LINE.fullmatch(line)
        assert match, line
        assert match[1] == current, "a metric's lines stand together"
        labels, at = [], 0
        while at < len(match[2] or ""):
            label = _LABELS.match(match[2], at)
            assert label, line
            labels.append((label[1], re.sub(r'\\[\\"n]', lambda escape: _UNESCAPED[escape[0]], label[2])))
            at = label.end()
        key = (match[1], tuple(labels))
        assert key not in found, "a series that comes twice"
        found[key] = float(match[3])
    assert set(told.values()) == {1}
    return found


def value(found: dict[Key, float], metric: str, **labels: str) -> float:
    [only] = [
        number for (named, given), number in found.items() if named == metric and labels.items() <= dict(given).items()
    ]
    return only
