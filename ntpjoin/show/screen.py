"""The two streams of one command: the answer on stdout, as text or as one JSON object; all talk on stderr."""

from __future__ import annotations

import os
import sys
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import Callable

from ntpjoin.errors import Blocked
from ntpjoin.show.terminal import Style, Terminal


def lost(error: OSError) -> Blocked:
    """What to tell of an answer that stdout does not take; it gets nothing more."""
    sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115
    return Blocked(f"the answer could not be written: {error.strerror}", "look at what stdout leads to")


class Screen:
    """What a command shows with. `tell` takes events; `talk` is for stderr, `answer` and `page` for stdout.

    Where the command `acts` an answer that is lost is told, and no failure: what was done counts.
    """

    def __init__(self, *, as_json: bool, quiet: bool, verbose: bool, color: str, acts: bool = False) -> None:
        self.as_json = as_json
        self._acts = acts
        self.verbose = verbose
        self.tell = Terminal(sys.stderr, color=color, quiet=quiet)
        self.style = Style(sys.stdout, color)
        self.talk_style = self.tell.style
        self._color = color

    def file_style(self) -> Style:
        """How an answer looks in a file: no terminal, and it takes all of Unicode."""
        return Style(TextIOWrapper(BytesIO(), encoding="utf-8"), self._color)

    def answer(self, text: str) -> None:
        """Text that is what the user asked for."""
        if not self.as_json:
            self.put(text + "\n")

    def offer(self, write: Callable[[Style], str], *, asks: bool) -> None:
        """What will be done, before it is asked for: the answer, or talk where the answer is one JSON object."""
        if asks and self.as_json:
            self.talk(write(self.talk_style))
        else:
            self.answer(write(self.style))

    def page(self, text: str) -> None:
        """The one JSON object."""
        if self.as_json:
            self.put(text + "\n")

    def put(self, text: str) -> None:
        """Write the answer, whatever its form. A reader that has enough may go; raises Blocked where it cannot be written."""
        self.tell.clear()
        try:
            sys.stdout.write(self.style.fit(text))
            sys.stdout.flush()
        except BrokenPipeError as error:
            lost(error)
        except OSError as error:
            told = lost(error)
            if not self._acts:
                raise told from error
            self.talk(f"ntpjoin: {told.message}")

    def talk(self, text: str) -> None:
        """Text beside the answer."""
        self.tell.clear()
        self.tell.put(self.talk_style.fit(text) + "\n")

    def trace(self, command: str) -> None:
        """A program that is started; shown where that was asked for."""
        if self.verbose:
            self.talk(f"  + {command}")

    def read(self, most: int) -> bytes:
        """What is piped in, up to so many bytes."""
        return sys.stdin.buffer.read(most)

    def asks(self) -> bool:
        """Whether there is somebody to ask."""
        return sys.stdin.isatty() and self.tell.style.tty

    def ask_word(self, question: str) -> str:
        """Ask for a word; '' where nothing is typed."""
        self.tell.clear()
        self.tell.put(f"\n{question} ")
        return sys.stdin.readline().strip()

    def ask(self, question: str, more: str) -> bool:
        """Ask yes or no; `d` shows `more` and asks again. Nothing typed means no."""
        letters = "[y/d/N]" if more else "[y/N]"
        while True:
            self.tell.clear()
            self.tell.put(f"\n{question} {letters} ")
            line = sys.stdin.readline()
            if line.strip().lower() in ("d", "diff") and more:
                self.talk(more)
                continue
            return line.strip().lower() in ("y", "yes")
