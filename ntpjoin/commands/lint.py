"""`ntpjoin lint`: judge a configuration before a daemon reads it."""

from __future__ import annotations

import stat
from typing import Optional

from ntpjoin.checks.lint.language import Dialect
from ntpjoin.checks.lint.lint import Here, lint
from ntpjoin.errors import Blocked, UsageProblem, shown
from ntpjoin.host import ntpconf, ntpd
from ntpjoin.host.interrupts import Interrupts
from ntpjoin.host.machine import Host
from ntpjoin.look.leapfile import look_leapfile
from ntpjoin.look.network import look_network
from ntpjoin.look.system import look_system
from ntpjoin.look.texts import LONGEST, Texts, look_texts
from ntpjoin.model import CheckState
from ntpjoin.show import jsons
from ntpjoin.show import lint as show
from ntpjoin.show.screen import Screen
from ntpjoin.systems import Row

#: Where configurations lie, on systems that are in no row of the table.
_USUAL = ("/etc/ntpsec/ntp.conf", "/etc/ntp.conf")

STDIN = "-"


def lint_command(path: Optional[str], dialect: Optional[Dialect], *, strict: bool, screen: Screen) -> int:
    """Exit 0, or 1 where a rule failed or, if that is `strict`, warned.

    Without `path` it is this host's configuration; without `dialect` it is for this host, whose other files are looked at, too.
    """
    host = Host(screen.trace)
    with Interrupts():
        content = screen.read(LONGEST + 1) if path == STDIN else None
        report = judge(host, path, dialect, content, strict=strict)
    screen.answer(show.text(report, screen.style))
    screen.page(jsons.envelope("lint", report.code, **show.page(report)))
    return report.code


def judge(
    host: Host, path: Optional[str], dialect: Optional[Dialect], content: Optional[bytes], *, strict: bool
) -> show.Report:
    """Look and judge. Raises Blocked where there is nothing to look at, UsageProblem where it cannot be told for whom."""
    row = look_system(host).row
    spoken = dialect or _installed(host, row)
    file = path or _own(host, row)
    text = (_read(host, file) if content is None else _short(file, content)).decode(errors="replace")
    texts = look_texts(host, file, text, spoken.engine)
    findings = lint(texts, spoken, _here(host, row, texts) if row and dialect is None else None)
    failed = any(one.state is CheckState.FAIL or (strict and one.state is CheckState.WARN) for one in findings)
    return show.Report(int(failed), file, spoken, findings)


def _installed(host: Host, row: Optional[Row]) -> Dialect:
    """The ntpd that is installed, by its own word; else the one that would be."""
    program = row.daemon if row else host.which("ntpd")
    if program and host.exists(program):
        engine, version = ntpd.version(host, program)
        if engine:
            return Dialect(engine, version)
    if row is None:
        problem = "for which ntpd? None is installed here, and this system is in no row of the table"
        raise UsageProblem(problem, "ntpjoin lint --engine classic FILE, or --engine ntpsec")
    return Dialect(row.engine)


def _own(host: Host, row: Optional[Row]) -> str:
    """Where this host's configuration lies."""
    found = row.config if row else next((path for path in _USUAL if host.exists(path)), "")
    if not found:
        raise Blocked("this host has no ntp.conf where one is known to lie", "name it: ntpjoin lint FILE")
    return found


def _read(host: Host, path: str) -> bytes:
    try:
        content = host.given(path, LONGEST)
    except UsageProblem as problem:
        raise Blocked(problem.message, _instead_of(host, path)) from problem
    if content is None:
        raise Blocked(f"there is no {shown(path)}", "name another: ntpjoin lint FILE")
    return content


def _instead_of(host: Host, path: str) -> str:
    """What to type where a file cannot be taken. What a shell makes of <(…) is a pipe, which root cannot read either."""
    try:
        mode = host.path(path).stat().st_mode
    except OSError:  # its folder may not be looked into
        mode = stat.S_IFREG
    if stat.S_ISREG(mode):
        return "sudo ntpjoin lint, or name another: ntpjoin lint FILE"
    return "name a file: ntpjoin lint FILE" if stat.S_ISDIR(mode) else "pipe it in: ntpjoin lint - < FILE"


def _short(path: str, content: bytes) -> bytes:
    if len(content) > LONGEST:
        raise Blocked(f"{path} has more than {LONGEST} bytes", "name a file: ntpjoin lint FILE")
    return content


def _here(host: Host, row: Row, texts: Texts) -> Here:
    """What of this host the lines are about: its addresses, and the lists of leap seconds that they name."""
    lines = [line for path, text in texts.files.items() for line in ntpconf.directives(path, text or "")]
    named = {line.words[1]: line for line in lines if line.words[0] == "leapfile" and len(line.words) > 1}
    leapfiles = {path: look_leapfile(host, row, (line,)) for path, line in named.items()}
    places = tuple((name, str(address)) for name, address in look_network(host).interfaces)
    return Here(row, places, {**leapfiles, "": look_leapfile(host, row, ())})
