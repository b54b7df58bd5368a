"""Monitoring reads what `verify` prints for it as it was meant: promtool every page of metrics, Icinga 2's core every line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ntpjoin.facts import Setter
from ntpjoin.show import nagios, prometheus
from ntpjoin.show.report import Report
from tests.lab import Server
from tests.outputs import HEALTHY, HOSTILE, MEASURES, hostile
from tests.read_back import plugin_line
from tests.real import operator
from tests.real.monitors import Datum, Taken, icinga, promtool
from tests.sample import BOARD, converged
from tests.test_cli_formats import FAILING, SETTLING, UNSUPPORTED
from tests.test_show_prometheus import NOW
from tests.typed import Typed

pytestmark = pytest.mark.real

WARNING = {"setters": (Setter("ntpdate", "/etc/cron.d/ntpdate", "rm /etc/cron.d/ntpdate"),)}

#: What is typed behind `verify`, on which host.
TYPED: dict[str, tuple[str, dict[str, Any]]] = {
    "healthy": ("", {}),
    "a fault": ("", FAILING),
    "settling": ("", SETTLING),
    "a warning": ("", WARNING),
    "a warning that counts": ("--strict", WARNING),
    "blocked": ("", UNSUPPORTED),
    "a wrong option": ("--bogus", {}),
}
REPORTS = {
    "every kind of number": Report(0, MEASURES, BOARD),
    **{f"{name} in every text": hostile(text) for name, text in HOSTILE.items()},
}
UNITS = {"s": "seconds", "%": "percent", "": ""}


# --- promtool


@pytest.mark.parametrize("name", TYPED)
def test_promtool_accepts_what_is_printed(typed: Typed, name: str) -> None:
    words, parts = TYPED[name]
    typed.host(converged(**parts))
    typed(f"verify --format prometheus {words}")
    accepted(typed.out)


@pytest.mark.parametrize("name", REPORTS)
def test_promtool_accepts_every_text(name: str) -> None:
    accepted(prometheus.page(REPORTS[name], NOW))


def accepted(page: str) -> None:
    assert page.startswith("# HELP ntpjoin_")
    done = promtool(page, print)
    assert (done.code, done.out + done.err) == (0, ""), page


def test_promtool_would_not_accept_everything() -> None:
    page = prometheus.page(HEALTHY, NOW)
    bad = {
        "a series twice": page + page,
        "no help": page.replace("# HELP ntpjoin_system_leap", "# ntpjoin_system_leap"),
        "an escape": page.replace('name="', 'name="\\x', 1),
        "no last newline": page[:-1],
    }
    assert [name for name, text in bad.items() if promtool(text, print).code == 0] == []


# --- Icinga 2


def test_a_core_takes_every_line_as_it_was_meant(typed: Typed, tmp_path: Path) -> None:
    printed = {name: (nagios.line(report), nagios.status(report)) for name, report in REPORTS.items()}
    for name, (words, parts) in TYPED.items():
        typed.host(converged(**parts))
        code = typed(f"verify --format nagios {words}")
        printed[name] = (typed.out, code)
    took = icinga(printed, tmp_path, print)
    assert took == {name: meant(line, code) for name, (line, code) in printed.items()}
    states = {name: taken.state for name, taken in took.items() if name in TYPED}
    assert states == dict(zip(TYPED, (0, 2, 1, 1, 2, 3, 3)))
    assert took["healthy"].text.startswith("OK: synchronised to ")
    assert took["every kind of number"].data == {
        "sync.offset": Datum(0.0004, "seconds", 0.03, 0.06),
        "sync.stratum": Datum(3, "", 5, 7),
        "sync.survivors": Datum(5, "", None, None),
        "load.conntrack": Datum(81.25, "percent", 80, 95),
        "leapfile": Datum(-1.5e-7, "seconds", None, None),
        "huge": Datum(1e12, "", None, None),
    }


def meant(line: str, code: int) -> Taken:
    """What our own reading of the guidelines makes of a line."""
    told, _, _ = line.rstrip("\n").partition("|")
    return Taken(code, told, {label: datum(words) for label, words in plugin_line(line)[2].items()})


def datum(words: str) -> Datum:
    value, *limits = words.split(";")
    number = value.rstrip("s%")
    warn, fail = [float(limit) if limit and not {*limit} & {*":@"} else None for limit in (*limits, "", "")[:2]]
    return Datum(float(number), UNITS[value[len(number) :]], warn, fail)


def test_a_core_would_not_take_everything(tmp_path: Path) -> None:
    bad = {
        "no number": ("OK: so | 'x'=U 'y'=1\n", 0),
        "two pipes": ("OK: so | or | 'y'=1\n", 0),
        "a code": ("OK: so\n", 9),
    }
    took = icinga(bad, tmp_path, print)
    assert took["no number"] == Taken(0, "OK: so ", {"y": Datum(1, "", None, None)}, refused=("x=U",))
    assert "y" not in took["two pipes"].data
    assert took["a code"].state == 3


# --- what a server prints


def test_a_real_server(member: Server, tmp_path: Path) -> None:
    page = operator.ntpjoin(member, "verify", "--wait", "60", "--format", "prometheus", timeout=150)
    assert page.code == 0, page.err
    accepted(page.out)
    line = operator.ntpjoin(member, "verify", "--format", "nagios", timeout=90)
    took = icinga({"member": (line.out, line.code)}, tmp_path, print)["member"]
    assert took == meant(line.out, line.code)
    assert took.state in {0, 1}, line.out
    assert {"sync.offset", "sync.stratum", "sync.survivors"} <= took.data.keys()
