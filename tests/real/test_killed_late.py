"""The other half of test_killed.py's sweep."""

from __future__ import annotations

import pytest

from tests.lab import Lab, Server
from tests.real.halting import WRITES
from tests.real.killing import sweep


@pytest.mark.campaign
def test_a_setup_killed_at_every_late_boundary_is_continued_and_undone(lab: Lab, server: Server) -> None:
    sweep(lab, server, range(WRITES // 2, WRITES))
