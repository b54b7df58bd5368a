"""What the user types: commands and options become a wish and consents; outcomes become an exit code."""

from __future__ import annotations

import math
import signal
import sys
from typing import Any, Callable, NoReturn, Optional, TypeVar

import click

from ntpjoin import __version__
from ntpjoin.errors import Interrupted, NtpjoinError, UsageProblem

F = TypeVar("F", bound=Callable[..., Any])


def _names(_context: click.Context, _option: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    """Upstreams by a strict grammar, each once; a list separated by commas or blanks counts as several."""
    from ntpjoin.upstreams.grammar import parse_upstream  # noqa: PLC0415 - commands import what they need

    words = [word for value in values for word in value.replace(",", " ").split()]
    return tuple(dict.fromkeys(parse_upstream(word) for word in words))


def _addresses(_context: click.Context, _option: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    import ipaddress  # noqa: PLC0415

    try:
        return tuple(str(ipaddress.ip_address(value)) for value in values if value != "none")
    except ValueError as error:
        raise UsageProblem(f"--public-address: {error}", "ntpjoin setup --public-address 203.0.113.7") from None


def _seconds(_context: click.Context, _option: click.Parameter, value: Optional[float]) -> Optional[float]:
    """A number of seconds; click's range lets through what is not a number."""
    if value is not None and math.isnan(value):
        raise UsageProblem("--wait: nan is no number of seconds", "ntpjoin setup --wait 120")
    return value


def _options(*decorators: Callable[[F], F]) -> Callable[[F], F]:
    """Several options as one decorator."""

    def decorate(command: F) -> F:
        for decorator in reversed(decorators):
            command = decorator(command)
        return command

    return decorate


_UPSTREAM = click.option(
    "--upstream",
    "upstreams",
    multiple=True,
    callback=_names,
    metavar="NAME",
    help="An upstream to follow, by name; give four to seven.",
)

_wish = _options(
    _UPSTREAM,
    click.option("--few/--no-few", default=None, help="Go ahead with three upstreams."),
    click.option("--firewall/--no-firewall", default=None, help="Let UDP 123 in through the active firewall."),
    click.option("--allow-private/--no-allow-private", default=None, help="Accept addresses outside the public ranges."),
    click.option(
        "--public-address", "public_addresses", multiple=True, callback=_addresses, metavar="ADDR",
        help="The public address that leads to this host through NAT; 'none' forgets it.",
    ),
    click.option("--survey", is_flag=True, help="Measure the upstreams again, even if nothing speaks against them."),
    click.option("--replace", is_flag=True, help="Replace a configuration that is neither the package's nor ours."),
)  # fmt: skip

_output = _options(
    click.option("--json", "as_json", is_flag=True, help="Print one JSON object."),
    click.option("-v", "--verbose", is_flag=True, help="Show every program that is run."),
    click.option("-q", "--quiet", is_flag=True, help="Tell nothing while working."),
    click.option("--color", type=click.Choice(["auto", "always", "never"]), default="auto", help="Colours on the terminal."),
)  # fmt: skip

_WAIT = click.option(
    "--wait",
    "wait_s",
    type=click.FloatRange(0, 3600),
    callback=_seconds,
    metavar="SECONDS",
    help="Wait so long to be synchronised.",
)
_YES = click.option("-y", "--yes", is_flag=True, help="Do not ask.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="ntpjoin")
def cli() -> None:
    """Turn this server into a good member of the NTP Pool, and keep it one."""


@cli.command()
@_wish
@_YES
@click.option("--dry-run", is_flag=True, help="Show the plan and change nothing, as `ntpjoin plan`.")
@click.option("--allow-step", is_flag=True, help="Let the clock step by more than 1000 s, or back, without asking.")
@_WAIT
@_output
def setup(*, dry_run: bool, yes: bool, allow_step: bool, **options: Any) -> int:
    """Set this server up: install ntp, configure, start, open the firewall, wait for the time.

    Shows the plan first and asks. Options that are not given keep their values of the last run.
    """
    from ntpjoin.commands import plan_command, setup_command  # noqa: PLC0415

    consent = _consent(options, allow_step=allow_step, attended=not yes)
    if dry_run:
        return plan_command("setup", _given(options), consent, survey=options["survey"], screen=_screen(options))
    return setup_command(
        _given(options), consent, survey=options["survey"], wait_s=options["wait_s"], screen=_screen(options)
    )


@cli.command()
@_wish
@_output
def plan(**options: Any) -> int:
    """Show what setup would do, and change nothing."""
    from ntpjoin.commands import plan_command  # noqa: PLC0415

    consent = _consent(options, allow_step=False, attended=True)
    return plan_command("plan", _given(options), consent, survey=options["survey"], screen=_screen(options))


@cli.command()
@click.option("--last", is_flag=True, help="Take back the last run only.")
@_YES
@_output
def undo(*, last: bool, yes: bool, **options: Any) -> int:
    """Take back what ntpjoin did, last first. Needs no network."""
    from ntpjoin.commands import undo_command  # noqa: PLC0415

    return undo_command(last=last, yes=yes, screen=_screen(options))


@cli.command()
@_WAIT
@_output
def verify(*, wait_s: Optional[float], **options: Any) -> int:
    """Tell whether this server is a good member of the NTP Pool, as far as it can be seen from here."""
    from ntpjoin.commands import verify_command  # noqa: PLC0415

    return verify_command(wait_s=wait_s or 0.0, screen=_screen(options))


def _given(options: dict[str, Any]) -> dict[str, Any]:
    """The parts of the wish that were given on the command line."""
    from click.core import ParameterSource  # noqa: PLC0415

    context = click.get_current_context()
    names = ("upstreams", "few", "firewall", "allow_private", "public_addresses")
    given = (name for name in names if context.get_parameter_source(name) is ParameterSource.COMMANDLINE)
    return {name: options[name] for name in given}


def _consent(options: dict[str, Any], *, allow_step: bool, attended: bool) -> Any:
    from ntpjoin.model import Consent  # noqa: PLC0415

    return Consent(options["replace"], allow_step, attended)


def _screen(options: dict[str, Any]) -> Any:
    from ntpjoin.show.screen import Screen  # noqa: PLC0415

    return Screen(
        as_json=options["as_json"], quiet=options["quiet"], verbose=options["verbose"], color=options["color"]
    )


def main() -> NoReturn:
    """The program: run the command, and leave with its exit code."""
    sys.exit(_main())


def _main() -> int:
    try:
        code = cli.main(prog_name="ntpjoin", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except click.ClickException as error:
        error.show()
        return _object(2, error.format_message())
    except (click.Abort, Interrupted) as error:
        number = error.signal if isinstance(error, Interrupted) else signal.SIGINT
        click.echo("ntpjoin: interrupted", err=True)
        return _object(128 + (signal.SIGINT if number == signal.SIGINT else signal.SIGTERM), "interrupted")
    except NtpjoinError as error:
        click.echo(f"ntpjoin: {error.message}" + (f"\n  {error.remedy}" if error.remedy else ""), err=True)
        return _object(error.exit_code, error.message, error.remedy)
    except BrokenPipeError:
        return 1


def _object(code: int, message: str, remedy: str = "") -> int:
    """The exit code of an error that no command showed itself; told as one object where JSON was asked for."""
    if "--json" in sys.argv:
        from ntpjoin.show import jsons  # noqa: PLC0415

        command = next((word for word in sys.argv[1:] if not word.startswith("-")), "")
        click.echo(jsons.envelope(command, code, errors=jsons.error(NtpjoinError(message, remedy))))
    return code
