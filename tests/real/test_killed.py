"""kill -9 at the boundaries between journal entries: setup again ends synchronised, and undo ends as it was."""

from __future__ import annotations

import pytest

from tests.lab import Lab, Server
from tests.real.halting import WRITES, Stations
from tests.real.killing import assert_continued, assert_undone, died, sweep


@pytest.mark.real
def test_a_killed_setup_is_continued_and_undone(lab: Lab, server: Server) -> None:
    """Three of the boundaries, in one set-up: each is undone; the last, where the daemon runs, is continued, too."""
    boundaries = (3, 7, 16)
    stations = Stations.prepare(server, boundaries)
    for boundary in boundaries:
        assert_undone(lab, died(stations, boundary), stations.fresh)
    assert_continued(died(stations, boundaries[-1]))


@pytest.mark.campaign
def test_a_setup_killed_at_every_early_boundary_is_continued_and_undone(lab: Lab, server: Server) -> None:
    """The late ones have a file of their own: each of two workers takes a file."""
    sweep(lab, server, range(1, WRITES // 2))
