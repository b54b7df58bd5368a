"""What the user types to find and measure the servers that this one could follow."""

from __future__ import annotations

from typing import Any, Optional

import click

from ntpjoin.cli import answering
from ntpjoin.cli import options as opt


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...", callback=opt.hosts)
@opt.ALLOW_PRIVATE
@opt.RESOLVER
@opt.output
def resolve(*, names: tuple[str, ...], nameservers: Optional[tuple[str, ...]], **options: Any) -> int:
    """Tell where names lead, who answers there, and whether they can be followed."""
    from ntpjoin.commands.resolve import resolve_command  # noqa: PLC0415

    return resolve_command(names, opt.given(options), nameservers, answering.screen(options))


@click.group(invoke_without_command=True, subcommand_metavar="COMMAND [ARGS]...")
@click.pass_context
def upstreams(context: click.Context) -> None:
    """Find public time servers that could be followed."""
    answering.with_help(context)


@upstreams.command("list")
@opt.catalogue
@click.option("--all", "every", is_flag=True, help="Show every server, and why some are not to be used.")
@opt.output
def upstreams_list(*, every: bool, **options: Any) -> int:
    """List the servers of the catalogue, nearest first. Asks none of them."""
    from ntpjoin.commands.upstreams import list_command  # noqa: PLC0415

    where = {name: options[name] for name in ("country", "near", "catalogue")}
    return list_command(**where, every=every, screen=answering.screen(options))


@upstreams.command("survey")
@click.argument("names", nargs=-1, metavar="[NAME]...", callback=opt.hosts)
@opt.candidates
@opt.MONITOR
@opt.ALLOW_PRIVATE
@opt.RESOLVER
@click.option(
    "--candidates", type=click.IntRange(4, 300), default=32, help="Ask so many of the nearest, 32 unless told."
)
@click.option("--samples", type=click.IntRange(1, 16), default=4, help="Ask each so often, 4 times unless told.")
@opt.output
def upstreams_survey(*, names: tuple[str, ...], candidates: int, samples: int, **options: Any) -> int:
    """Measure the nearest candidates, or these servers, and tell whom setup would choose, and why."""
    from ntpjoin.commands.survey import Effort, survey_command  # noqa: PLC0415

    effort = Effort(candidates, samples, options["nameservers"])
    return survey_command(names, opt.given(options), effort, answering.screen(options))
