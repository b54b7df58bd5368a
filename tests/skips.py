"""In CI a skipped test fails the run, unless its reason is listed here: a test that is skipped for ever proves nothing."""

from __future__ import annotations

import os
import re

import pytest

LISTED = {
    r"no Python 3\.\d+ on this machine": "the archive is tried on every Python there is; the server's own is tried in its VM",
}

_unlisted: list[str] = []


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.skipped and isinstance(report.longrepr, tuple):
        reason = report.longrepr[2]
        if not any(re.search(listed, reason) for listed in LISTED):
            _unlisted.append(f"{report.nodeid}: {reason}")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if _unlisted and os.environ.get("CI") == "true" and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _unlisted and os.environ.get("CI") == "true":
        terminalreporter.section("skipped, and not listed in tests/skips.py")
        for line in _unlisted:
            terminalreporter.write_line(line)
