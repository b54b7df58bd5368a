"""Work beside other work."""

from __future__ import annotations

import threading

import pytest

from ntpjoin.job import Job


def test_jobs_run_beside_each_other_and_give_their_results() -> None:
    met = threading.Barrier(2, timeout=10)
    first, second = Job(lambda: (met.wait(), "a")[1]), Job(lambda: (met.wait(), 2)[1])
    assert (first.result(), second.result()) == ("a", 2)
    assert first.result() == "a"


def test_an_error_is_raised_where_the_result_is_asked_for() -> None:
    def fails() -> int:
        raise ValueError("no")

    job = Job(fails)
    for _ in range(2):
        with pytest.raises(ValueError, match="no"):
            job.result()
