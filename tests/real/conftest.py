"""The lab for the tests on real systems: one for the whole run, the server fresh for every test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab import Lab, Server
from tests.real import operator

FRESH, MEMBER = "fresh", "member"

#: The longest first, so that no worker is left alone at the end; each takes a file at a time.
LONGEST = (
    *(
        "test_planted",
        "test_killed",
        "test_killed_late",
        "test_systems",
        "test_main_job",
        "test_interrupts",
        "test_faults",
        "test_existing",
        "test_steps",
    ),
    *(
        "test_firewall",
        "test_load",
        "test_web",
        "test_dhcp",
        "test_environments",
        "test_lab",
        "test_parser",
        "test_pythons",
    ),
)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the files of the longest tests on real hosts first."""
    places = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: places.get(item.path.stem, len(places)))


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    with Lab() as up:
        yield up


@pytest.fixture(scope="session")
def booted(lab: Lab) -> Server:
    """Booted once, two hours behind; a test asks for `server` instead."""
    vm = lab.boot_server(clock_offset=-7200)
    vm.checkpoint(FRESH)
    return vm


@pytest.fixture
def server(lab: Lab, booted: Server) -> Server:
    """The freshly installed server, as it was when it had just booted; no fault is left in the lab.

    Its clock runs on from the checkpoint, so it is two hours behind and some more:
    `server.clock_offset()` says how much.
    """
    lab.heal()
    booted.rollback(FRESH)
    return booted


@pytest.fixture(scope="session")
def set_up_once(lab: Lab, booted: Server) -> Server:
    """Set up once; a test asks for `member` instead."""
    lab.heal()
    booted.rollback(FRESH)
    operator.carry(booted)
    done = operator.set_up(booted)
    assert done.code == 0, done.out + done.err
    operator.checkpoint(booted, MEMBER)
    return booted


@pytest.fixture
def member(lab: Lab, set_up_once: Server) -> Server:
    """The server as `setup` left it: synchronised to the lab's five upstreams, UDP 123 open; no fault is left in the lab.

    Costs a few seconds where another test had it before. Its daemon notices nothing of the time that has passed since the
    checkpoint.
    """
    lab.heal()
    operator.rollback(set_up_once, MEMBER)
    return set_up_once
