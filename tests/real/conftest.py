"""The lab for the tests on real systems: one for the whole run, the server fresh for every test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.lab import Lab, Server

FRESH = "fresh"


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
