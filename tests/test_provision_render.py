"""What is rendered, byte for byte."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from ntpjoin import __version__
from ntpjoin.host import distros
from ntpjoin.host.monitor import SERVICE, UNITS
from ntpjoin.provision import render
from ntpjoin.provision.render import mru_kb, ntp_conf, unit_text
from tests.sample import NAMES, PINS, ROW

GOLDEN = Path(__file__).parent / "golden"

ROWS = {row.name: row for row in distros.ROWS}
CLASSIC = ROWS["debian-11"]


@pytest.mark.parametrize("name", ["debian-11", "debian-12", "el-9", "opensuse-leap-15", "arch"])
def test_the_file_for_each_family_is_this_one_byte_for_byte(name: str) -> None:
    assert ntp_conf(ROWS[name], PINS, leapfile=True) == (GOLDEN / f"{name}-ntp.conf").read_text()


def test_the_same_input_gives_the_same_bytes() -> None:
    assert ntp_conf(ROW, PINS, leapfile=True) == ntp_conf(ROW, PINS, leapfile=True)


def test_no_date_and_no_version_stands_in_it() -> None:
    text = ntp_conf(ROW, PINS, leapfile=True)
    assert __version__ not in text
    assert not re.search(r"20\d\d-|\d\d:\d\d:\d\d", text)


@pytest.mark.parametrize(("count", "minsane", "minclock"), [(3, 2, 3), (4, 3, 4), (5, 3, 4), (6, 4, 5), (7, 4, 5)])
def test_more_than_half_must_agree_and_thinning_out_leaves_more(count: int, minsane: int, minclock: int) -> None:
    pins = tuple(replace(PINS[0], address=f"192.0.2.{number}") for number in range(1, count + 1))
    text = ntp_conf(ROW, pins, leapfile=True)
    assert f"\ntos minsane {minsane} minclock {minclock} maxclock 10\n" in text
    assert text.count("\nserver ") == count


def test_what_an_operator_asks_of_packets_stands_on_his_line() -> None:
    text = ntp_conf(ROW, (replace(PINS[0], minpoll=8, iburst=False), *PINS[1:]), leapfile=True)
    assert f"\nserver {PINS[0].address} minpoll 8  # {PINS[0].name}\n" in text
    assert f"\nserver {PINS[1].address} iburst  # {PINS[1].name}\n" in text


@pytest.mark.parametrize(
    ("memory_kb", "kb"),
    [
        *((0, 0), (1, 0), (131_072, 0), (204_799, 0), (204_800, 2048)),
        # As kernels of machines with 512 MB, 1, 2, 4 and 8 GB tell.
        *((480_000, 4096), (524_288, 4096), (960_000, 8192), (1_048_576, 8192), (1_990_000, 16384), (4_000_000, 32768)),
        *((8_000_000, 65536), (64_000_000, 65536)),
    ],
)
def test_the_list_of_clients_may_take_a_part_of_the_memory(memory_kb: int, kb: int) -> None:
    assert mru_kb(memory_kb) == kb
    text = ntp_conf(ROW, PINS, leapfile=True, memory_kb=memory_kb)
    assert (f"\nmru maxmem {kb}\n" in text) is bool(kb)
    assert ("mru" in text) is bool(kb)


def test_what_a_kernel_leaves_of_the_memory_changes_nothing() -> None:
    for megabytes in (256, 512, 768, 1024, 1536, 2048, 3072, 4096, 6144, 8192):
        told = {mru_kb(megabytes * 1024 * percent // 100) for percent in range(85, 101)}
        assert len(told) == 1, megabytes


@pytest.mark.parametrize("unit", UNITS)
def test_the_units_of_the_daily_check_are_these_byte_for_byte(unit: str) -> None:
    text = unit_text(unit, ("/usr/bin/python3", "/usr/local/lib/ntpjoin/ntpjoin.pyz"))
    assert text == (GOLDEN / unit).read_text()
    assert __version__ not in text


@pytest.mark.parametrize("unit", UNITS)
def test_metrics_are_the_services_alone(unit: str) -> None:
    plain, measured = (unit_text(unit, ("/usr/bin/x",), path) for path in ("", "/srv/m/ntpjoin.prom"))
    assert (plain == measured) is (unit != SERVICE)
    if unit == SERVICE:
        assert measured == (GOLDEN / "ntpjoin-verify-metrics.service").read_text()


def test_the_daily_check_starts_the_program_as_it_was_started() -> None:
    started = unit_text(SERVICE, ("/opt/venv/bin/python", "-m", "ntpjoin"))
    assert "\nExecStart=/opt/venv/bin/python -m ntpjoin verify --strict --quiet\n" in started


def test_a_leapfile_is_named_only_where_it_is_valid() -> None:
    assert f"\nleapfile {ROW.leapfile}\n" in ntp_conf(ROW, PINS, leapfile=True)
    assert "leapfile" not in ntp_conf(ROW, PINS, leapfile=False)


def test_every_file_ends_with_a_line_end_and_has_no_blank_ends() -> None:
    for row in (ROW, CLASSIC):
        text = ntp_conf(row, PINS, leapfile=True)
        assert text.endswith("\n")
        assert "\n\n\n" not in text
        assert not re.search(r"[ \t]\n", text)
        assert all(f"  # {name}\n" in text for name in NAMES)


def test_an_undefined_variable_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render, "template", lambda _: "{{ drift }} {{ no_such_thing }}")
    with pytest.raises(UndefinedError, match="no_such_thing"):
        ntp_conf(ROW, PINS, leapfile=True)


def test_the_template_is_found_beside_the_package_and_inside_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "{{ drift }}" in render.template("ntp.conf.j2")
    monkeypatch.setattr("pkgutil.get_data", lambda _package, name: f"packaged {name}".encode())
    assert render.template("ntp.conf.j2") == "packaged templates/ntp.conf.j2"
