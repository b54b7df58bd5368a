"""One private set of namespaces that holds the whole lab, and commands inside it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from tests.lab import process
from tests.lab.process import LabError, wait_for

SUPERVISOR = Path(__file__).with_name("supervisor.py")
STATE = Path("/run/lab")


def start_time(pid: int) -> str:
    """Tells a process from a later one of the same number."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except OSError:
        return ""


@dataclass(frozen=True)
class Sandbox:
    """The namespaces, named by the process that keeps them."""

    pid: int
    started: str
    keeper: Optional[subprocess.Popen[bytes]] = None

    @classmethod
    def create(cls, net_image: Path, *, tied: bool) -> Sandbox:
        argv = ["unshare", "--pid", "--mount", "--net", "--fork", "--kill-child", "--propagation", "private"]
        argv += ["--mount-proc", sys.executable, "-I", str(SUPERVISOR), "tied" if tied else "free", str(net_image)]
        if tied:
            # The pipe on standard input ends us when our owner ends; this covers an owner that
            # leaked the pipe's other end to a child.
            argv = ["setpriv", "--pdeathsig", "KILL", *argv]
        keeper = subprocess.Popen(
            argv,
            stdin=subprocess.PIPE if tied else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env=process.ENVIRONMENT,
            start_new_session=True,
        )
        assert keeper.stdout is not None
        said = keeper.stdout.readline()
        if said != b"ready\n":
            said += keeper.stdout.read()
            raise LabError(f"the lab's namespaces could not be made:\n{process.decode(said)}")
        children = Path(f"/proc/{keeper.pid}/task/{keeper.pid}/children").read_text().split()
        pid = int(children[0])
        return cls(pid, start_time(pid), keeper)

    @property
    def alive(self) -> bool:
        return bool(self.started) and start_time(self.pid) == self.started

    def close(self) -> None:
        """End everything in the lab, and see it ended."""
        if self.alive:
            os.kill(self.pid, signal.SIGKILL)
        if self.keeper is not None:
            if self.keeper.stdin is not None:
                self.keeper.stdin.close()
            if self.keeper.stdout is not None:
                self.keeper.stdout.close()
            self.keeper.wait(timeout=30)
        wait_for(lambda: None if self.alive else True, 30, "the lab's namespaces end")

    def outside(self, inside: Path) -> Path:
        """The same file, as seen from outside the private mounts."""
        return Path(f"/proc/{self.pid}/root") / inside.relative_to("/")

    def argv(self, argv: Sequence[str], *, host: Optional[str] = None, tree: bool = False) -> list[str]:
        """The words that run `argv` in the lab: in a host's network, and in the `net` image's tree."""
        words = ["nsenter", "--target", str(self.pid), "--mount", "--pid", "--net", "--wd=/"]
        if host is not None:
            words += ["nsenter", f"--net=/run/netns/{host}"]
        if tree:
            words += ["chroot", str(STATE / "net")]
        return [*words, *argv]

    def run(
        self,
        argv: Sequence[str],
        *,
        host: Optional[str] = None,
        tree: bool = False,
        check: bool = True,
        timeout: float = 60,
        text: Optional[str] = None,
    ) -> process.Result:
        words = self.argv(argv, host=host, tree=tree)
        return process.run(words, check=check, timeout=timeout, text=text, shown=argv)

    def write(self, inside: Path, text: str) -> None:
        path = self.outside(inside)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


@dataclass(frozen=True)
class Daemon:
    """A program that keeps running on a host; its pid file makes it findable by a later process."""

    sandbox: Sandbox
    name: str
    host: str
    command: Sequence[str]
    tree: bool = True

    @property
    def pid_file(self) -> Path:
        return STATE / "pid" / self.name

    @property
    def log(self) -> str:
        try:
            return self.sandbox.outside(STATE / "log" / self.name).read_text(errors="replace")
        except FileNotFoundError:
            return ""

    @property
    def pid(self) -> Optional[int]:
        """The process's number inside the lab, while it lives."""
        try:
            pid = int(self.sandbox.outside(self.pid_file).read_text())
            state = self.sandbox.outside(Path(f"/proc/{pid}/stat")).read_text().rpartition(")")[2].split()[0]
        except (OSError, ValueError):
            return None
        return None if state == "Z" else pid

    def start(self) -> None:
        if self.pid is not None:
            return
        self._wait_until_gone()
        chroot = ["chroot", str(STATE / "net")] if self.tree else []
        words = ["start-stop-daemon", "--start", "--background", "--make-pidfile", "--pidfile", str(self.pid_file)]
        words += ["--output", str(STATE / "log" / self.name), "--startas", "/usr/bin/env", "--"]
        self.sandbox.run([*words, *chroot, *self.command], host=self.host)

    def stop(self, number: int = signal.SIGKILL) -> None:
        pid = self.pid
        if pid is None:
            return
        self.sandbox.run(["kill", f"-{number}", str(pid)], check=False)
        self._wait_until_gone()

    def _wait_until_gone(self) -> None:
        """Wait for what has ended to be gone, not only a zombie: start-stop-daemon takes that for a running one."""
        file = self.sandbox.outside(self.pid_file)
        try:
            entry = self.sandbox.outside(Path(f"/proc/{int(file.read_text())}"))
        except (OSError, ValueError):
            return
        wait_for(lambda: None if entry.exists() else True, 20, f"{self.name} ends")
        file.unlink(missing_ok=True)

    def answers(self, probe: Sequence[str], timeout: float = 30) -> None:
        """Wait until `probe`, run on the same host, exits 0."""

        def once() -> Optional[bool]:
            if self.pid is None:
                raise LabError(f"{self.name} ended by itself:\n{self.log[-3000:]}")
            return True if self.sandbox.run(probe, host=self.host, tree=True, check=False).code == 0 else None

        wait_for(once, timeout, f"{self.name} answers")
