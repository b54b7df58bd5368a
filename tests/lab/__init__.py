"""A test internet with a real server in it, on one machine; nothing of it is visible outside.

    from tests.lab import Lab
    with Lab() as lab:
        vm = lab.boot_server(clock_offset=-7200)
        vm.run(["systemctl", "is-active", "ufw"], check=True)

By hand: `python -m tests.lab up`, `run server -- date`, `shell server`, `down`. docs/contributing/lab.md tells more.
"""

from tests.lab.images import ServerImage
from tests.lab.lab import Lab, Machine
from tests.lab.machine import MissingTools
from tests.lab.process import CommandFailed, ConnectionLost, LabError, LabTimeout, Result, Running
from tests.lab.snapshot import Snapshot
from tests.lab.vm import Server

__all__ = [
    "CommandFailed",
    "ConnectionLost",
    "Lab",
    "LabError",
    "LabTimeout",
    "Machine",
    "MissingTools",
    "Result",
    "Running",
    "Server",
    "ServerImage",
    "Snapshot",
]
