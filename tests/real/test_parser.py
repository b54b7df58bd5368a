"""Whatever passes the grammar and reaches the template: ntpd's own parser reads exactly the lines meant.

The judges are NTPsec 1.2.2, asked over mode 6 what it follows and whom it lets in, and classic ntpd 4.2.8p15 of Debian 11, which
writes down what its parser understood (`--saveconfigquit`). What NTPsec took from `tos` and `leapfile` it tells nobody; of these we
know that it did not complain, and that it read on: what is asked for stands before and behind them.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Callable

import pytest
from hypothesis import given, settings

from ntpjoin.board import majority
from ntpjoin.host import ntpd
from ntpjoin.host.distros import ROWS
from ntpjoin.model import Pin
from ntpjoin.provision import render
from ntpjoin.provision.render import ntp_conf
from ntpjoin.upstreams.rules import parse_named
from tests.hostile import CASES, SETTINGS, Case, Parse, Tally
from tests.lab import Lab
from tests.lab.namespaces import STATE
from tests.lab.trees import tree

JUDGE = Path(__file__).with_name("judge.py")
NTPSEC = next(row for row in ROWS if row.engine == "ntpsec")
#: Its include file is the judge's.
CLASSIC = replace(next(row for row in ROWS if row.engine == "classic"), include="/run/local.conf")

FEW, MANY = 40, 600

#: That of a machine with 1 GB.
MEMORY_KB = 1_000_000

Read = Callable[[str], dict[str, Any]]


class Judge:
    """The daemon in a network of its own, without the right to set the clock; reads one configuration after the other."""

    def __init__(self, lab: Lab, root: Path, engine: str) -> None:
        words = ["unshare", "--net", "--mount", "--propagation", "private"]
        words += ["setpriv", "--bounding-set=-sys_time", "--inh-caps=-sys_time"]
        words += ["chroot", str(root), "python3", "-c", JUDGE.read_text(), engine]
        self.process = subprocess.Popen(
            lab.sandbox.argv(words), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
        )

    def __call__(self, text: str) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(text) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        assert isinstance(answer, dict)
        return answer

    def close(self) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(timeout=30)


@pytest.fixture(scope="module")
def ntpsec(lab: Lab) -> Iterator[Read]:
    judge = Judge(lab, STATE / "net", "ntpsec")
    yield judge
    judge.close()


@pytest.fixture(scope="module")
def classic(lab: Lab) -> Iterator[Read]:
    judge = Judge(lab, tree("bullseye", lab.log), "classic")
    yield judge
    judge.close()


def heard_without_complaint(read: Read, text: str) -> dict[str, Any]:
    answer = read(text)
    assert not [line for line in answer["said"].splitlines() if ntpd.complaint(line)], (answer["said"], text)
    return answer


def meant_for_ntpsec(read: Read, case: Case, pins: tuple[Pin, ...]) -> None:
    """Fails where the daemon did not read what was meant."""
    text = ntp_conf(NTPSEC, pins, leapfile=case.leapfile, memory_kb=MEMORY_KB)
    answer = heard_without_complaint(read, text)
    expected = [{"srcadr": pin.address, "srcport": 123, "hmode": 3, "keyid": 0} for pin in pins]
    assert sorted(answer["peers"], key=str) == sorted(expected, key=str), text
    world, everything = "noquery nomodify limited kod", ""
    # The daemon ignores its own packets on each of its addresses, of its own accord.
    assert sorted(rule for rule in answer["rules"] if "ntpport interface ignore" not in rule) == [
        f"0.0.0.0/0.0.0.0 {world}",
        f"127.0.0.1/255.255.255.255 {everything}",
        f"::/:: {world}",
        f"::1/ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff {everything}",
    ], text


def meant_for_classic(read: Read, case: Case, pins: tuple[Pin, ...]) -> None:
    """The same; here every statement can be compared."""
    text = ntp_conf(CLASSIC, pins, leapfile=case.leapfile, memory_kb=MEMORY_KB)
    answer = heard_without_complaint(read, text)
    open_to_all = "ippeerlimit -1 kod limited nomodify nopeer noquery notrap"
    minsane = majority(len(pins))
    assert sorted(answer["understood"]) == sorted([
        f'driftfile "{CLASSIC.drift}"',
        f'statsdir "{CLASSIC.stats}"',
        *([f'leapfile "{CLASSIC.leapfile}" checkhash'] if case.leapfile else []),
        f"tos minsane {minsane} minclock {min(len(pins), minsane + 1)} maxclock 10",
        "mru maxmem 8192",
        *[f"server {pin.address} iburst" for pin in pins],
        "server 192.0.2.251",
        f"restrict -4 default {open_to_all}",
        f"restrict -6 default {open_to_all}",
        "restrict source ippeerlimit -1 nomodify noquery notrap",
        "restrict 127.0.0.1 ippeerlimit -1",
        "restrict ::1 ippeerlimit -1",
    ]), (answer["said"], text)  # fmt: skip


Meant = Callable[[Read, Case, tuple[Pin, ...]], None]
JUDGES: dict[str, Meant] = {"ntpsec": meant_for_ntpsec, "classic": meant_for_classic}


def examine(read: Read, meant: Meant, most: int, parse: Parse = parse_named) -> Tally:
    """So many configurations; raises what `meant` raises for the first that is read differently."""
    tally, files = Tally(), [0]

    @settings(SETTINGS, max_examples=most)
    @given(CASES)
    def each(case: Case) -> None:
        pins = case.pins(parse, tally)
        if pins:
            files[0] += 1
            meant(read, case, pins)

    each()
    print(f"{files[0]} configurations read; {tally}")
    assert files[0] >= most * 0.9
    return tally


@pytest.mark.real
@pytest.mark.parametrize("engine", JUDGES)
def test_the_daemon_reads_exactly_the_lines_meant(request: pytest.FixtureRequest, engine: str) -> None:
    tally = examine(request.getfixturevalue(engine), JUDGES[engine], FEW)
    assert 0.3 < tally.accepted / tally.typed < 0.9


@pytest.mark.campaign
@pytest.mark.parametrize("engine", JUDGES)
def test_the_daemon_reads_exactly_the_lines_meant_of_many(request: pytest.FixtureRequest, engine: str) -> None:
    examine(request.getfixturevalue(engine), JUDGES[engine], MANY)


BROKEN = {
    "the name outside its comment": ("  # {{ pin.name }}", " {{ pin.name }}"),
    "the name for the address": ("server {{ pin.address }}", "server {{ pin.name }}"),
    "an upstream left out": ("{% for pin in pins %}", "{% for pin in pins[1:] %}"),
    "a pool instead of a server": ("server {{ pin", "pool {{ pin"),
    "restrict without limited": ("restrict {{ restrict }}", "restrict {{ restrict | replace(' limited', '') }}"),
    "no restrict at the end": ("::1", "::2"),
}


@pytest.mark.real
@pytest.mark.parametrize("engine", JUDGES)
@pytest.mark.parametrize("fault", BROKEN)
def test_a_broken_template_is_caught(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, engine: str, fault: str
) -> None:
    good, bad = BROKEN[fault]
    template = render.template("ntp.conf.j2")
    assert good in template
    monkeypatch.setattr(render, "template", lambda _: template.replace(good, bad))
    case = Case(("ntp1.example.net", "ntp2.example.net", "ntp3.example.net"), ("192.0.2.1", "2001:db8::2", "192.0.2.3"))
    with pytest.raises(AssertionError):
        JUDGES[engine](request.getfixturevalue(engine), case, case.pins(parse_named, Tally()))


@pytest.mark.real
@pytest.mark.parametrize("engine", JUDGES)
def test_a_grammar_that_takes_everything_is_caught(request: pytest.FixtureRequest, engine: str) -> None:
    with pytest.raises(AssertionError):
        examine(request.getfixturevalue(engine), JUDGES[engine], FEW, parse=lambda text: text)
