"""The list before joining: each point as it is found, and the net speed that a host can bear."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Optional

import pytest

from ntpjoin.board import Billboard
from ntpjoin.checks.evidence import Evidence
from ntpjoin.checks.joining import Door, country, doors, net_speed, points
from ntpjoin.checks.verify import judge
from ntpjoin.facts import Directive, Facts, Zone
from ntpjoin.firewall import Untracked
from ntpjoin.model import Check, CheckState, Wish
from ntpjoin.surroundings import Tracking
from tests.judged import GOOD, LEADS
from tests.sample import OWN4, OWN6, PINS, WISH, answered, changed, converged

PUBLIC4, PUBLIC6 = "8.8.8.8", "2a02:8::8"
TABLE = (
    "# a comment\nDE\t+5230+01322\tEurope/Berlin\tmost\nDE\t+4742+00841\tEurope/Busingen\nGB\t+51-00\tEurope/London\n"
)
BERLIN = Zone("Europe/Berlin", TABLE)
WELL = Wish(upstreams=WISH.upstreams)


def host(**parts: Any) -> Facts:
    """A good server with public addresses."""
    return converged(addresses=(PUBLIC4, PUBLIC6), **parts)


def states(
    facts: Facts,
    wish: Wish = WELL,
    checks: Optional[tuple[Check, ...]] = None,
    registered: Optional[dict[str, Optional[bool]]] = None,
    *,
    zone: Zone = BERLIN,
    young: bool = False,
) -> dict[str, tuple[str, str]]:
    """State and text of each point; of several of one kind the last."""
    made = checks if checks is not None else (Check("sync.peer", CheckState.OK, "well"),)
    found = points(facts, wish, made, registered or {}, zone, young=young)
    assert all(point.text and "\n" not in point.text for point in found)
    return {point.id: (point.state.value, point.text) for point in found}


def test_a_good_server_has_every_point() -> None:
    found = states(host(), checks=judge(converged(), WISH, PINS, GOOD), registered={PUBLIC4: False, PUBLIC6: True})
    assert {name: state for name, (state, _) in found.items()} == {
        "address": "ok", "static": "ok", "stratum": "ok", "verify": "ok", "outside": "unknown", "zone": "ok", "registered": "ok",
    }  # fmt: skip
    assert found["registered"][1] == f"the pool knows {PUBLIC6}"


@pytest.mark.parametrize(
    ("facts", "wish", "found"),
    [
        (host(), WELL, (Door(PUBLIC4, PUBLIC4), Door(PUBLIC6, PUBLIC6))),
        (converged(addresses=("10.0.0.7", PUBLIC6)), WELL, (Door(PUBLIC6, PUBLIC6),)),
        (converged(addresses=("10.0.0.7",)), WELL, ()),
        (
            converged(addresses=("10.0.0.7", "10.0.0.9")),
            replace(WELL, public_addresses=(PUBLIC4,)),
            (Door(PUBLIC4, ""),),
        ),
        (
            converged(addresses=("10.0.0.7",)),
            replace(WELL, public_addresses=(PUBLIC4, "9.9.9.9")),
            (Door(PUBLIC4, ""), Door("9.9.9.9", "")),
        ),
        (
            converged(addresses=("10.0.0.7", "fd00::7")),
            replace(WELL, public_addresses=(PUBLIC4, PUBLIC6)),
            (Door(PUBLIC4, "10.0.0.7"), Door(PUBLIC6, "fd00::7")),
        ),
        (
            converged(addresses=("1.1.1.9", "10.0.0.7")),
            replace(WELL, public_addresses=("9.9.9.9",)),
            (Door("9.9.9.9", ""),),
        ),
        (converged(addresses=("10.0.0.7",)), replace(WELL, public_addresses=(PUBLIC6,)), (Door(PUBLIC6, ""),)),
        (converged(addresses=(OWN4, OWN6)), WELL, ()),
        (converged(addresses=(OWN4, OWN6)), WISH, (Door(OWN4, OWN4), Door(OWN6, OWN6))),
    ],
)
def test_each_public_address_is_asked_from_its_own_side_where_that_is_sure(
    facts: Facts, wish: Wish, found: tuple[Door, ...]
) -> None:
    assert doors(facts, wish) == found
    state, text = states(facts, wish)["address"]
    assert state == ("fail" if not found else "ok" if found[-1].source else "warn")
    assert (found[-1].address if found else "no public address") in text


@pytest.mark.parametrize(
    ("system", "state"),
    [
        ({"stratum": 1}, "ok"),
        ({"stratum": 5}, "ok"),
        ({"stratum": 6}, "fail"),
        ({"stratum": 0}, "fail"),
        ({"leap": 3}, "fail"),
    ],
)
def test_a_server_is_added_with_stratum_1_to_5(system: dict[str, int], state: str) -> None:
    parts = {f"daemon__board__system__{name}": value for name, value in system.items()}
    assert states(host(**parts))["stratum"][0] == state
    if state == "fail":
        assert states(host(**parts), young=True)["stratum"][0] == "warn"


def test_without_a_daemon_nothing_has_a_stratum() -> None:
    assert states(host(daemon=None))["stratum"] == ("fail", "no ntpd tells its stratum here")


def test_a_daemon_that_may_not_tell_this_host_is_no_fault_that_setup_would_mend() -> None:
    line = Directive("/etc/ntpsec/ntp.d/x.conf", 3, ("restrict", "127.0.0.1", "ignore"))
    facts = host(daemon__board=Billboard(), directives=(line,))
    evidence = Evidence(answered(PUBLIC4, PUBLIC6), {PUBLIC4: (), PUBLIC6: ()}, LEADS)
    checks = judge(facts, WELL, PINS, evidence)
    [point] = [one for one in points(facts, WELL, checks, {}, BERLIN, young=False) if one.id == "stratum"]
    assert (point.state, point.text) == (CheckState.UNKNOWN, "ntpd does not tell this host its stratum")
    assert point.remedy.startswith("take line 3 out of /etc/ntpsec/ntp.d/x.conf")


OK, WARN, FAIL, UNKNOWN = CheckState.OK, CheckState.WARN, CheckState.FAIL, CheckState.UNKNOWN


@pytest.mark.parametrize(
    ("found", "state", "words"),
    [
        ((OK, OK), "ok", "none of 2 checks fails or warns"),
        ((OK, WARN), "warn", "no check fails, but these warn: x1"),
        ((OK, UNKNOWN), "unknown", "1 of 2 checks could not be made"),
        ((FAIL, WARN, FAIL), "fail", "2 of 3 checks fail: x0, x2"),
    ],
)
def test_what_verify_finds_is_told_in_a_line(found: tuple[CheckState, ...], state: str, words: str) -> None:
    checks = tuple(Check(f"x{number}", one, "text") for number, one in enumerate(found))
    assert states(host(), checks=checks)["verify"] == (state, words)
    if state == "fail":
        assert states(host(), checks=checks, young=True)["verify"][0] == "warn"


@pytest.mark.parametrize(("root", "remedy"), [(True, "ntpjoin verify"), (False, "sudo ntpjoin register")])
def test_who_is_root_already_is_told_to_look(root: bool, remedy: str) -> None:
    facts = changed(host(), system__root=root)
    found = points(facts, WELL, (Check("x", UNKNOWN, "text"),), {}, BERLIN, young=False)
    assert [one.remedy for one in found if one.id == "verify"] == [remedy]


@pytest.mark.parametrize(
    ("wish", "zone", "code"),
    [
        (WELL, BERLIN, "DE"),
        (WELL, Zone("Europe/London", TABLE), "GB"),
        (WELL, Zone("UTC", TABLE), ""),
        (WELL, Zone("", ""), ""),
        (WELL, Zone("Europe/Berlin", TABLE + "DK,NO\t+1+1\tEurope/Berlin\n"), ""),
        (replace(WELL, country="FR"), BERLIN, "FR"),
    ],
)
def test_the_country_is_told_or_that_of_the_time_zone(wish: Wish, zone: Zone, code: str) -> None:
    assert country(wish, zone) == code
    state, text = states(host(), wish, zone=zone)["zone"]
    assert state == ("ok" if code else "unknown")
    assert (f"its zone is {'uk' if code == 'GB' else code.lower()} " in text) is bool(code)


@pytest.mark.parametrize(
    ("known", "words"), [(True, "the pool knows"), (False, "does not know"), (None, "could not be told")]
)
def test_whether_the_pool_knows_it(known: Optional[bool], words: str) -> None:
    assert words in states(host(), registered={PUBLIC4: known})["registered"][1]


# --- the net speed


@pytest.mark.parametrize(
    ("most", "addresses", "kbit"),
    [
        (None, 1, 12000),
        (0, 1, 12000),
        (1024, 1, 512),
        (16_384, 1, 512),
        (32_768, 1, 512),
        (65_536, 1, 1500),
        (131_072, 1, 3000),
        (262_144, 1, 6000),
        (262_144, 2, 3000),
        (1_048_576, 1, 12000),
        (1 << 30, 2, 12000),
    ],
)
def test_the_table_of_connections_bears_what_is_begun_with(most: Optional[int], addresses: int, kbit: int) -> None:
    """12000 kbit/s of packets of 90 bytes are 16,667 a second, and each is remembered for 30 s."""
    facts = changed(host(), surroundings__tracking=None if most is None else Tracking(5, most))
    facts = replace(facts, addresses=facts.addresses[:addresses])
    found = net_speed(facts, WELL)
    assert found.kbit == kbit
    if most and most > 32_768:
        assert addresses * found.kbit * 1000 / 720 * 30 <= most
        assert f"({most}, each for 30 s" in found.why


def test_a_table_that_ntp_is_kept_out_of_bears_whatever_is_begun_with() -> None:
    kept = Untracked(out={"IPv4": True, "IPv6": True}, nft="/usr/sbin/nft")
    found = net_speed(changed(host(), surroundings__tracking=Tracking(5, 8192), firewall__untracked=kept), WELL)
    assert (found.kbit, found.why) == (12000, "NTP is kept out of connection tracking, so no table fills up")
    # On a host that masquerades those that ask from port 123 take their places in it, as `verify` says.
    for tracked in (replace(kept, out={"IPv4": True, "IPv6": False}), replace(kept, masquerades=True)):
        facts = changed(host(), surroundings__tracking=Tracking(5, 8192), firewall__untracked=tracked)
        found = net_speed(facts, WELL)
        assert (found.kbit, "(8192, each for 30 s" in found.why) == (512, True)


def test_who_shares_his_machine_begins_with_less() -> None:
    for parts in ({"container": "lxc"}, {"stolen_percent": 12.0}):
        facts = changed(
            host(),
            surroundings__tracking=None,
            **{f"surroundings__machine__{name}": value for name, value in parts.items()},
        )
        assert net_speed(facts, WELL).kbit == 1500
    small = changed(host(), surroundings__tracking=Tracking(5, 1024), surroundings__machine__container="lxc")
    assert net_speed(small, WELL).kbit == 512


def test_behind_nat_the_least_is_begun_with() -> None:
    facts = changed(converged(addresses=("10.0.0.7",)), surroundings__tracking=None)
    found = net_speed(facts, replace(WELL, public_addresses=(PUBLIC4,)))
    assert (found.kbit, "NAT" in found.why) == (512, True)
