"""What the user types: commands and options become a wish and consents; outcomes become an exit code."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any, NoReturn

import click

from ntpjoin import __version__
from ntpjoin.cli import answering
from ntpjoin.errors import Interrupted, NtpjoinError, UsageProblem, quoted

#: Click repeats what was typed; nothing that it says by itself is longer.
_LONG = 160

#: The commands, by the module that each is in.
_IN = {
    "detect": "looking",
    "firewall": "setting_up",
    "install": "setting_up",
    "lint": "lint",
    "plan": "setting_up",
    "probe": "probe",
    "register": "pool",
    "render": "setting_up",
    "resolve": "upstreams",
    "restart": "setting_up",
    "score": "pool",
    "setup": "setting_up",
    "undo": "setting_up",
    "upstreams": "upstreams",
    "verify": "looking",
    "web-redirect": "web",
}


class _Commands(Mapping[str, click.Command]):
    """Each is imported when it is typed, all of them only to be listed: options take long to make."""

    def __getitem__(self, name: str) -> Any:
        return getattr(import_module(f"ntpjoin.cli.{_IN[name]}"), name.replace("-", "_"))

    def __iter__(self) -> Iterator[str]:
        return iter(_IN)

    def __len__(self) -> int:
        return len(_IN)


@click.group(
    commands=_Commands(),
    invoke_without_command=True,
    subcommand_metavar="COMMAND [ARGS]...",
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="ntpjoin")
@click.pass_context
def cli(context: click.Context) -> None:
    """Turn this server into a good member of the NTP Pool, and keep it one."""
    answering.with_help(context)


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
