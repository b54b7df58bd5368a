"""The server: a virtual machine with a clock, a disk and a netfilter of its own."""

from __future__ import annotations

import contextlib
import json
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Optional

from tests.lab import machine, process, snapshot
from tests.lab.images import ServerImage
from tests.lab.namespaces import STATE, Daemon, Sandbox
from tests.lab.network import ROUTER, TAP
from tests.lab.process import CommandFailed, ConnectionLost, LabError, LabTimeout, Result, Running, wait_for
from tests.lab.qmp import Monitor
from tests.lab.snapshot import Snapshot
from tests.lab.ssh import Ssh

DISK = STATE / "vm/disk.qcow2"
CONSOLE = STATE / "vm/console.log"
MONITOR = STATE / "vm/monitor.sock"
SETTINGS = STATE / "vm/settings.json"
MAC = "52:54:00:12:34:56"
# How many times longer things may take without KVM.
TCG_SLOWNESS = 8.0


@dataclass(frozen=True)
class Server:
    """One Debian server at 203.0.113.7 and 2001:db8:113::7."""

    sandbox: Sandbox
    image: ServerImage

    @property
    def ssh(self) -> Ssh:
        return Ssh(self.sandbox, self.image.ssh_key)

    @property
    def kvm(self) -> bool:
        return bool(json.loads(self.sandbox.outside(SETTINGS).read_text())["kvm"])

    @property
    def slowness(self) -> float:
        return 1.0 if self.kvm else TCG_SLOWNESS

    # -- power

    def create(self, clock_offset: float) -> None:
        """Lay a fresh disk over the image's; nothing of an earlier server stays."""
        self.cut_power()
        for path in (DISK, CONSOLE):
            self.sandbox.outside(path).unlink(missing_ok=True)
        words = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", str(self.image.disk), str(DISK)]
        self.sandbox.run(words)
        settings = {"clock_offset": clock_offset, "kvm": machine.kvm()}
        self.sandbox.write(SETTINGS, json.dumps(settings))

    def start(self, *, wait: bool = True) -> None:
        """Switch on; the clock starts as far off as it did when the server was first booted."""
        self.qemu().start()
        if wait:
            self.wait_booted()

    def cut_power(self) -> None:
        """Pull the plug: the disk keeps what the guest had synced."""
        self.ssh.disconnect()
        self.qemu().stop()
        self.sandbox.outside(MONITOR).unlink(missing_ok=True)

    def reboot(self) -> None:
        """Reboot from inside, and wait until the server is up again."""
        before = self.boot_id()
        by = {"systemd": ["systemctl", "--no-block", "reboot"], "init scripts": ["shutdown", "-r", "now"]}
        with contextlib.suppress(ConnectionLost):  # it may go down faster than it answers
            self.run(by[self.image.system.init])
        self.ssh.disconnect()

        def rebooted() -> Optional[bool]:
            try:
                self.ssh.connect(120 * self.slowness, self.healthy)
                return True if self.boot_id() != before else None
            except (ConnectionLost, LabTimeout):
                return None

        try:
            wait_for(rebooted, 120 * self.slowness, "the server reboots")
        except LabTimeout as error:
            raise LabTimeout(f"{error}\n{self.qemu().log}\n{self.console(40)}") from None
        self.wait_booted()

    @property
    def running(self) -> bool:
        return self.qemu().pid is not None

    def healthy(self) -> None:
        """Raise when waiting for the server is in vain: its QEMU has ended or given up."""
        if not self.running:
            raise LabError("the virtual machine has ended")
        try:
            with self.monitor() as monitor:
                status = monitor.ask("query-status")["status"]
        except OSError:
            return  # the monitor is not there yet
        if status == "internal-error":
            raise LabError("the virtual machine stopped on an internal error")

    def boot_id(self) -> str:
        return self.run(["cat", "/proc/sys/kernel/random/boot_id"], check=True, timeout=10 * self.slowness).out.strip()

    def wait_booted(self) -> None:
        """Wait until all is up, and nothing failed, as systemd says; init scripts say no more than that a runlevel is reached."""
        try:
            self.ssh.connect(90 * self.slowness, self.healthy)
            if self.image.system.init == "init scripts":
                wait_for(self.in_runlevel, 90 * self.slowness, "the runlevel is reached")
                return
            state = self.run(["systemctl", "is-system-running", "--wait"], timeout=90 * self.slowness).out.strip()
        except LabError as error:
            raise LabError(f"the server did not boot: {error}\n{self.qemu().log}\n{self.console(40)}") from None
        if state != "running":
            failed = self.run(["systemctl", "--failed", "--no-legend"]).out
            raise LabError(f"the server is {state}:\n{failed}\n{self.console(40)}")

    def in_runlevel(self) -> Optional[bool]:
        """True once all scripts of the runlevel have ended."""
        reached = self.run(["runlevel"]).out.split()[1:2] == ["2"]
        return True if reached and self.run(["pgrep", "-x", "rc|startpar"]).code == 1 else None

    def console(self, lines: int = 40) -> str:
        """The last lines of the serial console."""
        try:
            text = self.sandbox.outside(CONSOLE).read_text(errors="replace")
        except FileNotFoundError:
            return ""
        return "\n".join(text.splitlines()[-lines:])

    def qemu(self) -> Daemon:
        return Daemon(self.sandbox, "qemu", ROUTER, self.qemu_words(), tree=False)

    def qemu_words(self) -> list[str]:
        try:
            settings = json.loads(self.sandbox.outside(SETTINGS).read_text())
        except FileNotFoundError:
            return []
        base = datetime.now(timezone.utc) + timedelta(seconds=settings["clock_offset"])
        # The paravirtual clock would hand the host's time to the guest.
        cpu = ["-accel", "kvm", "-cpu", "host,kvmclock=off"]
        if not settings["kvm"]:
            cpu = ["-accel", "tcg,thread=multi", "-cpu", "max"]
        kernel = "root=/dev/vda rw console=ttyS0 net.ifnames=0 no-kvmclock mitigations=off systemd.getty_auto=no"
        return [
            *["qemu-system-x86_64", "-machine", "q35", *cpu, "-smp", "2", "-m", "1024"],
            *["-nodefaults", "-no-user-config", "-display", "none"],
            *["-kernel", str(self.image.kernel), "-initrd", str(self.image.initrd), "-append", kernel],
            *["-rtc", f"base={base:%Y-%m-%dT%H:%M:%S},clock=vm"],
            *["-drive", f"file={DISK},format=qcow2,if=virtio"],
            *["-netdev", f"tap,id=net,ifname={TAP},script=no,downscript=no"],
            *["-device", f"virtio-net-pci,netdev=net,romfile=,mac={MAC}"],
            *["-device", "virtio-rng-pci"],
            *["-chardev", f"file,id=console,path={CONSOLE},append=on", "-serial", "chardev:console"],
            *["-qmp", f"unix:{MONITOR},server=on,wait=off"],
        ]

    # -- commands

    def run(
        self,
        argv: Sequence[str],
        *,
        check: bool = False,
        timeout: float = 60,
        input: Optional[str] = None,  # noqa: A002
        tty: bool = False,
    ) -> Result:
        """Run a command as root; with `tty` on a real terminal, where `input` is typed."""
        result = self.ssh.run(argv, timeout=timeout, text=input, tty=tty)
        if check and result.code != 0:
            raise CommandFailed(argv, result)
        return result

    def popen(self, argv: Sequence[str], *, tty: bool = False) -> Running:
        """Start a command, to be watched, typed at, interrupted, or to lose its connection."""
        return self.ssh.popen(argv, tty=tty)

    def put(self, local: Path, remote: str, mode: int = 0o755) -> None:
        script = 'cat >"$1.part" && chmod "$2" "$1.part" && mv -f "$1.part" "$1"'
        argv = ["sh", "-c", script, "sh", remote, f"{mode:o}"]
        with local.open("rb") as source:
            process.run(self.ssh.argv(argv), check=True, timeout=120, shown=argv, stdin=source)

    def get(self, remote: str, local: Path) -> None:
        argv = ["cat", remote]
        with local.open("wb") as target:
            words = self.ssh.argv(argv)
            done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=target, timeout=120, check=False)
        if done.returncode != 0:
            raise CommandFailed(argv, Result(done.returncode, "", "see above", 0))

    def snapshot(self) -> Snapshot:
        """What there is on the server now; `before.diff(after)` tells what changed."""
        return snapshot.take(self, 30 * self.slowness)

    # -- checkpoints

    def monitor(self) -> Monitor:
        return Monitor(self.sandbox.outside(MONITOR), 60 * self.slowness)

    def human(self, line: str) -> None:
        with self.monitor() as monitor:
            said = monitor.human(line)
        if said.strip():
            raise LabError(f"{line}: {said.strip()}")

    def checkpoint(self, name: str) -> None:
        """Keep the server as it is now: disk, memory and clock."""
        self.human(f"savevm {name}")

    def rollback(self, name: str) -> None:
        """Go back to a checkpoint; the guest's clock runs on from there."""
        self.ssh.disconnect()
        if not self.running:
            self.start(wait=False)
            self.wait_monitor()
        self.human(f"loadvm {name}")
        self.ssh.connect(30 * self.slowness, self.healthy)

    def wait_monitor(self) -> None:
        def once() -> Optional[bool]:
            try:
                with self.monitor():
                    return True
            except (OSError, LabError):
                return None

        try:
            wait_for(once, 30, "the virtual machine starts")
        except LabTimeout as error:
            raise LabError(f"{error}\n{self.qemu().log}") from None

    def clock_offset(self) -> float:
        """How far the server's clock is from this machine's, now, to some hundredths of a second."""
        before = time.time()
        guest = float(self.run(["date", "+%s.%N"], check=True).out)
        return guest - (before + time.time()) / 2
