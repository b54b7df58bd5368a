"""Init scripts: what runs, what starts at boot, and keeping one from starting before it is there."""

from __future__ import annotations

import pytest

from ntpjoin.facts import Unit
from ntpjoin.host.distros import ROWS, with_init
from ntpjoin.host.machine import Host
from ntpjoin.host.services import systemd, sysv
from ntpjoin.host.services.manager import Services, init, services
from ntpjoin.systems import to_type
from tests.conftest import Programs, put

#: The type checker holds each to what an init must be able to do.
INITS: tuple[Services, ...] = (systemd, sysv)

#: As ntpsec's and chrony's scripts name it.
SCRIPT = "#!/bin/sh\nPIDFILE=/run/ntpd.pid\n"
NAMED = '#!/bin/sh\nNAME=chronyd\nPIDFILE="/run/chrony/$NAME.pid"\n'


@pytest.fixture
def host(tree: Host, programs: Programs) -> Host:
    put(tree, "/proc/1/comm", "init\n")
    put(tree, "/etc/init.d/ntpsec", SCRIPT)
    programs.says("service")
    programs.says("update-rc.d")
    for level in "2345":
        put(tree, f"/etc/rc{level}.d/README", "")
    return tree


def run_it(host: Host, pid: int = 812) -> None:
    put(host, "/run/ntpd.pid", f"{pid}\n")
    put(host, f"/proc/{pid}/cmdline", "/usr/sbin/ntpd\0")
    put(host, f"/proc/{pid}/stat", f"{pid} (ntpd) S " + " ".join(str(field) for field in range(4, 30)))


def test_which_init_this_machine_was_booted_with(host: Host) -> None:
    assert init(host) == "init scripts"
    assert services(host) is sysv
    put(host, "/run/systemd/system/x", "")
    assert init(host) == "systemd"
    assert services(host) is systemd


def test_another_init_is_none_we_know(host: Host) -> None:
    put(host, "/proc/1/comm", "runit\n")
    assert init(host) is None


def test_a_unit_is_a_script_its_links_and_its_process(host: Host) -> None:
    assert sysv.show(host, ["ntpsec", "none"]) == {
        "ntpsec": Unit("ntpsec", "loaded", "disabled"),
        "none": Unit("none"),
    }
    host.link("/etc/rc2.d/S01ntpsec", "../init.d/ntpsec")
    run_it(host)
    [unit] = sysv.show(host, ["ntpsec"]).values()
    assert (unit.enabled, unit.running, unit.pid, unit.invocation) == ("enabled", True, 812, "812-22")
    put(host, "/run/ntpd.pid", "813\n")
    assert not sysv.show(host, ["ntpsec"])["ntpsec"].running


def test_a_pid_file_may_be_named_by_the_name(host: Host) -> None:
    put(host, "/etc/init.d/chrony", NAMED)
    put(host, "/run/chrony/chronyd.pid", "77\n")
    put(host, "/proc/77/cmdline", "chronyd\0")
    assert sysv.show(host, ["chrony"])["chrony"].pid == 77
    put(host, "/etc/init.d/odd", "#!/bin/sh\nexec odd\n")
    assert sysv.show(host, ["odd"])["odd"].pid == 0


def test_what_is_held_starts_in_no_runlevel_until_it_is_released(host: Host) -> None:
    host.link("/etc/rc2.d/S01ntpsec", "../init.d/ntpsec")
    sysv.hold(host, "ntpsec")
    assert sysv.held(host, "ntpsec")
    assert host.names("/etc/rc2.d") == ("K01ntpsec", "README")
    assert host.link_target("/etc/rc5.d/K01ntpsec") == "../init.d/ntpsec"
    sysv.release(host, "ntpsec")
    assert not sysv.held(host, "ntpsec")
    # Its package is there: how it starts is set by enabling it.
    assert host.names("/etc/rc2.d") == ("K01ntpsec", "README")


def test_nothing_is_left_of_one_that_never_came(host: Host) -> None:
    sysv.hold(host, "ntp")
    assert sysv.show(host, ["ntp"])["ntp"].held
    sysv.release(host, "ntp")
    assert host.names("/etc/rc2.d") == ("README",)
    assert not host.exists("/var/lib/ntpjoin/held")


def test_what_the_system_is_told(host: Host, programs: Programs) -> None:
    sysv.start(host, "ntpsec")
    sysv.start(host, "ntpsec", again=True)
    sysv.stop(host, "ntpsec")
    sysv.set_enabled(host, "ntpsec", enabled=True)
    sysv.set_enabled(host, "ntpsec", enabled=False)
    sysv.forget_failure(host, "ntpsec")
    assert programs.calls() == [
        "service ntpsec start",
        "service ntpsec restart",
        "service ntpsec stop",
        "update-rc.d ntpsec defaults",
        "update-rc.d ntpsec enable",
        "update-rc.d ntpsec disable",
    ]


def test_what_is_to_be_typed_makes_links_that_are_gone_as_enabling_does(host: Host, programs: Programs) -> None:
    programs.add("update-rc.d", "exit 0")
    sysv.set_enabled(host, "ntpsec", enabled=True)
    assert to_type("enable", "ntpsec") == "; ".join(programs.calls())


def test_the_log_is_that_of_the_process(host: Host, programs: Programs) -> None:
    lines = ["Nov 21 18:27:00 time1 ntpd[812]: CONFIG: ready", "Nov 21 18:27:01 time1 ntpd[99]: other", ""]
    put(host, "/var/log/syslog", "\n".join(lines))
    programs.add("tail", '/bin/cat "$3"')
    assert sysv.log(host, Unit("ntpsec", pid=812)) == ("CONFIG: ready",)
    assert sysv.log(host, Unit("ntpsec")) == ()


@pytest.mark.parametrize("begins", ["INIT: precision = 0.100 usec (-23)", "proto: precision = 0.065 usec (-24)"])
def test_a_process_of_the_same_number_before_the_reboot_is_another(host: Host, programs: Programs, begins: str) -> None:
    run = [begins, "CONFIG: restrict nopeer ignored", "IO: Listen normally on 2 lo 127.0.0.1:123"]
    again = [begins, "IO: Listen normally on 2 lo 127.0.0.1:123"]
    lines = [f"Nov 21 18:27:00 time1 ntpd[812]: {line}" for line in (*run, *again)]
    put(host, "/var/log/syslog", "\n".join(lines))
    programs.add("tail", '/bin/cat "$3"')
    assert sysv.log(host, Unit("ntpsec", pid=812)) == tuple(again)


def test_a_row_calls_its_units_as_the_init_does() -> None:
    for row in ROWS:
        scripts = with_init(row, "init scripts")
        names = [scripts.unit, *(rival.unit for rival in scripts.rivals)]
        assert [name for name in names if name.endswith(".service")] == []
        assert with_init(row, "systemd") is row
