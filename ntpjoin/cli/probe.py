"""What the user types to look at servers from outside."""

from __future__ import annotations

from typing import Any, Optional

import click

from ntpjoin.cli import answering
from ntpjoin.cli import options as opt


def _hosts(_context: click.Context, _argument: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Names and addresses, each once; no rule forbids one."""
    from ntpjoin.upstreams.grammar import parse_upstream  # noqa: PLC0415

    return tuple(dict.fromkeys(parse_upstream(value, "probed") for value in values))


def _references(_context: click.Context, _option: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Servers whose time is taken to be right, each once: by the rules for upstreams."""
    from ntpjoin.upstreams.rules import parse_named  # noqa: PLC0415

    return tuple(dict.fromkeys(parse_named(value, "a reference") for value in values))


@click.command()
@click.argument("names", nargs=-1, metavar="[HOST]...", callback=_hosts)
@click.option(
    "--list",
    "listed",
    callback=opt.file,
    metavar="FILE",
    help="Look at the servers in this file, too: one a line; # begins a comment.",
)
@click.option(
    "--reference",
    "references",
    multiple=True,
    callback=_references,
    metavar="NAME",
    help="Measure offsets against this server instead of this host's clock; three outvote a wrong one.",
)
@click.option("--mine", is_flag=True, help="These servers are yours: send them management queries, too.")
@click.option("--from-pool", "by_tracer", is_flag=True, help="Ask the pool's public tracer how it sees them, too.")
@opt.ALLOW_PRIVATE
@opt.RESOLVER
@opt.FORMAT
@opt.OUTPUT
@opt.output
def probe(*, names: tuple[str, ...], listed: Optional[str], form: Any, output: str, **options: Any) -> int:
    """Look at servers from outside, as a client and the pool's monitors do. Needs no root, and runs anywhere."""
    from ntpjoin.commands.probe import probe_command, task_of  # noqa: PLC0415

    answer = {"form": answering.form(form, options), "output": output, "screen": answering.screen(options)}
    return answering.in_file(output, "probe", lambda: probe_command(task_of(names, listed or "", options), **answer))
