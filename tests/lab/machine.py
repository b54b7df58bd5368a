"""What the lab needs of the machine it runs on."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.lab import cache, process
from tests.lab.process import LabError, Log

# Program -> the Debian package that has it.
TOOLS: dict[str, str] = {
    "ip": "iproute2",
    "mkfs.ext4": "e2fsprogs",
    "mmdebstrap": "mmdebstrap",
    "nsenter": "util-linux",
    "qemu-img": "qemu-utils",
    "qemu-system-x86_64": "qemu-system-x86",
    "setpriv": "util-linux",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "start-stop-daemon": "dpkg",
    "unshare": "util-linux",
}


class MissingTools(LabError):
    """The machine lacks programs; `packages` are the Debian packages that have them."""

    def __init__(self, programs: list[str], packages: list[str], why: str) -> None:
        super().__init__(
            f"the lab needs {', '.join(programs)}; {why}\n  install them: apt-get install {' '.join(packages)}"
        )
        self.programs = programs
        self.packages = packages


def find(program: str) -> bool:
    return shutil.which(program, path=process.PATH) is not None


def require(
    log: Log, have: Callable[[str], bool] = find, *, tools: Mapping[str, str] = TOOLS, install: bool = True
) -> None:
    """See that all programs are there; root installs what is missing, one test run at a time."""
    with cache.locked("tools"):
        _require(log, have, tools, install=install)


def _require(log: Log, have: Callable[[str], bool], tools: Mapping[str, str], *, install: bool) -> None:
    missing = sorted(program for program in tools if not have(program))
    if missing:
        packages = sorted({tools[program] for program in missing})
        if not install or os.geteuid() != 0 or not find("apt-get"):
            raise MissingTools(missing, packages, "they are not on this machine")
        log(f"installing {' '.join(packages)}")
        process.run(["apt-get", "update"], timeout=600)
        words = [*process.environment_with({"DEBIAN_FRONTEND": "noninteractive"}), "apt-get", "install", "-y"]
        answer = process.run([*words, "--no-install-recommends", *packages], timeout=1800)
        missing = sorted(program for program in tools if not find(program))
        if missing:
            raise MissingTools(missing, packages, f"installing them failed\n{answer.out}{answer.err}")
    if os.geteuid() != 0:
        raise LabError("the lab makes network namespaces and mounts: run it as root")


def kvm() -> bool:
    """Whether virtual machines run on the processor itself. NTPJOIN_LAB_ACCEL=tcg or kvm decides by hand."""
    forced = os.environ.get("NTPJOIN_LAB_ACCEL")
    if forced not in {None, "", "kvm", "tcg"}:
        raise LabError(f"NTPJOIN_LAB_ACCEL={forced}: it is kvm or tcg")
    if forced:
        return forced == "kvm"
    # A /dev/kvm without the processor's own extensions emulates the guest's kernel, slowly, and
    # stops at the first instruction that it does not know.
    if not {"vmx", "svm"} & set(Path("/proc/cpuinfo").read_text().split()):
        return False
    try:
        os.close(os.open("/dev/kvm", os.O_RDWR | os.O_CLOEXEC))
    except OSError:
        return False
    return True


def debian_sources(suite: str, *, updates: bool = True) -> str:
    """This machine's own lines for Debian's archive, for `suite`, without `updates` as it was released; no third party's."""
    fields = "$(ORIGIN)|$(CODENAME)|$(REPO_URI)|$(RELEASE)|$(COMPONENT)"
    ask = ["apt-get", "indextargets", "--format", fields, "Created-By: Packages"]
    found = [line.split("|") for line in process.run(ask, check=True).out.splitlines()]
    if not any(row[0] == "Debian" for row in found):
        process.run(["apt-get", "update"], timeout=600)
        found = [line.split("|") for line in process.run(ask, check=True).out.splitlines()]
    keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"
    lines = set()
    for origin, codename, uri, _release, component in found:
        if origin != "Debian" or component != "main":
            continue
        base, dash, pocket = codename.partition("-")
        if not dash or (updates and pocket in {"updates", "security"}):
            lines.add(f"deb [signed-by={keyring}] {uri} {codename.replace(base, suite, 1)} main")
    if not lines:
        raise LabError("this machine's apt has no source of Debian packages (Origin: Debian, component main)")
    if not Path(keyring).exists():
        raise LabError(f"{keyring} is missing: apt-get install debian-archive-keyring")
    return "".join(f"{line}\n" for line in sorted(lines))
