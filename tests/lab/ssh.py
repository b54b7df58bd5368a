"""Commands on the server by the OpenSSH client, over one kept connection."""

from __future__ import annotations

import shlex
import signal
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Optional, Union

from tests.lab.hosts import SERVER4
from tests.lab.namespaces import STATE, Daemon, Sandbox
from tests.lab.network import ROUTER
from tests.lab.process import ConnectionLost, LabTimeout, Result, Running, wait_for

# ssh says 255 when it fails itself; a command that really answers 255 is marked by our wrapper.
MARK = "lab: the command itself exited 255"


@dataclass(frozen=True)
class Ssh:
    """The way into the server, from the router: faults at the client do not cut it."""

    sandbox: Sandbox
    key: Path

    @property
    def socket(self) -> Path:
        return STATE / "ssh.sock"

    def words(self, *options: str) -> list[str]:
        settings = {
            "BatchMode": "yes",
            "ConnectTimeout": "3",
            "ControlPath": str(self.socket),
            "GSSAPIAuthentication": "no",
            "LogLevel": "ERROR",
            "ServerAliveCountMax": "6",
            "ServerAliveInterval": "5",
            "StrictHostKeyChecking": "no",
            "UserKnownHostsFile": "/dev/null",
        }
        listed = [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]
        return ["ssh", "-F", "none", "-i", str(self.key), *listed, *options, f"root@{SERVER4}"]

    def argv(self, argv: Sequence[str], *, tty: bool = False) -> list[str]:
        # Our own side has no terminal whose modes ssh could copy.
        size = "stty sane cols 100 rows 40; " if tty else ""
        # The trap keeps the wrapper alive when Ctrl-C or a signal ends the command, so that its
        # code is told (128 + signal); traps are not inherited by the command.
        wrapped = (
            f"trap : INT TERM QUIT; {size}{shlex.join(argv)}; c=$?; "
            f"[ $c -ne 255 ] || echo {shlex.quote(MARK)} >&2; exit $c"
        )
        return self.sandbox.argv([*self.words("-tt" if tty else "-T"), wrapped], host=ROUTER)

    def master(self) -> Daemon:
        return Daemon(self.sandbox, "ssh", ROUTER, self.words("-M", "-N", "-T"), tree=False)

    def disconnect(self) -> None:
        self.master().stop(signal.SIGKILL)
        self.sandbox.outside(self.socket).unlink(missing_ok=True)

    def connect(self, timeout: float, hopeful: Callable[[], None]) -> None:
        """Make the kept connection anew, however often that takes; `hopeful` raises when it is in vain."""

        def once() -> Optional[bool]:
            hopeful()
            self.disconnect()
            master = self.master()
            master.start()

            def made() -> Optional[bool]:
                if self.sandbox.outside(self.socket).exists():
                    return True
                return False if master.pid is None else None

            try:
                return wait_for(made, 10, "ssh connects or fails") or None
            except LabTimeout:
                return None

        try:
            wait_for(once, timeout, "the server lets ssh in")
        except LabTimeout as error:
            raise LabTimeout(f"{error}\n{self.master().log[-1000:]}") from None

    def popen(self, argv: Sequence[str], *, tty: bool = False) -> Running:
        return Running(self.argv(argv, tty=tty), argv, subprocess.PIPE)

    def run(self, argv: Sequence[str], *, timeout: float, text: Union[str, None], tty: bool) -> Result:
        source = subprocess.PIPE if text is not None or tty else None
        # With a terminal standard input stays open: closing it would type end-of-file.
        if not tty:
            result = Running(self.argv(argv), argv, source).finish(timeout, text)
        else:
            running = Running(self.argv(argv, tty=True), argv, source)
            if text:
                running.type(text)
            result = running.finish_open(timeout)
        return self.judged(argv, result)

    @staticmethod
    def judged(argv: Sequence[str], result: Result) -> Result:
        """Tell a broken connection from a command that exits 255."""
        if result.code != 255:
            return result
        if MARK not in result.err and MARK not in result.out:
            raise ConnectionLost(f"connection lost during {shlex.join(argv)}\n{result.out}{result.err}".rstrip())
        out = result.out.replace(f"{MARK}\r\n", "")
        return Result(255, out, result.err.replace(f"{MARK}\n", ""), result.seconds)
