"""What the user types to look at this host."""

from __future__ import annotations

from functools import partial
from typing import Any, Optional

import click

from ntpjoin.cli import answering
from ntpjoin.cli import options as opt


@click.command()
@opt.WAIT
@opt.STRICT
@opt.FORMAT
@opt.OUTPUT
@opt.output
def verify(*, wait_s: Optional[float], strict: bool, form: Any, output: str, **options: Any) -> int:
    """Tell whether this server is a good member of the NTP Pool, as far as it can be seen from here."""
    from ntpjoin.commands.verify import verify_command  # noqa: PLC0415

    answer = {"form": answering.form(form, options), "output": output, "screen": answering.screen(options)}
    command = partial(verify_command, wait_s=wait_s or 0.0, strict=strict, **answer)
    return answering.in_file(output, "verify", command)


@click.command()
@opt.output
def detect(**options: Any) -> int:
    """Tell what this host is: system, packages, daemon, files, firewall, other time daemons, addresses."""
    from ntpjoin.commands.detect import detect_command  # noqa: PLC0415

    return detect_command(answering.screen(options))
