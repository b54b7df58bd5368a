"""How a run ends that no command has told of: what was wrong, for people on stderr, and in the form that programs asked for."""

from __future__ import annotations

import contextlib
import sys
import time

import click

from ntpjoin.errors import Interrupted, NtpjoinError, UsageProblem
from ntpjoin.host import output as file
from ntpjoin.host.machine import Host
from ntpjoin.show import report
from ntpjoin.show.screen import lost


def told(error: NtpjoinError, command: str, output: str = "") -> int:
    """Say an error that no command showed itself, and give its exit code: it came before anything was changed.

    Programs are told in the file `output`, which must not go on to tell of better days, where there may be one.
    """
    code = error.code if isinstance(error, Interrupted) else error.exit_code
    left = "" if isinstance(error, UsageProblem) else "Nothing was changed."
    with contextlib.suppress(OSError):
        click.echo("\n  ".join(filter(None, [f"ntpjoin: {error.message}", left, error.remedy])), err=True)
    return _for_programs(error, command, code, output)


def unwritten(error: OSError, command: str) -> int:
    """The exit code where help could not be written, which click writes itself; else it is a fault of ntpjoin's own."""
    where = error.__traceback__
    while where and where.tb_next:
        where = where.tb_next
    if where and where.tb_frame.f_code is click.echo.__code__:
        return told(lost(error), command)
    return crashed(command)


def crashed(command: str, output: str = "") -> int:
    """A fault of ntpjoin itself, told as Python does, and in the file `output`; but to a monitoring core Python's 1 is a warning."""
    fault = NtpjoinError("ntpjoin itself has failed; stderr tells where")
    form = report.form_of(sys.argv[1:])
    if form != "nagios":
        text = report.failure(form, command, 1, fault, time.time())
        if text and output:
            _written(output, text)
        raise  # noqa: PLE0704 - called where one is handled
    import traceback  # noqa: PLC0415

    with contextlib.suppress(OSError):
        click.echo(traceback.format_exc(), err=True)
    return _for_programs(fault, command, 1, output)


def _for_programs(error: NtpjoinError, command: str, code: int, output: str) -> int:
    form = report.form_of(sys.argv[1:])
    text = report.failure(form, command, code, error, time.time())
    if not (text and output and _written(output, text)):
        with contextlib.suppress(OSError):
            click.echo(text, nl=False)
    return report.failure_code(form, code)


def _written(output: str, text: str) -> bool:
    try:
        file.takes(Host(), output)
        file.write(Host(), output, text)
    except NtpjoinError:
        return False
    return True
