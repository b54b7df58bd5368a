"""What the user types about the pool itself: how servers stand in it, and how this one joins."""

from __future__ import annotations

import re
from typing import Any

import click

from ntpjoin.cli import answering
from ntpjoin.cli import options as opt
from ntpjoin.errors import UsageProblem, quoted
from ntpjoin.look.sites import BETA, POOL

#: A web site, and nothing below it: its name or address, and a port where it is not the usual one.
_SITE = re.compile(r"https://([a-z0-9-]+(\.[a-z0-9-]+)*|\[[0-9a-f:.]+\])(:[0-9]{1,5})?")

#: A page of such a site.
_PAGE = re.compile(r"https://([a-z0-9-]+(\.[a-z0-9-]+)*|\[[0-9a-f:.]+\])(:[0-9]{1,5})?/[!-~]*")


def _servers(_context: click.Context, _argument: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Names and addresses, each once."""
    from ntpjoin.upstreams.grammar import parse_upstream  # noqa: PLC0415

    return tuple(dict.fromkeys(parse_upstream(value, "a server of the pool") for value in values))


def _site(_context: click.Context, option: click.Parameter, value: str) -> str:
    """The URL of a web site over TLS, without a slash at its end."""
    site = value.lower().rstrip("/")
    if not _SITE.fullmatch(site):
        remedy = f"Name it with https:// and without a path: {option.opts[0]} {BETA}"
        raise UsageProblem(f"{option.opts[0]}: {quoted(value)} is not the URL of a site", remedy)
    return site


def _services(_context: click.Context, option: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """The URLs of pages, each once."""
    for value in values:
        if not _PAGE.fullmatch(value):
            remedy = f"Type it as the pool's page shows it: {option.opts[0]} https://validate4.ntppool.dev/p/"
            raise UsageProblem(f"{option.opts[0]}: {quoted(value)} is not the URL of a page", remedy)
    return tuple(dict.fromkeys(values))


_SITE_OPTION = click.option(
    "--site",
    callback=_site,
    default=POOL,
    metavar="URL",
    help="The pool's web site, or that of its beta system.",
)


@click.command()
@_SITE_OPTION
@click.option(
    "--validation",
    multiple=True,
    callback=_services,
    metavar="URL",
    help="The page of the pool's validation service, where its site names another one than it used to, of each family.",
)
@opt.output
def register(*, site: str, validation: tuple[str, ...], **options: Any) -> int:
    """Tell what is missing before this server joins the pool, what that commits to, and the links to prove that it is yours.

    Nothing is submitted: the links are for you to open.
    """
    from ntpjoin.commands.register import register_command  # noqa: PLC0415

    if site != POOL and not validation:
        remedy = "type the pages that it names behind curl, of each family: --validation URL --validation URL"
        raise UsageProblem(f"--site {site}: which validation service gives its links is not known", remedy)
    return register_command(site, validation, answering.screen(options))


@click.command()
@click.argument("hosts", nargs=-1, metavar="[ADDRESS]...", callback=_servers)
@click.option(
    "--monitors", is_flag=True, help="Show each monitor: its score, what it saw last, the checks that lost points."
)
@click.option("--why", is_flag=True, help="Explain what the monitors complained of.")
@click.option("--plot", is_flag=True, help="Draw score and offset over time, the last four days.")
@click.option(
    "--svg",
    callback=opt.written,
    metavar="FILE",
    help="Put a picture of score and offset over time into this file, whole or not at all.",
)
@_SITE_OPTION
@opt.FORMAT
@opt.OUTPUT
@opt.output
def score(*, hosts: tuple[str, ...], why: bool, svg: str, site: str, form: Any, output: str, **options: Any) -> int:
    """Tell how servers stand in the pool, as its own monitors see them.

    Without ADDRESS it asks for this host's own public addresses. A name stands for all addresses that it leads to.
    """
    from ntpjoin.commands.score import Question, score_command  # noqa: PLC0415
    from ntpjoin.show.standings import Wanted  # noqa: PLC0415

    form, screen = answering.form(form, options), answering.screen(options)
    question = Question(site, why, Wanted(options["monitors"], options["plot"]), svg)
    return answering.in_file(output, "score", lambda: score_command(hosts, question, form, output, screen))
