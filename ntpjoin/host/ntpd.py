"""ntpd(8) itself: which file a running one reads, and whether it accepts a new one."""

from __future__ import annotations

import contextlib
import os
import re
import selectors
import signal
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from time import monotonic, sleep
from typing import Optional

from ntpjoin.errors import StepFailed
from ntpjoin.host.machine import Host
from ntpjoin.host.reading import Process, processes
from ntpjoin.systems import Engine

#: A directive that no ntpd knows, put behind the last line of a candidate: when the daemon complains of it, in that line, it
#: has read the candidate to its end.
_END = "ntpjoin-end-of-file"

#: What it may not do: set the clock, and write as root where only its own user may; AppArmor would deny that, and say so in the log.
_WITHOUT = "-sys_time,-dac_override"

#: How long it may take to read the file, and how long it must then have said nothing more.
_PATIENCE_S = 20.0
_SILENCE_S = 1.0


def running(host: Host, daemon: str, found: Optional[Iterable[Process]] = None) -> tuple[Process, ...]:
    """Each running ntpd, wherever its unit has it from: /usr/sbin may be a link to /usr/bin.

    `found` are all processes, where they were looked at just now.
    """
    name = daemon.rpartition("/")[2]
    return tuple((pid, words) for pid, words in found or processes(host) if words[0].rpartition("/")[2] == name)


def version(host: Host, daemon: str) -> tuple[Optional[Engine], str]:
    """Which ntpd this is and its version, by its own word; None and '' where there is none.

    NTPsec prints `ntpd ntpsec-1.2.2`, classic ntpd `ntpd 4.2.8p15@1.3728-o`, and a date.
    """
    said = host.run([daemon, "--version"], check=False)
    words = (said.out or said.err).split()
    if said.code != 0 or len(words) < 2:
        return None, ""
    name = words[1].partition("@")[0]
    return ("ntpsec", name.removeprefix("ntpsec-")) if "ntpsec" in name else ("classic", name)


#: -c, alone or behind other letters that take no word (ntpd(8) of both engines).
_CONFIG = re.compile("-[46aAbdgGhLmMnNqwxyzZ]*c")


def config_of(words: tuple[str, ...], default: str) -> str:
    """The configuration file that this command line names: the last -c counts, as in getopt(3)."""
    found = default
    for word, following in zip(words, (*words[1:], "")):
        if word == "--configfile":
            found = following
        elif word.startswith("--configfile="):
            found = word.partition("=")[2]
        elif _CONFIG.match(word):
            found = word.partition("c")[2] or following
    return found


def complaints(host: Host, daemon: str, path: str, content: str) -> tuple[str, ...]:
    """What the real daemon complains of in a configuration that is to become `path`.

    It runs in mount and network namespaces of its own, without the capabilities to set the clock and to write anywhere, the
    candidate laid over the real path (AppArmor denies any other name). Raises StepFailed when there is no proof that it read to
    the end.
    """
    lines = content.splitlines()
    with _candidate("\n".join([*lines, _END, ""])) as candidate, _namespaces(host) as pid:
        inside = ["nsenter", "-t", str(pid), "-m", "-n"]
        host.run([*inside, "mount", "--bind", candidate, path])
        cage = [*inside, "setpriv", f"--bounding-set={_WITHOUT}", f"--inh-caps={_WITHOUT}"]
        said = _listen(host, [*cage, daemon, "-n", "-c", path], last_line=len(lines) + 1)
    return tuple(line for line in said if not _is_end(line, len(lines) + 1) and not _UNRESOLVED.search(line))


#: A restriction by name in the operator's own lines: where the check runs, there is no DNS.
_UNRESOLVED = re.compile(r"restrict: .*address/host .* unusable")


@contextlib.contextmanager
def _candidate(content: str) -> Iterator[str]:
    import tempfile  # noqa: PLC0415 - a server that is set up has nothing to try

    with contextlib.ExitStack() as stack:
        try:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="ntpjoin-"))
            file = Path(folder) / "ntp.conf"
            file.write_text(content)
            # The daemon drops root before it reads, where it was built so.
            file.chmod(0o644)
            Path(folder).chmod(0o755)
        except OSError as error:
            # tempfile's own words, where no folder takes a file, are a list of folders.
            why = "there is no room for temporary files" if isinstance(error, FileNotFoundError) else error.strerror
            text = f"the new configuration could not be laid out for its check: {why}"
            raise StepFailed(text, "look at: df /tmp") from error
        yield str(file)


@contextlib.contextmanager
def _namespaces(host: Host) -> Iterator[int]:
    """A process that holds private mount and network namespaces open; yields its id."""
    with host.start(["unshare", "--mount", "--net", "--propagation", "private", "sleep", "600"]) as holder:
        try:
            deadline = monotonic() + _PATIENCE_S
            while host.text(f"/proc/{holder.pid}/comm").strip() != "sleep":
                if monotonic() > deadline or holder.poll() is not None:
                    raise StepFailed(
                        "private namespaces for the check of the configuration could not be made (unshare)"
                    )
                sleep(0.01)
            yield holder.pid
        finally:
            holder.kill()
            holder.communicate()


def _listen(host: Host, argv: list[str], last_line: int) -> tuple[str, ...]:
    """The daemon's complaints while it reads the file and acts on what it read. It is ended when it has fallen silent."""
    said: list[str] = []
    # timeout(1) ends a daemon that never falls silent, even if we are killed meanwhile.
    with host.start(["timeout", f"{_PATIENCE_S:g}", *argv], merge=True) as process:
        try:
            said.extend(_lines(process, last_line))
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    if not any(_is_end(line, last_line) for line in said):
        tail = "\n".join(said[-4:])
        raise StepFailed(
            f"{argv[-4]} did not read the new configuration to its end, exit code {process.returncode}\n{tail}"
        )
    return tuple(filter(None, map(complaint, said)))


def _lines(process: subprocess.Popen[str], last_line: int) -> Iterator[str]:
    """What it says, line by line; until it ends, or has read all and then said nothing for _SILENCE_S."""
    assert process.stdout is not None
    pipe, rest, patience_s = process.stdout.fileno(), b"", _PATIENCE_S
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while selector.select(patience_s):
            chunk = os.read(pipe, 65536)
            if not chunk:
                return
            *lines, rest = (rest + chunk).split(b"\n")
            for line in (raw.decode(errors="replace").strip() for raw in lines):
                patience_s = _SILENCE_S if _is_end(line, last_line) else patience_s
                yield line


def complaint(line: str) -> str:
    """What a line of the daemon's log has to complain of in its configuration, or ''. Classic ntpd marks such lines by no prefix."""
    if "readconfig: parsing" in line:
        return ""
    for mark in ("CONFIG: ", "syntax error", "unusable", "ignored"):
        if mark in line:
            return line.partition("CONFIG: ")[2] or line
    return ""


def log_complaint(line: str) -> str:
    """The same for a daemon in service.

    The check runs it as root, who under AppArmor may not look into the daemon's own folder, and where there is no DNS.
    """
    return complaint(line) or (line if "statistics directory" in line or "giving up resolving host" in line else "")


def _is_end(line: str, last_line: int) -> bool:
    """Both ways in which NTPsec names the line of a syntax error."""
    return "syntax error" in line and (f"line {last_line} " in line or f"line {last_line}," in line)
