"""The monitor of a virtual machine."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from types import TracebackType
from typing import Any, Optional, final

from tests.lab.process import LabError


@final
class Monitor:
    """One conversation with QEMU's monitor; an answer of an error raises."""

    def __init__(self, path: Path, timeout: float) -> None:
        self.path = path
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(timeout)
        self.lines = self.socket.makefile("rb")

    def __enter__(self) -> Monitor:
        try:
            self.socket.connect(str(self.path))
            self.read()
            self.ask("qmp_capabilities")
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        value: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.close()

    def close(self) -> None:
        self.lines.close()
        self.socket.close()

    def read(self) -> dict[str, Any]:
        line = self.lines.readline()
        if not line:
            raise LabError("the virtual machine's monitor closed the connection")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def ask(self, command: str, **arguments: Any) -> Any:
        message = {"execute": command, "arguments": arguments}
        self.socket.sendall(json.dumps(message).encode() + b"\n")
        while True:
            answer = self.read()
            if "error" in answer:
                raise LabError(f"the virtual machine's monitor: {command}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]

    def human(self, line: str) -> str:
        """A command of the human monitor; those that matter here print nothing when all is well."""
        return str(self.ask("human-monitor-command", **{"command-line": line}))
