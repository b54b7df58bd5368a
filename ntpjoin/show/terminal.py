"""Telling what happens while it happens, on stderr: finished lines stay, one line is redrawn while waiting."""

from __future__ import annotations

import os
import sys
from typing import Optional, TextIO

from ntpjoin.model import Event

_MARKS = {
    "done": ("✓", "32"),
    "unchanged": ("=", "2"),
    "failed": ("✗", "31"),
    "undo": ("↶", "33"),
    "heard": ("!", "33"),
}

#: The columns of a finished line: where its text begins, how wide that is, and the time it took; together 79 and a newline.
_INDENT, _TEXT, _TOOK = 15, 54, 10

#: Text is not folded any closer, however narrow the terminal.
LEAST_ROOM = 20

_PLAIN = {"✓": "ok", "=": "==", "✗": "!!", "↶": "<-", "!": "! "}


class Style:
    """Whether a stream takes colours and more than ASCII: its own terminal, NO_COLOR and --color decide.

    `width` is the terminal's, in columns, None where it is none.
    """

    def __init__(self, stream: TextIO, color: str = "auto") -> None:
        self.tty = stream.isatty()
        self.width = _width(stream) if self.tty else None
        wanted = self.tty and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        self.color = color == "always" or (color == "auto" and wanted)
        self.unicode = (getattr(stream, "encoding", "") or "").lower().startswith("utf")

    def fit(self, text: str) -> str:
        """Text as far as the stream takes it; names of files may be no text at all."""
        return text.encode("utf-8" if self.unicode else "ascii", "replace").decode()

    def paint(self, text: str, code: str) -> str:
        """Text in a colour (SGR code), where colours are wanted."""
        return f"\x1b[{code}m{text}\x1b[0m" if self.color and code else text

    def mark(self, mark: str, code: str) -> str:
        """A mark in a colour, as letters where the stream takes no more."""
        return self.paint(mark if self.unicode else _PLAIN.get(mark, mark), code)


class Terminal:
    """Takes events. Not on a terminal each event is one finished line, and waiting is told once."""

    def __init__(self, stream: Optional[TextIO] = None, *, color: str = "auto", quiet: bool = False) -> None:
        self.stream = stream or sys.stderr
        self.style = Style(self.stream, color)
        self.quiet = quiet
        self._drawn = False
        self._told_wait = ""
        self._gone = False

    def __call__(self, event: Event) -> None:
        """Show one event."""
        if self.quiet and event.kind not in ("failed", "heard"):
            return
        if event.kind in ("wait", "begin", "looking"):
            self._draw(event)
            return
        self.clear()
        self._finished(event)

    def _finished(self, event: Event) -> None:
        """One line; what is too long for the terminal goes on below its own beginning."""
        mark, code = _MARKS[event.kind]
        took = f"{event.elapsed_s:8.1f} s" if event.kind in ("done", "failed") and event.elapsed_s >= 0.05 else ""
        lines, wide = [event.text], _TEXT
        if self.style.tty:
            from textwrap import wrap  # noqa: PLC0415 - its patterns take as long as a small module

            room = max(LEAST_ROOM, _width(self.stream) - _INDENT - _TOOK - 1)
            folded = (
                wrap(line, room, break_long_words=False, break_on_hyphens=False) for line in event.text.splitlines()
            )
            lines, wide = [part for parts in folded for part in parts] or [""], min(_TEXT, room)
        self._line(f"  {self.style.mark(mark, code)} {event.step:<10} {lines[0]:<{wide}}{took}".rstrip())
        for line in lines[1:]:
            self._line(" " * _INDENT + line)

    def _draw(self, event: Event) -> None:
        waited = f" {event.elapsed_s:.0f} s of {event.limit_s:.0f} s" if event.kind == "wait" else ""
        text = f"  … {event.step:<10} {event.text}{waited or ' …'}"
        if not self.style.unicode:
            text = f"  .. {event.step:<9} {event.text}{waited or ' ..'}"
        if self.style.tty:
            width = _width(self.stream)
            self.put("\r\x1b[K" + self.style.fit(text[: width - 1]))
            self._drawn = True
        elif event.kind == "wait":
            if self._told_wait != event.step:
                self._told_wait = event.step
                self._line(f"  .. {event.step:<9} {event.text}, up to {event.limit_s:.0f} s")
        elif event.kind == "looking":
            self._line(text)

    def clear(self) -> None:
        """Take the redrawn line away."""
        if self._drawn:
            self.put("\r\x1b[K")
            self._drawn = False

    def _line(self, text: str) -> None:
        self.put(self.style.fit(text) + "\n")

    def put(self, text: str) -> None:
        """Write to the stream; where nobody listens any more the work goes on in silence, it may be a taking back."""
        if self._gone:
            return
        try:
            self.stream.write(text)
            self.stream.flush()
        except (OSError, ValueError):
            self._gone = True


def _width(stream: TextIO) -> int:
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80  # a terminal that nobody told its size says 0
    except OSError:
        return 80
