"""Running programs: argument lists, a fixed environment, sessions of their own, time limits."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any, Callable, Optional

from ntpjoin.errors import CommandFailed
from ntpjoin.records import dataclass

#: A fixed search path and language: what a program says is read by us, not by the user.
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "HOME": "/root"}


@dataclass(frozen=True)
class Completed:
    """A program that ended: its exit code and what it said, as text."""

    argv: tuple[str, ...]
    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        """The last words of it, for a message: at most four lines, errors first."""
        lines = [line for line in (self.err.strip() or self.out.strip()).splitlines() if line.strip()]
        return "\n".join(lines[-4:])


class Programs:
    """Starts programs. `trace` hears of every one."""

    def __init__(self, trace: Callable[[str], None]) -> None:
        self.trace = trace

    def run(
        self,
        argv: Sequence[str],
        *,
        timeout_s: float = 30,
        check: bool = True,
        env: Optional[Mapping[str, str]] = None,
        cwd: Optional[str] = None,
    ) -> Completed:
        """Run a program to its end, in a session of its own so that no Ctrl-C of ours reaches it.

        Raises CommandFailed when it runs out of time, and with `check` when it cannot be started (without: code 127) or ends with
        anything but 0.
        """
        words = tuple(argv)
        try:
            process = self.start(words, env=env, cwd=cwd)
        except CommandFailed as error:
            if check:
                raise
            return Completed(words, 127, "", error.message)
        with process:
            try:
                out, err = process.communicate(timeout=timeout_s)
            except BaseException as error:
                end_group(process)  # interrupted, too: nobody waits for it any more
                if isinstance(error, subprocess.TimeoutExpired):
                    raise CommandFailed(f"{shlex.join(words)} did not end within {timeout_s:g} s") from None
                raise
        done = Completed(words, process.returncode, out, err)
        if check and done.code != 0:
            raise CommandFailed(f"{shlex.join(words)} ended with exit code {done.code}:\n{done.said}")
        return done

    def start(
        self,
        argv: Sequence[str],
        *,
        env: Optional[Mapping[str, str]] = None,
        cwd: Optional[str] = None,
        merge: bool = False,
    ) -> subprocess.Popen[str]:
        """Start a program whose output is piped to us, with `merge` in one pipe; the caller ends it. Raises CommandFailed."""
        return self.spawn(argv, env, cwd, subprocess.PIPE, subprocess.STDOUT if merge else subprocess.PIPE)

    def spawn(
        self, argv: Sequence[str], env: Optional[Mapping[str, str]], cwd: Optional[str], out: Any, err: Any
    ) -> subprocess.Popen[str]:
        """Start a program in a session of its own, its output going where the caller says. Raises CommandFailed."""
        self.trace(shlex.join(argv))
        try:
            return subprocess.Popen(
                list(argv),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env={**ENVIRONMENT, **(env or {})},
                cwd=cwd,
                start_new_session=True,
                encoding="utf-8",
                errors="replace",
            )
        except OSError as error:
            raise CommandFailed(_not_started(argv[0], cwd, error)) from None


def _not_started(program: str, cwd: Optional[str], error: OSError) -> str:
    """Python names the folder, and no program, where it could not be entered."""
    if cwd is not None and error.filename == cwd:
        return f"{program} cannot be run in {cwd}: {error.strerror}"
    missing = isinstance(error, FileNotFoundError)
    return f"{program} is not installed here" if missing else f"{program} cannot be run: {error.strerror}"


def end_group(process: subprocess.Popen[Any]) -> None:
    """End a program of ours and its children; they share its session."""
    for sign, patience_s in ((signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, sign)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=patience_s)
            return
