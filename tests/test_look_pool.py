"""What the pool's site tells becomes a record, or is refused in one line, whatever it is."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ntpjoin.errors import WireError
from ntpjoin.look import pool
from ntpjoin.look.pool import Checked, Monitor, Record, Remark
from tests.hostile import SETTINGS

FOUR = "203.0.113.7"
PAGE: dict[str, Any] = {
    "history": [
        {"ts": 1_753_431_700, "step": 1, "score": 20, "monitor_id": 24},
        {"ts": 1_753_431_667, "offset": -0.000267, "step": 1, "score": 20, "monitor_id": 126, "rtt": 18.865},
        {"ts": 1_753_431_601, "step": -5, "score": 14.25, "monitor_id": 127},
    ],
    "monitors": [
        {"id": 24, "name": "recentmedian", "type": "score", "ts": "2025-07-25T08:21:40Z", "score": 20, "status": "active"},
        {"id": 126, "name": "zakim1-yfhw4a", "type": "monitor", "score": 20, "status": "active", "avg_rtt": 18.9},
        {"id": 127, "name": "defra1-1a2b3c", "type": "monitor", "ts": "2025-07-25T08:20:01Z", "score": 14.3, "status": "testing"},
    ],
    "server": {"ip": FOUR},
}  # fmt: skip
LOG = (
    b"ts_epoch,ts,offset,step,score,monitor_id,monitor_name,rtt,leap,error\n"
    b"1753431667,2025-07-25 08:21:07,-0.000267,1,20,126,zakim1-yfhw4a,18.865,,\n"
    b"1753431601,2025-07-25 08:20:01,,-5,14.25,127,defra1-1a2b3c,,,network: i/o timeout\n"
    b"1753431500,2025-07-25 08:18:20,0.1,1,15,127,defra1-1a2b3c,9,3,\n"
    b'1753431400,2025-07-25 08:16:40,,-4,15,127,defra1-1a2b3c,,,"bad stratum 16 (referenceID: 0x494e4954, INIT)"\n'
)


def test_a_page_becomes_a_record_by_time() -> None:
    assert pool.record(FOUR, PAGE) == Record(
        FOUR,
        (Monitor(126, "zakim1-yfhw4a", "active", 20.0), Monitor(127, "defra1-1a2b3c", "testing", 14.3)),
        (Checked(1_753_431_700, 24, 20.0, 1.0),),
        (Checked(1_753_431_601, 127, 14.25, -5.0), Checked(1_753_431_667, 126, 20.0, 1.0, -0.000267, 18.865)),
    )
    assert pool.record(FOUR, PAGE).newest_s == 1_753_431_700


def test_a_server_that_was_never_checked_has_no_rows() -> None:
    record = pool.record(FOUR, {"history": [], "monitors": None, "server": {"ip": FOUR}})
    assert record == Record(FOUR, (), (), ())
    assert record.newest_s is None


def test_the_row_of_a_registration_is_no_check() -> None:
    """It is of no monitor, and has full points and an offset of 0; who was registered again has two."""
    page = copy.deepcopy(PAGE)
    rows = [{"ts": 1_753_431_000 + n, "offset": 0, "step": 1, "score": 0, "monitor_id": 0} for n in (0, 5)]
    page["history"] += rows
    assert pool.record(FOUR, page) == replace(pool.record(FOUR, PAGE), registered_s=1_753_431_005)
    fresh = pool.record(FOUR, {"history": rows, "monitors": None, "server": {"ip": FOUR}})
    assert (fresh, fresh.newest_s) == (Record(FOUR, (), (), (), 1_753_431_005), None)


def test_of_two_scorers_the_median_decides() -> None:
    page = copy.deepcopy(PAGE)
    page["monitors"].insert(0, {"id": 6, "name": "every", "type": "score", "score": 3, "status": "active"})
    page["history"].append({"ts": 1_753_431_701, "step": 1, "score": 3, "monitor_id": 6})
    record = pool.record(FOUR, page)
    assert [row.score for row in record.scores] == [20.0]
    assert {row.monitor for row in record.checks} == {126, 127}


def test_a_log_becomes_remarks_by_time() -> None:
    assert pool.remarks(LOG) == (
        Remark(1_753_431_400, 127, "defra1-1a2b3c", -4.0, None, 0, "bad stratum 16 (referenceID: 0x494e4954, INIT)"),
        Remark(1_753_431_500, 127, "defra1-1a2b3c", 1.0, 0.1, 3, ""),
        Remark(1_753_431_601, 127, "defra1-1a2b3c", -5.0, None, 0, "network: i/o timeout"),
        Remark(1_753_431_667, 126, "zakim1-yfhw4a", 1.0, -0.000267, 0, ""),
    )


def test_columns_go_by_their_names() -> None:
    body = b"error,monitor_id,step,ts_epoch\nRATE,7,-3.5,1753431601\n"
    assert pool.remarks(body) == (Remark(1_753_431_601, 7, "", -3.5, None, 0, "RATE"),)


def _without(*path: Any) -> Callable[[Any], None]:
    def change(page: Any) -> None:
        for step in path[:-1]:
            page = page[step]
        del page[path[-1]]

    return change


def _with(*path: Any) -> Callable[[Any], None]:
    *above, last, value = path

    def change(page: Any) -> None:
        for step in above:
            page = page[step]
        page[last] = value

    return change


@pytest.mark.parametrize(
    "change",
    [
        _without("history"),
        _without("server"),
        _without("monitors"),
        _without("server", "ip"),
        _without("history", 0, "ts"),
        _without("history", 1, "score"),
        _without("monitors", 0, "type"),
        _without("monitors", 1, "name"),
        _with("history", None),
        _with("history", 7),
        _with("history", ["row"]),
        _with("history", 0, "ts", "soon"),
        _with("history", 0, "ts", 0),
        _with("history", 0, "ts", 10**18),
        _with("history", 0, "score", float("nan")),
        _with("history", 0, "score", float("inf")),
        _with("history", 0, "score", 10**400),
        _with("history", 0, "step", []),
        _with("history", 1, "offset", "much"),
        _with("history", 1, "monitor_id", None),
        _with("monitors", {"id": 7}),
        _with("monitors", [None]),
        _with("server", "203.0.113.7"),
    ],
)
def test_what_is_not_of_this_shape_is_refused(change: Callable[[Any], None]) -> None:
    page = copy.deepcopy(PAGE)
    change(page)
    with pytest.raises(WireError) as caught:
        pool.record(FOUR, page)
    assert caught.value.message == f"what the pool's site tells of {FOUR} is not what it tells of a server's score"


def test_another_server_is_refused() -> None:
    with pytest.raises(WireError) as caught:
        pool.record("203.0.113.8", PAGE)
    assert caught.value.message == "the pool's site was asked for 203.0.113.8 and tells of another server"


def test_names_and_errors_are_printable_and_short() -> None:
    page = copy.deepcopy(PAGE)
    page["monitors"][1]["name"] = "\x1b[31mred\n" + "x" * 1000
    [named, _] = pool.record(FOUR, page).monitors
    assert named.name.startswith("?[31mred?xxx")
    assert len(named.name) == 100
    [remark] = pool.remarks(b'ts_epoch,step,monitor_id,error\n1753431601,-4,7,"a\x00\x1b]0;b\nc"\n')
    assert remark.error == "a?]0;b?c"


@pytest.mark.parametrize(
    "body",
    [b"", b"<html>", b"ts_epoch,step\n", b'ts_epoch,step,monitor_id,error\n"', b"\xff" * 200_000, b"a," * 200_000],
)
def test_what_is_no_log_is_refused(body: bytes) -> None:
    with pytest.raises(WireError, match="what the pool's site has for a log is none"):
        pool.remarks(body)


def test_rows_that_are_not_whole_are_left_out() -> None:
    rows = [
        b"1753431601,-4,7,x",
        b"",
        b"1753431601",
        b"soon,-4,7,x",
        b"1753431601,nan,7,x",
        b"-5,1,7,x",
        b"1753431601,1,7,y,z",
    ]
    found = pool.remarks(b"ts_epoch,step,monitor_id,error\n" + b"\n".join(rows))
    assert [remark.error for remark in found] == ["x", "y"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["ts", "ip", "id"]), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@SETTINGS
@given(st.data(), JSON)
def test_a_page_spoilt_anywhere_is_a_record_or_refused(data: st.DataObject, value: Any) -> None:
    page = copy.deepcopy(PAGE)
    inner: Any = page
    while isinstance(inner, (dict, list)) and inner:
        key = data.draw(st.sampled_from(list(inner) if isinstance(inner, dict) else range(len(inner))))
        if data.draw(st.booleans()):
            inner[key] = value
            break
        inner = inner[key]
    try:
        pool.record(FOUR, page)
    except WireError:
        return


@SETTINGS
@given(st.binary(max_size=60), st.integers(0, len(LOG)))
def test_a_log_spoilt_anywhere_is_remarks_or_refused(noise: bytes, at: int) -> None:
    try:
        found = pool.remarks(LOG[:at] + noise + LOG[at:])
    except WireError:
        return
    assert all((remark.name + remark.error).isprintable() for remark in found)


def test_a_log_of_ten_thousand_rows_is_read() -> None:
    row = LOG.splitlines()[2] + b"\n"
    assert len(pool.remarks(LOG.splitlines()[0] + b"\n" + row * 10_000)) == 10_000
