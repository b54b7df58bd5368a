"""What to type where the service is not as it should be: exactly what mends it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ntpjoin.checks.service import log, service
from ntpjoin.facts import Facts, FileFact, Holder, Unit
from ntpjoin.host import ntpconf
from ntpjoin.model import Check
from tests.sample import ROW, converged

MINE = "/etc/ntpsec/ntp.d/local.conf"
RESTART = f", then: systemctl restart {ROW.unit}"
OR_OURS = f"{RESTART}; or, to have ntpjoin's configuration: ntpjoin setup --replace"


def told(facts: Facts, check: str) -> Check:
    return next(one for one in service(facts, ROW) if one.id == check)


def test_another_ntpd_that_holds_the_port_has_to_go_first() -> None:
    stopped = {ROW.unit: Unit(ROW.unit, "loaded", "enabled", "inactive")}
    facts = converged(units=stopped)
    assert facts.daemon is not None
    pid = facts.daemon.pid
    found = told(replace(facts, holders=(Holder(pid, "ntpd", "0.0.0.0"),)), "service.running")
    assert f"another ntpd does, and holds UDP 123 (process {pid})" in found.text
    assert found.remedy == f"kill {pid}; systemctl start {ROW.unit}"
    # One that does not hold it, in a container for instance, is left alone.
    assert told(replace(facts, holders=()), "service.running").remedy == f"systemctl start {ROW.unit}"


def test_who_is_masked_is_to_be_unmasked_first() -> None:
    runs = replace(converged().units[ROW.unit], load="masked", enabled="masked")
    masked, stopped = {ROW.unit: runs}, {ROW.unit: replace(runs, active="inactive", sub="dead", pid=0)}
    assert told(converged(units=masked), "service.enabled").remedy == (
        f"systemctl unmask {ROW.unit}; systemctl enable {ROW.unit}"
    )
    assert (
        told(converged(units=stopped, daemon=None), "service.running").remedy
        == f"systemctl unmask {ROW.unit}; ntpjoin setup"
    )
    files = {ROW.config: FileFact(b"server ntp1.example.net\n", 0o644, "root:root")}
    mine = converged(units=stopped, daemon=None, files=files, journal__written={})
    assert told(mine, "service.running").remedy == (
        f"systemctl unmask {ROW.unit}; systemctl enable {ROW.unit}; systemctl start {ROW.unit}"
    )


def test_what_setup_refuses_to_replace_is_not_said_to_be_mended_by_it() -> None:
    found = told(converged(daemon__config="/etc/other.conf"), "service.config")
    assert found.remedy == (
        f"take `-c /etc/other.conf` out of /etc/default/ntpsec or what systemctl cat {ROW.unit} shows, "
        f"then: systemctl restart {ROW.unit}"
    )
    assert told(converged(daemon__config=ROW.dhcp_config), "service.config").remedy == "ntpjoin setup"


def test_who_has_a_configuration_of_his_own_keeps_it_and_has_dhcp_ignored() -> None:
    files = {**converged().files, "/etc/default/ntpsec": None}
    assert told(converged(files=files), "service.dhcp").remedy == "ntpjoin setup"
    files[ROW.config] = FileFact(b"server ntp1.example.net\n", 0o644, "root:root")
    assert told(converged(files=files, journal__written={}), "service.dhcp").remedy == (
        'write IGNORE_DHCP="yes" into /etc/default/ntpsec; or, to have ntpjoin\'s configuration: ntpjoin setup --replace'
    )
    # One that reads DHCP's has to be started again, too.
    reads = converged(files=files, journal__written={}, daemon__config=ROW.dhcp_config)
    assert told(reads, "service.config").remedy == (
        f'write IGNORE_DHCP="yes" into /etc/default/ntpsec; systemctl restart {ROW.unit}; '
        "or, to have ntpjoin's configuration: ntpjoin setup --replace"
    )


def test_where_no_process_is_seen_the_next_look_is_named() -> None:
    assert told(converged(daemon=None), "service.config").remedy == f"systemctl status {ROW.unit}"
    hidden = converged(daemon=None, holders=None, system__root=False)
    assert told(hidden, "service.config").remedy == "sudo ntpjoin verify"
    assert "or this user may not see it (hidepid" in told(hidden, "service.config").text


def test_a_syntax_error_is_told_once_with_the_line_that_is_to_go() -> None:
    ntpsec = ("line 2 column 0 syntax error", f"syntax error in {MINE} line 2, column 0")
    [found] = log(ntpsec, converged(), ROW)
    assert found.text == f"ntpd complains: syntax error in {MINE} line 2, column 0"
    assert found.remedy == f"mend or take line 2 out of {MINE}, then: systemctl restart {ROW.unit}"
    # Another place is another error.
    assert len(list(log(("line 7 column 0 syntax error", *ntpsec), converged(), ROW))) == 2


def test_a_complaint_of_our_own_file_or_without_a_place_is_found_by_lint_or_in_the_log() -> None:
    complaints = (f"syntax error in {ROW.config} line 2, column 0", "restrict nopeer ignored")
    where = f"journalctl -u {ROW.unit}"
    seen = f"ntpjoin lint names the line; if it names none: {where}"
    assert {found.remedy for found in log(complaints, converged(), ROW)} == {seen}
    # Of ten lines with the same word it says the same ten times.
    assert len(list(log(("restrict nopeer ignored",) * 10, converged(), ROW))) == 1
    unread = converged(unread=(MINE,))
    assert {found.remedy for found in log(complaints, unread, ROW)} == {where}
    files = {ROW.config: FileFact(b"server ntp1.example.net\nrestric\n", 0o644, "root:root")}
    [found, _] = log(complaints, converged(files=files), ROW)
    assert found.remedy == f"mend or take line 2 out of {ROW.config}, then: systemctl restart {ROW.unit}"


@pytest.mark.parametrize(
    ("own", "remedy"),
    [
        (
            "# mine\nserver gone.example.net iburst\n",
            f"mend gone.example.net in line 2 of {ROW.include}, or take that out",
        ),
        ("", "mend gone.example.net in your own lines"),
    ],
)
def test_a_name_that_classic_ntpd_has_given_up_is_told_with_its_line(own: str, remedy: str) -> None:
    complaint = "ntpd[7]: giving up resolving host gone.example.net: Name or service not known (-2)"
    [found] = log((complaint,), converged(directives=ntpconf.directives(ROW.include, own)), ROW)
    assert found.remedy == f"{remedy}; then, or where DNS knows it by now: systemctl restart {ROW.unit}"


STATISTICS = "statistics directory {} does not exist or is unwriteable, error No such file or directory"


@pytest.mark.parametrize(
    ("main", "own", "folder", "remedy"),
    [
        ("", "", "/var/log/ntpsec/", f"write `statsdir {ROW.stats}` into {ROW.include}{OR_OURS}"),
        (
            "# mine\nstatsdir /srv/ntp\n",
            "",
            "/srv/ntp/",
            f"write `statsdir {ROW.stats}` in place of line 2 of {ROW.config}{OR_OURS}",
        ),
        (
            "statsdir /srv/ntp\n",
            "statsdir /srv/other\n",
            "/srv/other/",
            f"write `statsdir {ROW.stats}` in place of line 1 of {ROW.include}{RESTART}",
        ),
        (
            f"statsdir {ROW.stats}\n",
            "",
            ROW.stats,
            f"install -d -o ntpsec -g ntpsec {ROW.stats}; systemctl restart {ROW.unit}",
        ),
    ],
)
def test_where_ntpsec_lacks_a_folder_for_statistics_line_or_folder_is_named(
    main: str, own: str, folder: str, remedy: str
) -> None:
    files = {ROW.config: FileFact(main.encode(), 0o644, "root:root")}
    facts = converged(files=files, directives=ntpconf.directives(ROW.include, own), journal__written={})
    [found] = log((STATISTICS.format(folder),), facts, ROW)
    assert found.remedy == remedy


def test_the_packages_own_configuration_which_lacks_that_line_is_replaced_by_ours() -> None:
    stock = {ROW.config: FileFact(b"driftfile /var/lib/ntpsec/ntp.drift\n", 0o644, "root:root", stock=True)}
    complaint = STATISTICS.format("/var/log/ntpsec/")
    [found] = log((complaint,), converged(files=stock, journal__written={}), ROW)
    assert found.remedy == "ntpjoin setup"
    # What another file lacks is not to be written into this one.
    [found] = log((complaint,), converged(files=stock, journal__written={}, daemon__config=ROW.dhcp_config), ROW)
    assert found.remedy == f"journalctl -u {ROW.unit}"


def test_who_holds_the_port_instead_is_told_and_where_to_look() -> None:
    other = told(converged(holders=(Holder(9, "python3", "0.0.0.0"), Holder(9, "python3", "::"))), "service.port")
    assert other.text == "ntpd does not hold UDP 123, but python3 (process 9) does"
    assert other.remedy.startswith("look at: ss -ulpn 'sport = 123'; ")
    assert told(converged(holders=()), "service.port").text == "ntpd does not hold UDP 123, and nobody does"
    assert told(converged(holders=None), "service.port").remedy == "sudo ntpjoin verify"
