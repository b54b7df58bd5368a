"""What can go wrong, in words for an administrator; each leaf knows its exit code (docs/reference/exit-codes.md)."""

from __future__ import annotations

import signal
from typing import ClassVar


def quoted(value: str, longest: int = 60) -> str:
    """What was typed, as it may stand in a message: in quotes, control characters escaped, of more than that only the beginning."""
    return repr(value if len(value) <= longest else value[: longest - 3] + "...")


def shown(path: str, longest: int = 120) -> str:
    """The path of a file somebody named, as it may stand in a message: as it is, or `quoted` where it is long or not printable."""
    return path if path.isprintable() and len(path) <= longest else quoted(path, longest)


class NtpjoinError(Exception):
    """Superclass of all errors meant for the user; never raised itself.

    `message` tells what happened and to what; `remedy` what to type or do next, "" where there is nothing to say.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


class UsageProblem(NtpjoinError):
    """A value that grammar or counting refuses, before anything is looked at."""

    exit_code = 2


class Blocked(NtpjoinError):
    """The host is not fit for what was asked; nothing was touched."""

    exit_code = 3


class StepFailed(NtpjoinError):
    """A step did not do what it should have done."""


class CommandFailed(StepFailed):
    """A program could not be run, ran out of time, or ended with an error."""


class WireError(NtpjoinError):
    """A name or a server could not be asked, or answered something that cannot be used."""


class JournalProblem(Blocked):
    """The journal cannot be read or written as it must be before anything is changed."""


class Interrupted(NtpjoinError):
    """The user, or the system, asked ntpjoin to end."""

    def __init__(self, message: str, sign: int) -> None:
        super().__init__(message)
        self.signal = sign

    @property
    def code(self) -> int:
        """What the program ends with: 130 for Ctrl-C, 143 for SIGTERM and for a terminal that is gone."""
        return 128 + (signal.SIGINT if self.signal == signal.SIGINT else signal.SIGTERM)
