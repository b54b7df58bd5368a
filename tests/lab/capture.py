"""Packets seen on a host, by tcpdump."""

from __future__ import annotations

from types import TracebackType
from typing import final

from tests.lab.namespaces import Sandbox
from tests.lab.process import LabError, Running, wait_for


@final
class Capture:
    """`with lab.capture("client", "udp port 123") as seen: …`, then `seen.lines`, one a packet."""

    def __init__(self, sandbox: Sandbox, host: str, expression: str) -> None:
        words = ["tcpdump", "-i", "any", "-n", "-l", "--immediate-mode", expression]
        self.shown = words
        self.argv = sandbox.argv(words, host=host, tree=True)
        self.lines: list[str] = []

    def __enter__(self) -> Capture:
        self.running = Running(self.argv, self.shown, None)
        assert self.running.popen.stderr is not None
        for line in self.running.popen.stderr:
            if b"listening on" in line:
                return self
        raise LabError(f"tcpdump does not start: {self.shown}")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # SIGINT lets tcpdump say what it still holds.
        self.running.kill(2)
        wait_for(lambda: True if self.running.poll() is not None else None, 10, "tcpdump ends")
        self.lines = self.running.finish(10).out.splitlines()
