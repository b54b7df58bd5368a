"""What this host runs on: hardware or a hypervisor, which clock the kernel reads, and how much of its time others get."""

from __future__ import annotations

import re
from typing import Optional

from ntpjoin.host.machine import Host
from ntpjoin.host.reading import head
from ntpjoin.surroundings import Machine

_DMI = "/sys/class/dmi/id"
_CLOCK = "/sys/devices/system/clocksource/clocksource0"

#: Makers of machines that are none (systemd's detect-virt goes by the same names); those of clouds also rent out real ones.
_HYPERVISORS = ("QEMU", "VMware", "innotek GmbH", "Xen", "Bochs", "Parallels", "BHYVE", "KVM", "Apple Virtualization")


def look_machine(host: Host, container: str) -> Machine:
    """Ask the kernel and the firmware; `container` is what is known of one already."""
    maker, model = (_line(host, f"{_DMI}/{name}") for name in ("sys_vendor", "product_name"))
    return Machine(
        virtual=_is_virtual(host, maker),
        product=" ".join(dict.fromkeys(filter(None, (maker, model)))),
        container=container or _container(host),
        clocksource=_line(host, f"{_CLOCK}/current_clocksource"),
        clocksources=tuple(_line(host, f"{_CLOCK}/available_clocksource").split()),
        stolen_percent=stolen_percent(head(host, "/proc/stat")),
        memory_kb=_memory_kb(head(host, "/proc/meminfo")),
    )


def _memory_kb(meminfo: str) -> int:
    """What the kernel has to give (proc(5))."""
    found = re.search(r"^MemTotal:\s+([0-9]{1,15}) kB$", meminfo, re.MULTILINE)
    return int(found[1]) if found else 0


def _line(host: Host, path: str) -> str:
    """The first line of a small file, of what can be printed at most so much as belongs into a message."""
    first = head(host, path).strip().partition("\n")[0]
    return "".join(letter for letter in first if letter.isprintable())[:60].strip()


def _is_virtual(host: Host, maker: str) -> bool:
    """x86 processors tell of a hypervisor in their flags; others' firmware, or the maker, does."""
    flags = re.search(r"^flags\s*:(.*)$", head(host, "/proc/cpuinfo"), re.MULTILINE)
    return (
        (flags is not None and "hypervisor" in flags[1].split())
        or bool(_line(host, "/sys/hypervisor/type"))
        or host.exists("/proc/device-tree/hypervisor")
        or maker.startswith(_HYPERVISORS)
    )


def _container(host: Host) -> str:
    """What kind of container this is, by what systemd, podman and docker leave in one."""
    told = _line(host, "/run/systemd/container")
    left = (("/run/.containerenv", "podman"), ("/.dockerenv", "docker"))
    return told or next((name for path, name in left if host.exists(path)), "")


def stolen_percent(text: str) -> Optional[float]:
    """The part of all processors' time that was stolen (proc(5), stat: the eighth number); None where it is not told.

    The two numbers behind it are counted in the first two.
    """
    words = text.partition("\n")[0].split()
    if len(words) < 9 or words[0] != "cpu" or not all(re.fullmatch("[0-9]{1,20}", word) for word in words[1:9]):
        return None
    numbers = [int(word) for word in words[1:9]]
    return 100 * numbers[7] / sum(numbers) if sum(numbers) else None
