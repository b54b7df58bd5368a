"""What the user types to have a configuration judged."""

from __future__ import annotations

import os
import re
from typing import Any, Callable, Optional

import click

from ntpjoin.cli import answering
from ntpjoin.cli import options as opt
from ntpjoin.errors import UsageProblem, quoted

#: Path.absolute keeps "..".
_absolute: Callable[[str], str] = os.path.abspath


def _configuration(_context: click.Context, _argument: click.Parameter, value: Optional[str]) -> Optional[str]:
    """The absolute path of a configuration, - for what is piped in."""
    if value == "":
        raise UsageProblem("'' is no file", "Name one: ntpjoin lint FILE")
    return value if value in (None, "-") else _absolute(value or "")


def _dialect(_context: click.Context, _option: click.Parameter, value: Optional[str]) -> Any:
    """An engine, with or without its version; None where the option is not given."""
    from ntpjoin.checks.lint.language import Dialect  # noqa: PLC0415

    found = re.fullmatch(r"(classic|ntpsec)(-([0-9]+(\.[0-9]+){1,3}([a-z][0-9]*)?))?", value or "")
    if value is not None and found is None:
        remedy = "Type one of: classic, ntpsec, classic-4.2.8p15, ntpsec-1.2.3, or another version like these."
        raise UsageProblem(f"--engine: {quoted(value)} is no engine that is known", remedy)
    return Dialect(found[1], found[3] or "") if found else None  # type: ignore[arg-type]


@click.command()
@click.argument("file", required=False, metavar="[FILE]", callback=_configuration)
@click.option(
    "--engine",
    "dialect",
    callback=_dialect,
    metavar="ENGINE",
    help="Judge for classic ntpd or NTPsec on another host: classic, ntpsec, or with a version, like ntpsec-1.2.3.",
)
@opt.STRICT
@opt.output
def lint(*, file: Optional[str], dialect: Any, strict: bool, **options: Any) -> int:
    """Judge an ntp.conf before a daemon reads it: by the engine's language, and by the pool's rules."""
    from ntpjoin.commands.lint import lint_command  # noqa: PLC0415

    return lint_command(file, dialect, strict=strict, screen=answering.screen(options))
