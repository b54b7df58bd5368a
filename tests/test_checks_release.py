"""Which ntpd is fit for the pool: a distribution's package is judged by its revision, all else by upstream's number."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ntpjoin.checks.release import FAULTS
from ntpjoin.checks.verify import judge
from ntpjoin.checks.versions import numbers, revision_key, upstream, version_key
from ntpjoin.facts import Directive, Facts
from ntpjoin.host.distros import ROWS
from ntpjoin.model import Check, Wish
from tests.hostile import SETTINGS
from tests.judged import GOOD, OUTSIDE, judged
from tests.sample import PINS, SYSTEM_VARS, converged

ROW_OF = {row.name: row for row in ROWS}
LIMITED = Directive("/etc/x.conf", 1, ("restrict", "default", "limited"))


def of(row: str, package: str, says: str = "", **parts: Any) -> Facts:
    """A host of this row with the daemon's package at this revision, and a daemon that says this of itself, or nothing."""
    name = ROW_OF[row].packages[0]
    facts: Facts = converged(
        system__row=ROW_OF[row],
        packages__installed={"libc6": "2.36", **({name: package} if package else {})},
        daemon__board__system=replace(SYSTEM_VARS, version=says) if says else None,
        **parts,
    )
    return facts


def versions(facts: Facts) -> list[Check]:
    return [check for check in judge(facts, Wish(), PINS, GOOD) if check.id == "service.version"]


@pytest.mark.parametrize(
    ("row", "package", "says", "state"),
    [
        # What the supported systems ship.
        ("debian-11", "1:4.2.8p15+dfsg-1", "ntpd 4.2.8p15@1.3728-o Wed Sep 23 11:46:38 UTC 2020 (1)", "ok"),
        ("debian-12", "1.2.2+dfsg1-1+deb12u1", "ntpd ntpsec-1.2.2", "ok"),
        ("debian-13", "1.2.3+dfsg1-8", "ntpd ntpsec-1.2.3", "ok"),
        ("ubuntu-22.04", "1:4.2.8p15+dfsg-1ubuntu2", "ntpd 4.2.8p15@1.3728-o", "ok"),
        ("ubuntu-24.04", "1.2.2+dfsg1-4build2", "ntpd ntpsec-1.2.2", "ok"),
        ("ubuntu-26.04", "1.2.3+dfsg1-8", "ntpd ntpsec-1.2.3", "ok"),
        ("el-9", "1.2.2a-1.el9", "ntpd ntpsec-1.2.2a", "ok"),
        ("el-9", "1.2.3-2.el9", "ntpd ntpsec-1.2.3", "ok"),
        ("opensuse-leap-15", "4.2.8p17-150000.4.27.1", "ntpd 4.2.8p17@1.4004-o", "ok"),
        ("opensuse-tumbleweed", "4.2.8p18-1.4", "ntpd 4.2.8p18@1.4062-o", "ok"),
        ("arch", "4.2.8.p18-6", "ntpd 4.2.8p18@1.4062-o", "ok"),
        # What lacks a fix, by the table, and what the table does not know.
        ("debian-12", "1.2.2+dfsg1-1", "ntpd ntpsec-1.2.2", "warn"),
        ("ubuntu-24.04", "1.2.2+dfsg1-1", "ntpd ntpsec-1.2.2", "warn"),
        ("ubuntu-20.04", "1:4.2.8p12+dfsg-3ubuntu4.20.04.1", "ntpd 4.2.8p12@1.3728-o", "warn"),
        ("ubuntu-20.04", "1:4.2.8p12+dfsg-3ubuntu4.20.04.1+esm1", "ntpd 4.2.8p12@1.3728-o", "unknown"),
        ("el-9", "1.2.2-1.el9", "ntpd ntpsec-1.2.2", "unknown"),
        ("opensuse-leap-15", "4.2.8p13-1", "ntpd 4.2.8p13@1.3847-o", "unknown"),
        # The daemon does not tell of itself: its package does.
        ("debian-12", "1.2.2+dfsg1-1", "", "warn"),
        ("debian-12", "1.2.2+dfsg1-1+deb12u1", "", "ok"),
        # One that somebody built.
        ("debian-11", "", "ntpd 4.2.8p17@1.4004-o", "warn"),
        ("debian-11", "", "ntpd 4.2.8p18@1.4062-o", "ok"),
        ("debian-11", "1:4.2.8p15+dfsg-1", "ntpd 4.2.8p14@1.3728-o", "warn"),
        ("debian-11", "1:4.2.8p15+dfsg-1", "ntpd ntpsec-1.2.2", "warn"),
        ("debian-12", "1.2.2+dfsg1-1+deb12u1", "ntpd ntpsec-1.2.1", "warn"),
        ("debian-12", "1.2.2+dfsg1-1+deb12u1", "ntpd ntpsec-1.2.5+1", "ok"),
        ("debian-12", "1.2.2+dfsg1-1+deb12u1", "something else", "ok"),
    ],
)
def test_an_ntpd_is_judged_by_what_mends_it(row: str, package: str, says: str, state: str) -> None:
    assert [check.state.value for check in versions(of(row, package, says))] == [state]


def test_each_verdict_says_what_to_type() -> None:
    [found] = versions(of("debian-12", "1.2.2+dfsg1-1", "ntpd ntpsec-1.2.2"))
    assert found.text == (
        "NTPsec 1.2.2 (package 1.2.2+dfsg1-1): a client that asks with NTS makes it crash (CVE-2023-4012); "
        "1.2.2+dfsg1-1+deb12u1 has the fix"
    )
    assert found.remedy == "apt-get update; apt-get install --only-upgrade ntpsec"
    [found] = versions(of("el-9", "1.2.2-1.el9", "ntpd ntpsec-1.2.2"))
    assert found.remedy == "look for it in: rpm -q --changelog ntpsec"
    [found] = versions(of("ubuntu-20.04", "1:4.2.8p12+dfsg-3ubuntu4.20.04.1", "ntpd 4.2.8p12@1.3728-o"))
    assert found.text.endswith("(CVE-2020-13817), and Ubuntu 20.04 (focal) has no fix")
    [found] = versions(of("arch", "", "ntpd 4.2.8p10@1"))
    assert (
        found.text == "ntpd 4.2.8p10, which is no package of this system, is older than 4.2.8p18, which has all fixes"
    )


def test_whose_build_it_is_may_not_be_known() -> None:
    """Where the package manager tells nothing."""
    facts = of("debian-11", "", "ntpd 4.2.8p17@1.4004-o")
    assert [one.state.value for one in versions(replace(facts, packages=type(facts.packages)()))] == ["unknown"]


@pytest.mark.parametrize(
    ("says", "limited", "states"),
    [
        ("ntpd 4.2.8p8@1", True, ["fail", "warn"]),
        ("ntpd 4.2.8p8@1", False, ["warn"]),
        ("ntpd 4.2.8p9@1", True, ["warn"]),
        ("ntpd 4.2.8@1", True, ["fail", "warn"]),
        ("ntpd 4.2.6p5@1", True, ["fail", "warn"]),
    ],
)
def test_limited_before_p9_limits_the_daemons_own_upstreams(says: str, limited: bool, states: list[str]) -> None:
    facts = of("debian-11", "", says, files={}, directives=(LIMITED,) if limited else ())
    found = versions(facts)
    assert [check.state.value for check in found] == states
    assert not limited or states[0] != "fail" or "CVE-2016-7426" in found[0].text


def test_a_daemon_that_was_not_started_again_after_its_upgrade_is_told() -> None:
    facts = converged(surroundings__replaced=True)
    assert judged(facts) == [("service.version", "warn"), OUTSIDE]
    assert [one.remedy for one in versions(facts)] == ["systemctl restart ntpsec.service"]


def test_without_an_ntpd_nothing_is_said_of_it() -> None:
    facts = of("debian-12", "", "ntpd ntpsec-1.2.3")
    assert versions(replace(facts, daemon=None)) == []


def test_what_is_known_of_a_package_is_of_a_row_with_that_engine() -> None:
    for fault in FAULTS:
        assert {ROW_OF[name].engine for name in fault.rows} == {fault.engine}
        assert all(bool(known.has) != bool(known.lack) for known in fault.rows.values())


# --- versions


@pytest.mark.parametrize(
    "versions_in_order",
    [
        ("4.2.6p5", "4.2.8", "4.2.8p8", "4.2.8p9", "4.2.8p10", "4.2.8p18", "4.3.100"),
        ("1.1.9", "1.2.2", "1.2.2a", "1.2.3", "1.2.10", "2"),
    ],
)
def test_upstreams_versions_are_in_order(versions_in_order: tuple[str, ...]) -> None:
    keys = [version_key(one) for one in versions_in_order]
    assert all(one < following for one, following in zip(keys, keys[1:]))


def test_packages_versions_are_in_order() -> None:
    """As `dpkg --compare-versions` has them."""
    order = (
        *(
            "1.0~rc1-1",
            "1.0",
            "1.0-1~bpo1",
            "1.0-1",
            "1.0-1ubuntu1",
            "1.0-1+deb12u1",
            "1.0-1+deb12u2",
            "1.0-1.1",
            "1.0-2",
        ),
        *("1.0-10", "1.0a-1", "1.0+dfsg-1", "1.2-1", "1.10-1", "1:0.1-1"),
    )
    keys = [revision_key(one) for one in order]
    assert all(one < following for one, following in zip(keys, keys[1:]))


@pytest.mark.parametrize(
    ("revision", "version"),
    [
        ("1:4.2.8p15+dfsg-1", "4.2.8p15"),
        ("1.2.2+dfsg1-1+deb12u1", "1.2.2"),
        ("4.2.8.p18-6", "4.2.8p18"),
        ("4.2.8p17-150000.4.27.1", "4.2.8p17"),
        ("1.2.2a-1.el9", "1.2.2a"),
        ("", ""),
    ],
)
def test_upstreams_part_of_a_packages_version(revision: str, version: str) -> None:
    assert upstream(revision) == version


@SETTINGS
@given(one=st.text(max_size=40), other=st.text("0123456789.:-+~ap٣", max_size=5000))
def test_whatever_a_version_looks_like_it_has_a_place(one: str, other: str) -> None:
    for key in (version_key, revision_key, numbers):
        assert (key(one) < key(other)) + (key(other) < key(one)) + (key(one) == key(other)) == 1  # type: ignore[operator]
    assert isinstance(upstream(other), str)
    assert versions(of("debian-12", other, f"ntpd {one}")) is not None
