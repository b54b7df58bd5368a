"""What the user types to change this host, and to see what would be changed."""

from __future__ import annotations

from typing import Any

import click

from ntpjoin.cli import answering
from ntpjoin.cli import options as opt


@click.command()
@opt.wish
@opt.YES
@opt.DRY_RUN
@click.option("--allow-step", is_flag=True, help="Let the clock step by more than 1000 s, or back, without asking.")
@opt.WAIT
@opt.output
def setup(*, dry_run: bool, yes: bool, allow_step: bool, **options: Any) -> int:
    """Set this server up: install ntp, configure, start, open the firewall, wait for the time.

    Shows the plan first and asks. Options that are not given keep their values of the last run.
    """
    from ntpjoin.commands.plan import plan_command  # noqa: PLC0415
    from ntpjoin.commands.setup import prepare_setup, setup_command  # noqa: PLC0415

    screen = answering.screen(options)
    consent = _consent(options, allow_step=allow_step, attended=not yes)
    prepare = prepare_setup(opt.given(options), consent, survey=options["survey"], screen=screen)
    if dry_run:
        return plan_command("setup", prepare, screen)
    return setup_command(prepare, consent, wait_s=options["wait_s"], screen=screen)


@click.command()
@opt.wish
@opt.output
def plan(**options: Any) -> int:
    """Show what setup would do, and change nothing."""
    from ntpjoin.commands.plan import plan_command  # noqa: PLC0415
    from ntpjoin.commands.setup import prepare_setup  # noqa: PLC0415

    screen = answering.screen(options)
    consent = _consent(options, allow_step=False, attended=True)
    return plan_command(
        "plan", prepare_setup(opt.given(options), consent, survey=options["survey"], screen=screen), screen
    )


@click.command()
@opt.configuration
@click.option("--diff", is_flag=True, help="Show the difference to the file on this host instead.")
@opt.output
def render(*, diff: bool, **options: Any) -> int:
    """Print the configuration that setup would write, and nothing else."""
    from ntpjoin.commands.render import render_command  # noqa: PLC0415

    return render_command(opt.given(options), survey=options["survey"], diff=diff, screen=answering.screen(options))


def _consent(options: dict[str, Any], *, allow_step: bool, attended: bool) -> Any:
    from ntpjoin.model import Consent  # noqa: PLC0415

    return Consent(options["replace"], allow_step, attended, options["enable_epel"])


@click.command()
@opt.sources
@opt.ENABLE_EPEL
@opt.YES
@opt.DRY_RUN
@opt.output
def install(**options: Any) -> int:
    """Install the daemon's packages only, and hold the daemon back until `setup` has configured it.

    Upstreams are asked for the time, where a clock that is off makes the package manager refuse its indexes; they are
    not remembered.
    """
    return _step("install", options)


@click.command()
@opt.YES
@opt.DRY_RUN
@opt.output
def firewall(**options: Any) -> int:
    """Let UDP 123 in through the active firewall, and nothing else."""
    return _step("firewall", options)


@click.command()
@opt.YES
@opt.DRY_RUN
@opt.output
def restart(**options: Any) -> int:
    """Start the daemon again, and prove that another process holds the port and reads the file."""
    return _step("restart", options)


def _step(command: Any, options: dict[str, Any]) -> int:
    from ntpjoin.commands.plan import plan_command  # noqa: PLC0415
    from ntpjoin.commands.step import prepare_one, step_command  # noqa: PLC0415
    from ntpjoin.model import Consent  # noqa: PLC0415

    screen = answering.screen(options)
    consent = Consent(attended=not options["yes"], enable_epel=options.get("enable_epel", False))
    prepare = prepare_one(command, opt.given(options), consent, screen)
    if options["dry_run"]:
        return plan_command(command, prepare, screen)
    return step_command(command, prepare, consent, screen)


@click.command()
@click.option("--last", is_flag=True, help="Take back the last run only.")
@opt.YES
@opt.output
def undo(*, last: bool, yes: bool, **options: Any) -> int:
    """Take back what ntpjoin did, last first. Needs no network."""
    from ntpjoin.commands.undo import undo_command  # noqa: PLC0415

    return undo_command(last=last, yes=yes, screen=answering.screen(options))
