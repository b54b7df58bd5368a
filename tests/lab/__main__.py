"""The lab by hand."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Protocol, Union

from tests.lab import hosts, lab, process
from tests.lab.images import STANDARD
from tests.lab.lab import Lab, Machine
from tests.lab.network import ROUTER
from tests.lab.process import LabError
from tests.lab.recipe import SYSTEMS
from tests.lab.snapshot import Snapshot
from tests.lab.vm import Server


class Command(Protocol):
    def __call__(self, given: argparse.Namespace) -> int: ...


def named(up: Lab, name: str) -> Union[Machine, Server]:
    if name in {"server", "vm", "time1"}:
        return up.server
    return up.router if name == ROUTER else up.host(name)


def do_up(given: argparse.Namespace) -> int:
    if is_up():
        raise LabError("a lab is up already: python -m tests.lab down")
    up = Lab(system=given.system, tied=False)
    up.up()
    if not given.no_server:
        up.boot_server(given.clock_offset)
    return do_hosts(given)


def is_up() -> bool:
    try:
        lab.attached()
    except LabError:
        return False
    return True


def do_down(given: argparse.Namespace) -> int:
    del given
    lab.attached().down()
    lab.state_file().unlink()
    return 0


def do_hosts(given: argparse.Namespace) -> int:
    del given
    rows = [("router", "", "203.0.113.1", "2001:db8:113::1")]
    rows += [(key, row.name, row.ipv4 or "-", row.ipv6 or "-") for key, row in hosts.HOSTS.items()]
    rows += [("server", "time1.example", hosts.SERVER4, hosts.SERVER6)]
    for row in rows:
        print("{:<10} {:<22} {:<15} {}".format(*row))
    return 0


def do_boot(given: argparse.Namespace) -> int:
    lab.attached().boot_server(given.clock_offset)
    return 0


def do_run(given: argparse.Namespace) -> int:
    host = named(lab.attached(), given.host)
    result = host.run(given.command, timeout=given.timeout)
    sys.stdout.write(result.out)
    sys.stderr.write(result.err)
    return result.code


def do_shell(given: argparse.Namespace) -> int:
    up = lab.attached()
    host = named(up, given.host)
    words = up.sandbox.argv(["bash"], host=getattr(host, "name", ""), tree=True)
    if isinstance(host, Server):
        words = up.sandbox.argv(host.ssh.words("-t"), host=ROUTER)
    os.execvpe(words[0], words, process.ENVIRONMENT)


def do_put(given: argparse.Namespace) -> int:
    lab.attached().server.put(given.local, given.remote, int(given.mode, 8))
    return 0


def do_get(given: argparse.Namespace) -> int:
    lab.attached().server.get(given.remote, given.local)
    return 0


def do_reboot(given: argparse.Namespace) -> int:
    del given
    lab.attached().server.reboot()
    return 0


def do_cut_power(given: argparse.Namespace) -> int:
    del given
    lab.attached().server.cut_power()
    return 0


def do_start(given: argparse.Namespace) -> int:
    del given
    up = lab.attached()
    Server(up.sandbox, up.image).start()
    return 0


def do_checkpoint(given: argparse.Namespace) -> int:
    lab.attached().server.checkpoint(given.name)
    return 0


def do_rollback(given: argparse.Namespace) -> int:
    up = lab.attached()
    Server(up.sandbox, up.image).rollback(given.name)
    return 0


def do_snapshot(given: argparse.Namespace) -> int:
    now = lab.attached().server.snapshot()
    if given.since is None:
        print(now.as_json())
        return 0
    lines = Snapshot.from_json(given.since.read_text()).diff(now)
    print("\n".join(lines) or "no difference")
    return 1 if lines else 0


def do_console(given: argparse.Namespace) -> int:
    del given
    up = lab.attached()
    print(Server(up.sandbox, up.image).console(1000))
    return 0


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m tests.lab", description="A test internet with a server in it.")
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, do: Command, text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text)
        sub.set_defaults(do=do)
        return sub

    up = add("up", do_up, "bring all up, detached, and boot the server")
    up.add_argument("--system", choices=sorted(SYSTEMS), default=STANDARD, help="what the server is")
    up.add_argument("--no-server", action="store_true", help="the network only")
    boot = add("boot", do_boot, "boot a freshly installed server")
    for sub in (up, boot):
        sub.add_argument("--clock-offset", type=float, default=-7200, metavar="SECONDS")
    add("down", do_down, "end all")
    add("hosts", do_hosts, "who is there")
    run = add("run", do_run, "run a command on a host: run HOST -- CMD…")
    run.add_argument("--timeout", type=float, default=600)
    run.add_argument("host")
    run.add_argument("command", nargs="+")
    add("shell", do_shell, "a shell on a host").add_argument("host")
    put = add("put", do_put, "copy a file to the server")
    put.add_argument("local", type=Path)
    put.add_argument("remote")
    put.add_argument("--mode", default="755")
    get = add("get", do_get, "copy a file from the server")
    get.add_argument("remote")
    get.add_argument("local", type=Path)
    add("reboot", do_reboot, "reboot the server")
    add("cut-power", do_cut_power, "pull the server's plug")
    add("start", do_start, "switch the server on again")
    add("checkpoint", do_checkpoint, "keep the server as it is now").add_argument("name")
    add("rollback", do_rollback, "go back to a checkpoint").add_argument("name")
    snapshot = add("snapshot", do_snapshot, "the server's files, packages, units and firewall as JSON")
    snapshot.add_argument("--since", type=Path, help="an earlier one: show what changed")
    add("console", do_console, "the server's serial console")
    return top


def main(words: list[str]) -> int:
    given = parser().parse_args(words)
    actions: dict[str, Command] = vars(given)
    try:
        return actions["do"](given)
    except (LabError, KeyError) as error:
        print(f"lab: {error.args[0]}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
