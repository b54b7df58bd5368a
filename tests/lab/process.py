"""Children with time limits, what they answered, and waiting for conditions."""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Optional, TypeVar, Union

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ENVIRONMENT = {"PATH": PATH, "LC_ALL": "C.UTF-8", "TERM": "xterm-256color", "HOME": "/root"}

Log = Callable[[str], None]
T = TypeVar("T")


class LabError(Exception):
    """The lab itself failed; never what a command under test answered."""


class CommandFailed(LabError):
    """A command that was to succeed (check=True) did not."""

    def __init__(self, argv: Sequence[str], result: Result) -> None:
        super().__init__(f"{shlex.join(argv)}: exit {result.code}\n{result.out}{result.err}".rstrip())
        self.result = result


class LabTimeout(LabError):
    """A time limit ran out; `out` and `err` are what had been printed by then."""

    def __init__(self, message: str, out: str = "", err: str = "") -> None:
        super().__init__(f"{message}\n{out}{err}".rstrip())
        self.out = out
        self.err = err


class ConnectionLost(LabError):
    """The connection to the server broke, so that the command's own exit code is unknown."""


@dataclass(frozen=True)
class Result:
    """What a command answered."""

    code: int
    out: str
    err: str
    seconds: float


class Running:
    """A child that has been started: its whole process group is one thing."""

    def __init__(self, argv: Sequence[str], shown: Sequence[str], stdin: Union[int, IO[bytes], None]) -> None:
        self.argv = list(argv)
        self.shown = list(shown)
        self.started = time.monotonic()
        # A session of its own: Ctrl-C at the test run must not hit the child half way, and
        # nsenter's child can only be reached through the group.
        self.popen = subprocess.Popen(
            self.argv,
            stdin=subprocess.DEVNULL if stdin is None else stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=ENVIRONMENT,
            start_new_session=True,
        )

    def type(self, text: str) -> None:
        """Type on the child's standard input; it must have been started with one."""
        assert self.popen.stdin is not None
        self.popen.stdin.write(text.encode())
        self.popen.stdin.flush()

    def interrupt(self) -> None:
        """Press Ctrl-C; means something only with a terminal."""
        self.type("\x03")

    def poll(self) -> Optional[int]:
        return self.popen.poll()

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send a signal to the local side: for a remote command that is a lost connection."""
        try:
            os.killpg(self.popen.pid, number)
        except ProcessLookupError:
            return

    def read_until(self, text: str, timeout: float = 60) -> str:
        """Read standard output until `text` has been seen; what was read is returned and used up."""
        assert self.popen.stdout is not None
        descriptor = self.popen.stdout.fileno()
        os.set_blocking(descriptor, False)
        seen = b""
        deadline = time.monotonic() + timeout
        try:
            while text.encode() not in seen:
                if time.monotonic() > deadline:
                    raise LabTimeout(f"{shlex.join(self.shown)}: {text!r} not seen in {timeout:g} s", decode(seen))
                try:
                    chunk = os.read(descriptor, 65536)
                except BlockingIOError:
                    time.sleep(0.02)
                    continue
                if not chunk:
                    raise LabError(f"{shlex.join(self.shown)}: ended before {text!r}\n{decode(seen)}")
                seen += chunk
        finally:
            os.set_blocking(descriptor, True)
        return decode(seen)

    def abandon(self) -> tuple[bytes, bytes]:
        """Kill it, and take what it has printed."""
        self.kill()
        try:
            return self.popen.communicate(timeout=1)
        except subprocess.TimeoutExpired as late:
            # The kept ssh connection holds the other ends of the pipes until the remote command ends.
            for pipe in (self.popen.stdin, self.popen.stdout, self.popen.stderr):
                if pipe is not None:
                    pipe.close()
            self.popen.wait()
            return late.stdout or b"", late.stderr or b""

    def finish_open(self, timeout: float) -> Result:
        """Like `finish`, but standard input stays open until the child has ended."""
        stdin, self.popen.stdin = self.popen.stdin, None
        try:
            return self.finish(timeout)
        finally:
            if stdin is not None:
                stdin.close()

    def finish(self, timeout: float, text: Optional[str] = None) -> Result:
        """Wait for the end; past `timeout` seconds kill the local side and raise LabTimeout."""
        data = None if text is None else text.encode()
        try:
            out, err = self.popen.communicate(data, timeout=timeout)
        except subprocess.TimeoutExpired:
            out, err = self.abandon()
            message = f"{shlex.join(self.shown)}: not done in {timeout:g} s; printed so far:"
            raise LabTimeout(message, decode(out), decode(err)) from None
        except BaseException:
            self.abandon()
            raise
        return Result(self.popen.returncode, decode(out), decode(err), time.monotonic() - self.started)


def decode(data: Optional[bytes]) -> str:
    return (data or b"").decode(errors="replace")


def run(
    argv: Sequence[str],
    *,
    check: bool = False,
    timeout: float = 60,
    text: Optional[str] = None,
    shown: Optional[Sequence[str]] = None,
    stdin: Optional[IO[bytes]] = None,
) -> Result:
    """Run one command to its end."""
    source: Union[int, IO[bytes], None] = subprocess.PIPE if text is not None else stdin
    result = Running(argv, shown or argv, source).finish(timeout, text)
    if check and result.code != 0:
        raise CommandFailed(shown or argv, result)
    return result


def wait_for(probe: Callable[[], Optional[T]], timeout: float, what: str, pause: float = 0.05) -> T:
    """Ask until the answer is not None; the deadline is monotonic."""
    deadline = time.monotonic() + timeout
    while True:
        answer = probe()
        if answer is not None:
            return answer
        if time.monotonic() > deadline:
            raise LabTimeout(f"{what}: not so after {timeout:g} s")
        time.sleep(pause)


def environment_with(extra: Mapping[str, str]) -> list[str]:
    """The words that run a command with more in its environment."""
    return ["env", *(f"{name}={value}" for name, value in extra.items())]
