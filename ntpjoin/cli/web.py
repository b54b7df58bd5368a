"""What the user types about the web server of this host."""

from __future__ import annotations

from typing import Any

import click

from ntpjoin.cli import answering
from ntpjoin.cli import options as opt
from ntpjoin.errors import UsageProblem


@click.command("web-redirect")
@click.option("--apply", "applies", is_flag=True, help="Install it instead: show the plan, ask, and do it.")
@click.option(
    "--take-default",
    is_flag=True,
    help="Take strangers from a site that gets them only because it comes first.",
)
@opt.YES
@opt.DRY_RUN
@opt.output
def web_redirect(*, applies: bool, take_default: bool, yes: bool, dry_run: bool, **options: Any) -> int:
    """Print the virtual host that sends lost browsers to the pool's site.

    For Apache or nginx, whichever serves TCP 80 here. None is installed.
    """
    from ntpjoin.commands.web_redirect import prepare_web, print_command  # noqa: PLC0415

    idle = [name for name, given in (("--take-default", take_default), ("--yes", yes), ("--dry-run", dry_run)) if given]
    if idle and not applies:
        raise UsageProblem(f"{idle[0]} is for installing it", "add --apply, or leave it out")
    screen = answering.screen(options)
    prepare = prepare_web(screen, applies=applies, take_default=take_default)
    if not applies:
        return print_command(prepare, screen)
    from ntpjoin.commands.plan import plan_command  # noqa: PLC0415
    from ntpjoin.commands.step import step_command  # noqa: PLC0415
    from ntpjoin.model import Consent  # noqa: PLC0415

    if dry_run:
        return plan_command("web-redirect", prepare, screen)
    return step_command("web-redirect", prepare, Consent(attended=not yes), screen)
