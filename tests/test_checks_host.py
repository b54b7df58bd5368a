"""What the host is and does beside the daemon's own words: each fault at its edge, and what to type against it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Optional

import pytest

from ntpjoin.checks.verify import judge
from ntpjoin.facts import Directive, Facts, FileFact, Holder, Unit
from ntpjoin.host.distros import ROWS
from ntpjoin.model import Asked, Check, CheckState, Wish
from ntpjoin.surroundings import Confinement, Denial, Identity, Machine, Place
from tests.judged import GOOD, OUTSIDE, judged
from tests.sample import OWN4, OWN6, PINS, ROW, SURROUNDINGS, WISH, answered, converged


def around(**parts: Any) -> Facts:
    facts: Facts = converged(**{f"surroundings__{name}": value for name, value in parts.items()})
    return facts


def told(facts: Facts, check: str, wish: Wish = WISH) -> list[Check]:
    return [one for one in judge(facts, wish, PINS, GOOD) if one.id == check]


def only(facts: Facts, check: str, state: str) -> Check:
    """The one check that is not ok, and nothing else is."""
    assert judged(facts) == sorted([(check, state), OUTSIDE], key=lambda one: one == OUTSIDE)
    [found] = [one for one in told(facts, check) if one.state.value == state]
    return found


# --- the drift file

FOLDER = Place("/var/lib/ntpsec", 106, 112, "ntpsec:ntpsec", 0o755)


def test_the_drift_file_of_a_daemon_that_is_not_the_units_is_none_of_ours() -> None:
    facts = replace(around(drift_folder=None), units={ROW.unit: Unit(ROW.unit)})
    assert told(facts, "service.drift") == []


@pytest.mark.parametrize(
    "folder",
    [
        FOLDER,
        replace(FOLDER, uid=0, owner="root:ntpsec", mode=0o775),
        replace(FOLDER, uid=0, gid=0, owner="root:root", mode=0o777),
        replace(FOLDER, mode=0o300),
    ],
)
def test_a_drift_file_that_can_be_written(folder: Place) -> None:
    assert judged(around(drift_folder=folder)) == [OUTSIDE]


@pytest.mark.parametrize(
    ("folder", "remedy"),
    [
        (
            replace(FOLDER, uid=0, gid=0, owner="root:root"),
            "chown ntpsec:ntpsec /var/lib/ntpsec; chmod u+rwx /var/lib/ntpsec",
        ),
        (replace(FOLDER, mode=0o555), "chmod u+rwx /var/lib/ntpsec"),
        (replace(FOLDER, mode=0o677), "chmod u+rwx /var/lib/ntpsec"),
        (None, "install -d -o ntpsec -g ntpsec /var/lib/ntpsec"),
    ],
)
def test_one_that_cannot_is_warned_of_with_what_to_type(folder: Optional[Place], remedy: str) -> None:
    found = only(around(drift_folder=folder), "service.drift", "warn")
    assert found.remedy == remedy
    assert ROW.drift in found.text


@pytest.mark.parametrize("where", ["/etc", "/", "/var/lib"])
def test_a_folder_that_may_be_anybodys_is_not_given_to_the_daemon(where: str) -> None:
    line = Directive("/etc/ntpsec/ntp.d/x.conf", 3, ("driftfile", f"{where}/ntp.drift"))
    facts = around(drift=f"{where.rstrip('/')}/ntp.drift", drift_folder=Place(where, 0, 0, "root:root", 0o755))
    found = only(replace(facts, directives=(line,)), "service.drift", "warn")
    assert found.remedy == (
        f"write `driftfile {ROW.drift}` in place of line 3 of /etc/ntpsec/ntp.d/x.conf, then: systemctl restart ntpsec.service"
    )
    assert "chown" not in only(facts, "service.drift", "warn").remedy


def test_of_what_cannot_be_seen_of_the_drift_file_nothing_is_said() -> None:
    # A daemon that is root may write anywhere.
    closed = replace(FOLDER, uid=0, gid=0, mode=0o500)
    assert judged(around(drift_folder=closed, identity=Identity(0, frozenset({0}), "root:root", overrides=True))) == [
        OUTSIDE
    ]
    assert not told(around(identity=None, drift_folder=closed), "service.drift")
    assert not told(around(drift="", drift_folder=None), "service.drift")
    # Without root the way there may be closed.
    assert not told(converged(system__root=False, surroundings__drift_folder=None), "service.drift")


# --- what was denied


def denied(*denials: Denial, **parts: Any) -> Facts:
    held = replace(Confinement("AppArmor", "/usr/sbin/ntpd", "/etc/apparmor.d/usr.sbin.ntpd"), denials=denials)
    return around(confinement=replace(held, **parts))


LOCAL = "/etc/apparmor.d/local/usr.sbin.ntpd; apparmor_parser -r /etc/apparmor.d/usr.sbin.ntpd; systemctl restart ntpsec.service"


@pytest.mark.parametrize(
    ("denial", "rule"),
    [
        (Denial("open", "/srv/leap.list", "r"), "/srv/leap.list r,"),
        (Denial("mknod", "/srv/x", "c"), "/srv/x w,"),
        (Denial("mknod", "/srv/loopstats.20261122", "c"), "/srv/loopstats* rwl,"),
        (Denial("link", "/srv/peerstats", "l"), "/srv/peerstats* rwl,"),
        (Denial("open", "/srv/x", "wc"), "/srv/x w,"),
        (Denial("file_lock", "/srv/x", "rwk"), "/srv/x rwk,"),
        (Denial("exec", "/bin/sh", "x"), "/bin/sh ix,"),
        (Denial("capable", "sys_module"), "capability sys_module,"),
        (Denial("create", "", "create", "netlink", "raw"), "network netlink raw,"),
    ],
)
def test_what_apparmor_denied_is_told_with_the_line_that_lets_it(denial: Denial, rule: str) -> None:
    found = only(denied(denial), "service.denied", "warn")
    assert found.remedy == f"if ntpd is to have it: printf '%s\\n' '{rule}' >>{LOCAL}"
    assert found.text.startswith(
        f"AppArmor (/usr/sbin/ntpd) has denied ntpd: {denial.what} {denial.name or 'netlink raw'}"
    )


@pytest.mark.parametrize(
    "denial",
    [
        Denial("open", "/srv/*", "r"),
        Denial("open", "/srv/a b", "r"),
        Denial("open", "/srv/'; reboot '", "r"),
        Denial("open", "/srv/x\x1b[31m", "r"),
        Denial("open", "/srv/x", ""),
        Denial("open", "/srv/x", "rz"),
        Denial("open", "relative", "r"),
        Denial("capable", "$(id)"),
        Denial("create", "", "", "in;et", "raw"),
        Denial("ptrace", "", "read"),
    ],
)
def test_what_no_plain_line_lets_is_left_to_a_person(denial: Denial) -> None:
    found = only(denied(denial), "service.denied", "warn")
    assert found.remedy == "let it in the profile: aa-logprof; systemctl restart ntpsec.service"
    assert found.text.isprintable()
    assert "aa-logprof" in only(denied(Denial("open", "/x", "r"), file=""), "service.denied", "warn").remedy


def test_many_denials_are_one_alarm_with_a_line_for_each() -> None:
    found = only(denied(*(Denial("open", f"/srv/{name}", "r") for name in "abcd")), "service.denied", "warn")
    assert found.text.endswith("open /srv/a (r); open /srv/b (r); open /srv/c (r), and 1 more")
    assert found.remedy.startswith(
        "if ntpd is to have it: printf '%s\\n' '/srv/a r,' '/srv/b r,' '/srv/c r,' '/srv/d r,' >>"
    )


def test_what_selinux_denied_is_told_with_the_labels_to_restore() -> None:
    row = next(row for row in ROWS if row.name == "el-9")
    held = Confinement("SELinux", "system_u:system_r:ntpd_t:s0", "", (Denial("read open file", "ntp.conf"),))
    [found] = told(converged(system__row=row, surroundings__confinement=held), "service.denied")
    assert found.text == "SELinux (system_u:system_r:ntpd_t:s0) has denied ntpd: read open file ntp.conf"
    assert found.remedy.startswith("restorecon -RFv /etc/ntp.conf /etc/ntp.d /var/lib/ntp (")
    assert found.remedy.endswith("; systemctl restart ntpd.service")


def test_without_root_it_is_unknown_and_where_nothing_holds_the_daemon_nothing_is_said() -> None:
    unread = replace(SURROUNDINGS.confinement or Confinement("AppArmor", ""), denials=None)
    [found] = told(converged(system__root=False, surroundings__confinement=unread), "service.denied")
    assert (found.state.value, found.remedy) == ("unknown", "sudo ntpjoin verify")
    assert not told(around(confinement=None), "service.denied")
    # A container has no log of the kernel.
    found = only(around(confinement=unread), "service.denied", "unknown")
    assert ("is in no log here" in found.text, found.remedy) == (
        True,
        "on the host of this container: dmesg | grep DENIED",
    )


# --- where it listens


def holding(*addresses: str) -> tuple[Holder, ...]:
    return tuple(Holder(812, "ntpd", address) for address in ("0.0.0.0", "::", "127.0.0.1", *addresses))


def test_an_address_without_a_socket_is_told_once() -> None:
    """The client that asked there had no answer either; that is no second fault."""
    silent = replace(GOOD, answers={**answered(OWN4), OWN6: Asked(OWN6, problem="no answer")})
    facts = converged(holders=holding(OWN4))
    assert judged(facts, silent) == [("service.listens", "warn"), OUTSIDE]
    [found] = told(facts, "service.listens")
    assert found.text == f"ntpd listens at {OWN4}, but not at {OWN6}"
    assert found.remedy == "systemctl restart ntpsec.service"
    nobody = replace(GOOD, answers={one: Asked(one, problem="no answer") for one in (OWN4, OWN6)})
    assert judged(converged(holders=holding()), nobody) == [("service.listens", "fail"), OUTSIDE]
    # Where it does listen, and a client has no answer all the same, that is told.
    assert judged(converged(), silent) == [("answers.ipv6", "fail"), OUTSIDE]


def test_behind_nat_a_bridge_need_not_be_listened_at() -> None:
    """Which private address the declared one leads to is not known; one of them is enough."""
    wish = Wish(public_addresses=("198.51.100.77",))
    inside = {"addresses": ("10.0.0.5", "172.17.0.1"), "files": {}, "journal__written": {}}

    def states(*held: str) -> list[str]:
        facts = converged(holders=holding(*held), **inside)
        return [one.state.value for one in judge(facts, wish, PINS, GOOD) if one.id == "service.listens"]

    assert (states("10.0.0.5"), states("10.0.0.5", "172.17.0.1"), states()) == (["ok"], ["ok"], ["fail"])


def test_the_line_or_the_option_that_says_so_is_named() -> None:
    line = Directive("/etc/ntpsec/ntp.d/x.conf", 3, ("interface", "listen", "lo"))
    [found] = told(converged(holders=holding(), directives=(line,)), "service.listens")
    assert found.text == (f"ntpd does not listen at {OWN4} and {OWN6}: /etc/ntpsec/ntp.d/x.conf:3: interface listen lo")
    assert found.remedy == "take that out, then: systemctl restart ntpsec.service"
    argv = ("/usr/sbin/ntpd", "-g", "-4", "-I", "lo", "--interface=lo", "-c", ROW.config)
    [found] = told(converged(holders=holding(OWN4), daemon__argv=argv), "service.listens")
    assert found.text.endswith(": it was started with -4 -I --interface=lo")
    assert "systemctl cat ntpsec.service" in found.remedy


@pytest.mark.parametrize("holders", [None, (), (Holder(9, "ntpd", "0.0.0.0"),)])
def test_who_does_not_hold_the_port_at_all_is_told_of_by_that(holders: Any) -> None:
    assert not told(converged(holders=holders), "service.listens")
    silent = replace(GOOD, answers={OWN4: Asked(OWN4, problem="no answer")})
    assert ("answers.ipv4", "fail") in judged(converged(holders=holders), silent)


def test_another_process_at_an_address_is_not_the_daemon() -> None:
    holders = (*holding(OWN4), Holder(900, "chronyd", OWN6))
    assert [one.state.value for one in told(converged(holders=holders), "service.listens")] == ["warn"]


# --- the machine


def on(**parts: Any) -> Facts:
    return around(machine=replace(SURROUNDINGS.machine, **parts))


@pytest.mark.parametrize(
    ("parts", "warns"),
    [
        ({"stolen_percent": 9.9}, False),
        ({"stolen_percent": 10.0}, True),
        ({"stolen_percent": None}, False),
        ({"clocksource": "tsc"}, False),
        ({"clocksource": "acpi_pm"}, True),
        ({"clocksource": "hpet", "clocksources": ("hpet", "acpi_pm")}, False),
        ({"clocksource": "hpet", "clocksources": ("tsc", "hpet", "acpi_pm")}, True),
        ({"clocksource": "jiffies", "clocksources": ("jiffies",)}, True),
        ({"clocksource": "refined-jiffies", "clocksources": ("hpet", "refined-jiffies")}, True),
        ({"clocksource": "", "clocksources": ()}, False),
    ],
)
def test_a_machine_that_keeps_a_clock_badly(parts: dict[str, Any], warns: bool) -> None:
    assert judged(on(**parts)) == [*([("host.virtual", "warn")] if warns else []), OUTSIDE]


def test_a_better_clock_is_named() -> None:
    found = only(on(clocksource="acpi_pm"), "host.virtual", "warn")
    assert found.text == "the kernel reads the time from acpi_pm, which is slow, and kvm-clock is there"
    assert found.remedy.startswith("echo kvm-clock >/sys/devices/system/clocksource/clocksource0/current_clocksource; ")
    none = only(on(clocksource="jiffies", clocksources=("jiffies",)), "host.virtual", "warn")
    assert "give the machine another clock" in none.remedy


def test_stolen_time_is_a_number() -> None:
    found = only(on(stolen_percent=25.0), "host.virtual", "warn")
    assert found.measure is not None
    assert (found.measure.value, found.measure.unit, found.measure.warn) == (25.0, "%", 10.0)


@pytest.mark.parametrize(
    ("machine", "text"),
    [
        (Machine(), "no virtual machine"),
        (Machine(product="Supermicro X11", clocksource="tsc"), "no virtual machine (Supermicro X11), its clock is tsc"),
        (
            SURROUNDINGS.machine,
            "a virtual machine (QEMU Standard PC), its clock is kvm-clock, 0.4 % of its time went to others",
        ),
        (
            Machine(virtual=True, container="lxc"),
            "a virtual machine, in a container (lxc) that may set the clock",
        ),
    ],
)
def test_what_it_runs_on_is_told(machine: Machine, text: str) -> None:
    [found] = told(around(machine=machine), "host.virtual")
    assert (found.state, found.text) == (CheckState.OK, text)


def test_a_container_that_may_not_set_the_clock_is_warned_of() -> None:
    facts = converged(
        system__may_set_clock=False, system__container="lxc", surroundings__machine=Machine(container="lxc")
    )
    found = only(facts, "host.virtual", "warn")
    assert found.text == "this container (lxc) may not set the clock, so ntpd cannot keep it"


# --- leap seconds


def leap(**parts: Any) -> Facts:
    assert SURROUNDINGS.leapfile is not None
    return around(leapfile=replace(SURROUNDINGS.leapfile, **parts))


UPGRADE = "apt-get update; apt-get install --only-upgrade tzdata; if that brings none: curl -fo "


@pytest.mark.parametrize(
    ("parts", "remedy"),
    [
        ({"days": 28}, None),
        ({"days": 27}, UPGRADE),
        ({"days": 0}, UPGRADE),
        ({"days": -1}, UPGRADE),
        ({"days": None}, "apt-get install --reinstall tzdata; if that brings none: curl -fo "),
        ({"valid": False}, "apt-get install --reinstall tzdata; if that brings none: curl -fo "),
        ({"place": None}, "apt-get install --reinstall tzdata"),
        ({"place": Place(ROW.leapfile, 0, 0, "root:root", 0o640)}, f"chmod a+r {ROW.leapfile}"),
        ({"place": Place(ROW.leapfile, 0, 112, "root:ntpsec", 0o640)}, None),
        ({"path": "/srv/leap", "place": None}, "name another file, or none, instead (/etc/ntpsec/ntp.conf:7: leapfile"),
        ({"path": "/srv/leap", "days": -300}, "curl -fo /srv/leap https://data.iana.org/"),
    ],
)
def test_a_list_of_leap_seconds_that_does_not_do(parts: dict[str, Any], remedy: Optional[str]) -> None:
    facts = leap(**parts)
    if remedy is None:
        assert judged(facts) == [OUTSIDE]
    else:
        assert only(facts, "leapfile", "warn").remedy.startswith(remedy)


def test_an_expired_list_that_the_system_ships_is_explained() -> None:
    found = only(leap(days=-600, expires="2024-12-28"), "leapfile", "warn")
    assert found.text == (
        f"{ROW.leapfile} has expired on 2024-12-28: from then on ntpd knows of a leap second only by its upstreams; "
        "a newer tzdata brings a new one"
    )
    assert found.measure is not None
    assert (found.measure.value, found.measure.warn, found.measure.falls) == (-600, 28, True)


@pytest.mark.parametrize(
    ("parts", "state", "why"),
    [
        ({}, "warn", "no line names"),
        ({"days": 0}, "warn", "no line names"),
        ({"days": -1}, "ok", "has expired"),
        ({"valid": False}, "ok", "has no right hash"),
        ({"place": None, "valid": False, "days": None}, "ok", "is not there"),
    ],
)
def test_without_a_line_it_matters_only_where_there_is_a_good_list(parts: dict[str, Any], state: str, why: str) -> None:
    [found] = told(leap(line="", **parts), "leapfile")
    assert found.state.value == state
    assert why in found.text
    assert found.remedy == ("ntpjoin setup" if state == "warn" else "")


def test_that_no_line_names_one_is_told_only_where_all_lines_are_known() -> None:
    none = leap(line="")
    link = FileFact(b"", 0o777, "root:root", plain=False)
    assert told(none, "leapfile")
    assert not told(replace(none, files={**none.files, ROW.config: link}), "leapfile")
    assert not told(replace(none, unread=("/etc/ntp.d/more.conf",)), "leapfile")


def test_what_cannot_be_seen_of_it_is_unknown() -> None:
    unseen = {**converged().files, ROW.config: FileFact(b"", 0, "", unseen=True)}
    [found] = told(converged(files=unseen, surroundings__leapfile=None), "leapfile")
    assert (found.state.value, found.remedy) == ("unknown", "sudo ntpjoin verify")
    assert not told(converged(files={}, surroundings__leapfile=None), "leapfile")
    closed = leap(path="/root/leap", place=None)
    [found] = told(replace(closed, system=replace(closed.system, root=False)), "leapfile")
    assert found.state.value == "unknown"
