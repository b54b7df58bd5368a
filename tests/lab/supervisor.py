"""The first process inside the lab's own namespaces. Run as a program, never imported.

When it ends, however it ends, the kernel kills every other process of the lab, and the network
namespaces, mounts and scratch disks go with the last of them. It ends when its standard input
does (`tied`: the other end of that pipe is held by whoever brought the lab up) or when it is killed.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path

STATE = Path("/run/lab")


def mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True)


def prepare(net_image: str) -> None:
    # Covers the machine's own /run: names of network namespaces, sockets, disks, all vanish with us.
    mount("-t", "tmpfs", "-o", "mode=0755,size=75%", "tmpfs", "/run")
    for name in ("netns", "lab", "lab/pid", "lab/log", "lab/upper", "lab/work", "lab/net", "lab/vm", "lab/www"):
        (STATE.parent / name).mkdir()
    root = str(STATE / "net")
    layers = f"lowerdir={net_image},upperdir={STATE}/upper,workdir={STATE}/work"
    mount("-t", "overlay", "-o", layers, "overlay", root)
    mount("-t", "proc", "proc", f"{root}/proc")
    mount("--rbind", "/dev", f"{root}/dev")
    (Path(root) / "lab").mkdir()
    mount("--bind", str(STATE), f"{root}/lab")


def reap() -> None:
    try:
        while os.waitpid(-1, os.WNOHANG) != (0, 0):
            pass
    except ChildProcessError:
        return


def main() -> None:
    mode, net_image = sys.argv[1:]
    prepare(net_image)
    wake, woken = os.pipe()
    os.set_blocking(woken, False)
    signal.set_wakeup_fd(woken, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    watched = [wake, 0] if mode == "tied" else [wake]
    while True:
        readable, _, _ = select.select(watched, [], [])
        if 0 in readable and not os.read(0, 1):
            return
        if wake in readable:
            os.read(wake, 4096)
        reap()


if __name__ == "__main__":
    main()
