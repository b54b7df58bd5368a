"""Faults of the clock: it is off, or somebody else sets it."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.real.planted.fault import Fault, fails, take_told_out, warns
from tests.real.planted.host import Check, Host

CHRONY = "/etc/systemd/system/chrony.service"
CHRONY_UNIT = ("[Service]", "ExecStart=/usr/sbin/chronyd -d -u root -f /etc/chrony.conf", "[Install]")


def chrony_beside(host: Host) -> None:
    """Debian lets one host have one time daemon; who unpacks another by hand has two."""
    [package] = (host.lab.image.repository / "pool").glob("chrony_*.deb")
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["dpkg-deb", "-x", str(package), folder], check=True)
        host.server.put(Path(folder) / "usr/sbin/chronyd", "/usr/sbin/chronyd")
    host.write("/etc/chrony.conf", "server 192.0.2.16 iburst", "port 0", "cmdport 0", "pidfile /run/chronyd.pid")
    host.write(CHRONY, *CHRONY_UNIT, "WantedBy=multi-user.target")
    host.run("systemctl daemon-reload; systemctl enable --now chrony.service")
    host.until("it runs", lambda: host.run("systemctl is-active chrony.service").strip() == "active", 60)


def cron_job(host: Host) -> None:
    """A program of that name that does nothing."""
    host.run("cp /bin/true /usr/local/sbin/ntpdate")
    host.write("/etc/cron.d/time", "# time", "7 * * * * root /usr/local/sbin/ntpdate 192.0.2.11")


def cron_job_out(host: Host, found: Sequence[Check]) -> None:
    assert found[0]["remedy"] == "take it out", found
    host.take_out(found[0]["text"].replace(")", ": "))


def phc2sys(host: Host) -> None:
    """The same."""
    host.run("cp /bin/sleep /usr/local/sbin/phc2sys; systemd-run --unit=ptp /usr/local/sbin/phc2sys 100000")


def phc2sys_stopped(host: Host, found: Sequence[Check]) -> None:
    assert found[0]["remedy"].startswith("stop it"), found
    host.run("systemctl stop ptp.service")


SETTERS = (
    Fault(
        "chrony runs beside it",
        chrony_beside,
        (warns("clock.setters", "chrony.service runs", "systemctl disable --now chrony.service"),),
    ),
    Fault("a job of cron sets the clock", cron_job, (warns("clock.setters", "/etc/cron.d/time:2"),), mend=cron_job_out),
    Fault("phc2sys sets the clock", phc2sys, (warns("clock.setters", "phc2sys"),), mend=phc2sys_stopped),
)

# --- it is off


def off(ahead_s: float, *lines: str) -> Callable[[Host], None]:
    """The machine has booted with a clock that is off by so much; what is less than 128 ms the daemon slews."""

    def plant(host: Host) -> None:
        host.run("systemctl stop ntpsec")
        host.set_clock(ahead_s)
        host.own_lines(*lines)

    return plant


def slewed(host: Host, found: Sequence[Check]) -> None:
    assert "ntpd slews the clock" in found[0]["remedy"], found
    host.until("it is slewed", lambda: abs(host.offset_ms()) < 8, 1800)


def set_while_it_runs(host: Host) -> None:
    """Somebody has set the clock; the daemon waits before it believes that."""
    host.set_clock(0.4)
    host.until("its sources tell", lambda: host.told_ms() > 300, 700)


OFF = (
    Fault("the clock is 30 ms off", off(0.030), (warns("sync.offset", "ntpd slews the clock"),), mend=slewed),
    Fault("the clock is 60 ms off", off(-0.060), (fails("sync.offset", "ntpd slews the clock"),), mend=None),
    Fault(
        "the clock is 400 ms off, and the daemon may not step it",
        off(0.4, "# mine", "tinker step 0"),
        (fails("sync.offset"),),
        mend=take_told_out,
    ),
    Fault(
        "somebody sets the clock by 400 ms",
        set_while_it_runs,
        (fails("sync.offset", "say its sources", "systemctl restart"),),
        {warns("sync.distance"): "what is not believed does not renew it"},
    ),
)

FAULTS = (*SETTERS, *OFF)
