"""Prints the state of the host it runs on as JSON. Run as a program on the server, never imported."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

FIREWALL = (
    ("ufw", "status", "verbose"),
    ("nft", "list", "ruleset"),
    ("iptables-save",),
    ("ip6tables-save",),
    ("firewall-cmd", "--list-all-zones"),
    ("firewall-cmd", "--permanent", "--list-all-zones"),
)
KINDS = {stat.S_IFREG: "file", stat.S_IFDIR: "folder", stat.S_IFLNK: "link"}


#: Say by their exit code that they do not run, or have nothing to list.
MAY_FAIL = ("firewall-cmd", "pacman")


def output(*argv: str) -> str:
    # A crowded host may need longer than the 25 s that systemctl waits; no answer is not a host without units.
    environment = {**os.environ, "LC_ALL": "C", "SYSTEMD_BUS_TIMEOUT": "300"}
    done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=environment, check=False)
    if done.returncode and argv[0] not in MAY_FAIL:
        raise RuntimeError(f"{argv}: {done.stderr}")
    return done.stdout


def etc() -> dict[str, list[str]]:
    found = {}
    for folder, folders, names in os.walk("/etc"):
        for name in (*folders, *names):
            path = Path(folder, name)
            facts = path.lstat()
            kind = KINDS.get(stat.S_IFMT(facts.st_mode), "other")
            content = ""
            if kind == "link":
                content = str(path.readlink())
            elif kind == "file":
                content = hashlib.sha256(path.read_bytes()).hexdigest()
            found[str(path)] = [kind, oct(stat.S_IMODE(facts.st_mode)), str(facts.st_uid), str(facts.st_gid), content]
    return found


def packages() -> dict[str, list[str]]:
    """Of all formats; those that are not the distribution's own with their manager before the name."""
    found = debs()
    for manager, argv in (("rpm", ("rpm", "-qa", "--qf", "%{NAME} %{EVR}\n")), ("pacman", ("pacman", "-Q"))):
        for line in output(*argv).splitlines() if shutil.which(manager) else ():
            name, version = line.split()
            found[f"{manager} {name}"] = [version]
    return found


def debs() -> dict[str, list[str]]:
    form = "${binary:Package}\t${Version}\t${db:Status-Abbrev}\n"
    automatic = set(output("apt-mark", "showauto").split())
    found = {}
    for line in output("dpkg-query", "--show", "--showformat", form).splitlines():
        name, version, status = line.split("\t")
        mark = "auto" if automatic & {name, name.partition(":")[0]} else "manual"
        found[name] = [version, mark, status.strip()]
    return found


def units() -> dict[str, list[str]]:
    return systemd_units() if Path("/run/systemd/system").exists() else init_scripts()


def init_scripts() -> dict[str, list[str]]:
    """Their links are files of /etc; here is what runs."""
    found = {}
    for line in output("service", "--status-all").splitlines():
        state, _, name = line.strip().removeprefix("[").partition("]")
        found[name.strip()] = [state.strip()]
    return found


def systemd_units() -> dict[str, list[str]]:
    files = output("systemctl", "list-unit-files", "--no-legend", "--no-pager", "--plain", "--full").splitlines()
    found = {line.split()[0]: [line.split()[1], "inactive"] for line in files if line.split()}
    # Devices, sessions and what else comes and goes by itself is nobody's doing.
    kinds = "--type=service,socket,timer,path,target"
    listed = output("systemctl", "list-units", "--all", "--no-legend", "--no-pager", "--plain", "--full", kinds)
    for line in listed.splitlines():
        name, load, active, _ = line.split(None, 3)
        if name.startswith(("user@", "user-runtime-dir@", "session-", "systemd-fsckd")):
            continue
        known = found.get(name, [load])[0]
        found[name] = [known, active]
    return found


def firewall() -> dict[str, str]:
    return {" ".join(argv): output(*argv) for argv in FIREWALL if shutil.which(argv[0])}


def main() -> None:
    with ThreadPoolExecutor() as pool:
        running = {job.__name__: pool.submit(job) for job in (firewall, packages, units, etc)}
        json.dump({name: future.result() for name, future in running.items()}, sys.stdout)


if __name__ == "__main__":
    main()
