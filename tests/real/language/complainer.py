"""Runs inside a root tree, in a network of its own and without the right to set the clock: starts ntpd with one configuration after
the other, and says what it said of each. One JSON value a line, in and out.

    python3 -c "$(cat complainer.py)"

A configuration is {"text": ..., "end": ...}: `end` is in what the daemon says last of it. The answer has what it `said`, line by
line, and its exit `code`, null where it ran on.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

CONFIG = "/run/ntp.conf"
PATIENCE_S = 30.0
#: What the daemon says at once behind its last word on the configuration.
SILENCE_S = 0.05


def cover(*folders: str) -> None:
    """Lay an empty file system over each folder that there is: the tree is shared and stays as it is."""
    for folder in folders:
        if Path(folder).is_dir():
            subprocess.run(["mount", "-t", "tmpfs", "complainer", folder], check=True)


def heard(process: subprocess.Popen[bytes], end: str) -> bytes:
    """All that it says until its last word on the configuration, or its end."""
    assert process.stdout is not None
    said, deadline = b"", time.monotonic() + PATIENCE_S
    while end.encode() not in said and time.monotonic() < deadline:
        if select.select([process.stdout], [], [], 0.5)[0]:
            chunk = os.read(process.stdout.fileno(), 65536)
            if not chunk:
                process.wait()
                return said
            said += chunk
    while select.select([process.stdout], [], [], SILENCE_S)[0]:
        chunk = os.read(process.stdout.fileno(), 65536)
        if not chunk:
            process.wait()
            break
        said += chunk
    return said


def complains(case: dict[str, str]) -> dict[str, Any]:
    Path(CONFIG).write_bytes(case["text"].encode())
    argv = ["ntpd", "-n", "-c", CONFIG]
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        try:
            said = heard(process, case["end"])
            code = process.poll()
        finally:
            process.kill()
    return {"said": said.decode(errors="replace").splitlines(), "code": code}


def main() -> None:
    cover("/run", "/etc/ntpsec", "/var/lib/ntp", "/var/lib/ntpsec", "/var/log")
    for line in sys.stdin:
        print(json.dumps(complains(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
