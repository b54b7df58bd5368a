"""A choice is remembered for a few minutes, for the same question, in the same boot, under the same clock."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ntpjoin.host.machine import Host
from ntpjoin.look.boot import since_boot_s
from ntpjoin.model import Choice, Chosen, Dropped, Sample
from ntpjoin.upstreams import memory

SAMPLE = Sample("192.0.2.1", 0.1, 0.02, 1, 0, "GPS", 0.0, 0.001, -20)
CHOICE = Choice(2, (Chosen("a.example", "192.0.2.1", SAMPLE),), (Dropped("b.example", "no answer"),), 0.1, 0.0)
QUESTION: dict[str, Any] = {"upstreams": ("a.example", "b.example"), "allow_private": False, "own": ()}


@pytest.fixture
def host(tmp_path: Path) -> Host:
    boot = tmp_path / "proc/sys/kernel/random/boot_id"
    boot.parent.mkdir(parents=True)
    boot.write_text("one\n")
    found = Host(root=tmp_path)
    memory.remember(found, QUESTION, CHOICE)
    return found


def test_a_choice_comes_back_whole_with_its_age(host: Host) -> None:
    found = memory.recall(host, QUESTION)
    assert found is not None
    assert found[0] == CHOICE
    assert 0 <= found[1] < 60


def test_another_question_is_asked_anew(host: Host) -> None:
    assert memory.recall(host, {**QUESTION, "upstreams": ("a.example",)}) is None
    assert memory.recall(host, {**QUESTION, "allow_private": True}) is None


def test_after_a_boot_it_is_asked_anew(host: Host) -> None:
    host.path("/proc/sys/kernel/random/boot_id").write_text("two\n")
    assert memory.recall(host, QUESTION) is None


def test_an_old_choice_is_asked_anew(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    later = since_boot_s() + memory.FRESH_S + 1
    clock = memory._clock_since_boot_s()
    monkeypatch.setattr(memory, "_clock_since_boot_s", lambda: clock)
    monkeypatch.setattr(memory, "since_boot_s", lambda: later)
    assert memory.recall(host, QUESTION) is None


def test_after_the_clock_was_set_it_is_asked_anew(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    moved = memory._clock_since_boot_s() + 7200
    monkeypatch.setattr(memory, "_clock_since_boot_s", lambda: moved)
    assert memory.recall(host, QUESTION) is None


@pytest.mark.parametrize("text", ["", "{", "[]", '{"question": 1}', "\x00"])
def test_a_page_that_is_not_ours_is_asked_anew(host: Host, text: str) -> None:
    host.path(memory.FILE).write_text(text)
    assert memory.recall(host, QUESTION) is None


def test_a_choice_of_nobody_is_not_kept(host: Host) -> None:
    host.path(memory.FILE).unlink()
    memory.remember(host, QUESTION, Choice(2))
    assert memory.recall(host, QUESTION) is None
