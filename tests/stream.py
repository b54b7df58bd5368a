"""Stdout or stderr as a program finds it."""

from __future__ import annotations

import io


class Stream(io.TextIOWrapper):
    """A terminal, or not, that takes UTF-8, or ASCII only."""

    def __init__(self, *, tty: bool = False, encoding: str = "utf-8") -> None:
        super().__init__(io.BytesIO(), encoding=encoding, newline="")
        self.tty = tty

    def isatty(self) -> bool:
        return self.tty

    @property
    def said(self) -> str:
        self.flush()
        raw = self.buffer
        assert isinstance(raw, io.BytesIO)
        return raw.getvalue().decode(self.encoding)
