"""What the user types: commands and options become a wish and consents; outcomes become an exit code."""

from __future__ import annotations

import gc
import os
import signal
import sys
from functools import partial
from typing import Any, NoReturn, Optional

import click

from ntpjoin import __version__, answering, cli_lint, cli_pool, cli_probe
from ntpjoin import options as opt
from ntpjoin.cli_web import web_redirect
from ntpjoin.errors import Interrupted, NtpjoinError, UsageProblem, quoted

#: Click repeats what was typed; nothing that it says by itself is longer.
_LONG = 160


@click.group(
    invoke_without_command=True,
    subcommand_metavar="COMMAND [ARGS]...",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="ntpjoin")
@click.pass_context
def cli(context: click.Context) -> None:
    """Turn this server into a good member of the NTP Pool, and keep it one."""
    _help_where_nothing_follows(context)


def _help_where_nothing_follows(context: click.Context) -> None:
    if context.invoked_subcommand is None:
        click.echo(context.get_help())  # releases of click differ in what they do by themselves


@cli.command()
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


@cli.command()
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


@cli.command()
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


@cli.command()
@opt.YES
@opt.DRY_RUN
@opt.output
def firewall(**options: Any) -> int:
    """Let UDP 123 in through the active firewall, and nothing else."""
    return _step("firewall", options)


@cli.command()
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


@cli.command()
@opt.output
def detect(**options: Any) -> int:
    """Tell what this host is: system, packages, daemon, files, firewall, other time daemons, addresses."""
    from ntpjoin.commands.detect import detect_command  # noqa: PLC0415

    return detect_command(answering.screen(options))


@cli.command()
@click.argument("names", nargs=-1, required=True, metavar="NAME...", callback=opt.hosts)
@opt.ALLOW_PRIVATE
@opt.RESOLVER
@opt.output
def resolve(*, names: tuple[str, ...], nameservers: Optional[tuple[str, ...]], **options: Any) -> int:
    """Tell where names lead, who answers there, and whether they can be followed."""
    from ntpjoin.commands.resolve import resolve_command  # noqa: PLC0415

    return resolve_command(names, opt.given(options), nameservers, answering.screen(options))


@cli.group(invoke_without_command=True, subcommand_metavar="COMMAND [ARGS]...")
@click.pass_context
def upstreams(context: click.Context) -> None:
    """Find public time servers that could be followed."""
    _help_where_nothing_follows(context)


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


@cli.command()
@opt.configuration
@click.option("--diff", is_flag=True, help="Show the difference to the file on this host instead.")
@opt.output
def render(*, diff: bool, **options: Any) -> int:
    """Print the configuration that setup would write, and nothing else."""
    from ntpjoin.commands.render import render_command  # noqa: PLC0415

    return render_command(opt.given(options), survey=options["survey"], diff=diff, screen=answering.screen(options))


@cli.command()
@click.option("--last", is_flag=True, help="Take back the last run only.")
@opt.YES
@opt.output
def undo(*, last: bool, yes: bool, **options: Any) -> int:
    """Take back what ntpjoin did, last first. Needs no network."""
    from ntpjoin.commands.undo import undo_command  # noqa: PLC0415

    return undo_command(last=last, yes=yes, screen=answering.screen(options))


@cli.command()
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


cli.add_command(cli_lint.lint)
cli.add_command(cli_probe.probe)
cli.add_command(cli_pool.register)
cli.add_command(cli_pool.score)
cli.add_command(web_redirect)


def _consent(options: dict[str, Any], *, allow_step: bool, attended: bool) -> Any:
    from ntpjoin.model import Consent  # noqa: PLC0415

    return Consent(options["replace"], allow_step, attended, options["enable_epel"])


def main() -> NoReturn:
    """The program: run the command, and leave with its exit code."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # closed by whoever started us; what we open must not take its place
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115
    # A root shell with 077 would have packages make files that their own daemons cannot read.
    os.umask(0o022)
    # A run keeps nearly all that it makes, and that ends with the process: to look through it again and again, and once more at
    # the end, for what nobody holds any more took a seventh of the CPU of a `verify`.
    gc.set_threshold(100_000)
    code = _main()
    gc.freeze()
    answering.leave(code)


def _main() -> int:
    try:
        code = cli.main(prog_name="ntpjoin", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except click.ClickException as error:
        return _refused(error)
    except (click.Abort, Interrupted) as error:
        # One that comes while something is changed is told by the command itself.
        known = error if isinstance(error, Interrupted) else Interrupted("interrupted", signal.SIGINT)
        return _told(known)
    except NtpjoinError as error:
        return _told(error)
    except BrokenPipeError:
        return 1
    except OSError as error:
        from ntpjoin.show.ending import unwritten  # noqa: PLC0415

        return unwritten(error, _command())
    except Exception:  # noqa: BLE001 - it is raised again, or told
        from ntpjoin.show.ending import crashed  # noqa: PLC0415

        return crashed(_command())


def _refused(error: click.ClickException) -> int:
    """The exit code of what click refuses; said as our own refusals are: on one line, whatever was typed, and what to type."""
    words = error.format_message().rstrip(".")
    message = words if words.isprintable() and len(words) <= _LONG else quoted(words, _LONG)
    command = f"{_command()} " if _words()[0] in cli.commands else ""
    return _told(UsageProblem(message, f"type: ntpjoin {command}--help"))


def _told(error: NtpjoinError) -> int:
    """Say an error that no command showed itself, and give its exit code."""
    from ntpjoin.show.ending import told  # noqa: PLC0415

    return told(error, _command())


def _command() -> str:
    """The command that was typed, one of a group with the group's name before it; or what stands in its place."""
    first, second = _words()
    inner = getattr(cli.commands.get(first), "commands", {})
    return f"{first} {second}" if second in inner else first


def _words() -> tuple[str, str]:
    """The first two words that are no options, '' for those that are missing."""
    first, second, *_ = (*(word for word in sys.argv[1:] if not word.startswith("-")), "", "")
    return first, second
