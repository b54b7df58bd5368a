"""What lint accepts the daemons accept without complaint, and what they complain of lint finds: some 1200 lines, each below a healthy
configuration, read by classic ntpd 4.2.8p15 and by NTPsec 1.2.2 and 1.2.3.

All lines of one engine that are no syntax are told by one start of it, so `make test` asks for that, and starts it for a few lines
each; `make campaign` starts it for every line.
"""

from __future__ import annotations

import pytest

from tests.real.language.daemons import DAEMONS, Answer, Daemon, asked, found, healthy, lines, no_syntax

#: Rules about what the daemon itself would say; other findings are of the pool's rules, and of names, which DNS decides.
OF_THE_DAEMON = frozenset(
    {
        *("config.syntax", "config.engine", "config.version", "config.value", "config.ignored", "config.fatal"),
        *("config.lines", "config.unread", "config.keys"),
    }
)

#: What ends a daemon while it parses, or what it reads, cannot be tried beside other lines.
NO_ROOM_IN_C = ("tos floor -9223372036854775809", "tinker panic 1e-400", "tinker panic 1e-310")
ALONE = ("end", "includefile", "refclock", "driftfile /xxx", *NO_ROOM_IN_C)

EACH = 16


def agree(daemon: Daemon, line: str, answer: Answer) -> str:
    """Why they do not; '' where they do."""
    base = healthy(daemon)
    checks = [
        check for check in found(daemon, f"{base}{line}\n") if any(one.line > base.count("\n") for one in check.lines)
    ]
    if answer.complains and not checks:
        return f"{daemon} complains, lint does not: {line!r}: {answer}"
    mine = [check for check in checks if check.id in OF_THE_DAEMON]
    if mine and not answer.complains:
        return f"lint complains, {daemon} does not: {line!r}: {mine}"
    return ""


def compare(daemon: Daemon, tried: list[str]) -> None:
    base = healthy(daemon)
    answers = list(asked(daemon, [f"{base}{line}" for line in tried]))
    faults = [why for line, answer in zip(tried, answers) if (why := agree(daemon, line, answer))]
    complained = sum(answer.complains for answer in answers)
    print(f"{daemon}: {len(tried)} lines, {complained} complained of; lint agrees on {len(tried) - len(faults)}")
    assert not faults, "\n".join(faults)


@pytest.mark.real
@pytest.mark.parametrize("daemon", DAEMONS, ids=str)
def test_of_a_healthy_configuration_neither_has_anything_to_say(daemon: Daemon) -> None:
    good, bad = asked(daemon, [healthy(daemon), f"{healthy(daemon)}bogus"])
    assert not good.complains, good
    assert bad.complains
    assert not found(daemon, healthy(daemon))


@pytest.mark.real
@pytest.mark.parametrize("daemon", DAEMONS, ids=str)
def test_what_is_no_syntax_to_the_daemon_is_none_to_lint(daemon: Daemon) -> None:
    tried = [line for line in lines() if "\n" not in line and not line.startswith(ALONE)]
    daemons, lints = no_syntax(daemon, tried)
    print(
        f"{daemon}: {len(tried)} lines, {len(daemons)} of them are no syntax; lint agrees on {len(tried) - len(daemons ^ lints)}"
    )
    assert len(daemons) > 100
    assert [tried[one] for one in sorted(daemons ^ lints)] == []


@pytest.mark.real
@pytest.mark.parametrize("daemon", DAEMONS, ids=str)
def test_what_lint_accepts_the_daemon_accepts_and_the_other_way_round(daemon: Daemon) -> None:
    compare(daemon, lines()[::EACH])


@pytest.mark.campaign
@pytest.mark.parametrize("daemon", DAEMONS, ids=str)
def test_what_lint_accepts_the_daemon_accepts_of_every_line(daemon: Daemon) -> None:
    compare(daemon, lines())
