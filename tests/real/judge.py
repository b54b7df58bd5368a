"""Runs inside a root tree, in a network of its own and without the right to set the clock: has ntpd read configurations and says
what it made of each. One JSON value a line, in and out.

    python3 -c "$(cat judge.py)" ntpsec|classic

NTPsec is started with the file and asked over mode 6 by NTPsec's own library; classic ntpd writes down what its parser understood.
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

KEY = "thisisnosecret"
#: The operator's include file: NTPsec tells its restrictions only to who has a key.
NTPSEC_INCLUDE = "keys /etc/ntpsec/ntp.keys\ntrustedkey 1\ncontrolkey 1\n"
#: The same for classic ntpd: a line by which the file is seen to be read.
CLASSIC_INCLUDE = "server 192.0.2.251\n"
UNDERSTOOD = Path("/run/understood")
PATIENCE_S = 30.0


def write(path: str, text: str) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_bytes(text.encode("utf-8", "surrogatepass"))


def cover(*folders: str) -> None:
    """Lay an empty file system over each folder: the tree is shared and stays as it is."""
    for folder in folders:
        Path(folder).mkdir(parents=True, exist_ok=True)
        subprocess.run(["mount", "-t", "tmpfs", "judge", folder], check=True)


def heard(process: subprocess.Popen[bytes]) -> str:
    """What the daemon says until it has opened its sockets or ended."""
    assert process.stdout is not None
    said = b""
    deadline = time.monotonic() + PATIENCE_S
    while b"Listening on routing socket" not in said and time.monotonic() < deadline:
        if select.select([process.stdout], [], [], 0.5)[0]:
            chunk = os.read(process.stdout.fileno(), 65536)
            if not chunk:
                break
            said += chunk
    return said.decode(errors="replace")


def asked() -> dict[str, Any]:
    """Whom the running NTPsec follows, and how; and whom it lets do what."""
    import ntp.packet  # type: ignore[import-not-found]  # the tree has it

    session = ntp.packet.ControlSession()
    session.openhost("127.0.0.1")
    session.keyid, session.keytype, session.passwd = 1, "MD5", KEY
    session.auth = ntp.packet.Authenticator()
    wanted = ["srcadr", "srcport", "hmode", "keyid"]
    peers = [dict(session.readvar(peer.associd, wanted)) for peer in session.readstat()]
    rules = ["{}/{} {}".format(row["addr"], row["mask"], row["flags"]) for row in session.reslist()]
    session.close()
    return {"peers": peers, "rules": rules}


def ntpsec(text: str) -> dict[str, Any]:
    write("/etc/ntpsec/ntp.conf", text)
    argv = ["ntpd", "-n", "-c", "/etc/ntpsec/ntp.conf"]
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        try:
            said = heard(process)
            answer = {"peers": [], "rules": []} if process.poll() is not None else asked()
        finally:
            process.kill()
    return {"said": said, **answer}


def classic(text: str) -> dict[str, Any]:
    write("/run/ntp.conf", text)
    argv = ["ntpd", f"--saveconfigquit={UNDERSTOOD}", "-c", "/run/ntp.conf"]
    done = subprocess.run(argv, check=False, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE_S)
    lines = UNDERSTOOD.read_text(errors="replace").splitlines() if UNDERSTOOD.exists() else []
    write(str(UNDERSTOOD), "")
    said = (done.stdout + done.stderr).decode(errors="replace")
    return {"said": said, "understood": [line for line in lines if not line.startswith("#NTF")]}


def main() -> None:
    read = {"ntpsec": ntpsec, "classic": classic}[sys.argv[1]]
    if read is ntpsec:
        cover("/etc/ntpsec", "/var/lib/ntpsec", "/run")
        write("/etc/ntpsec/ntp.keys", f"1 MD5 {KEY}\n")
        write("/etc/ntpsec/ntp.d/local.conf", NTPSEC_INCLUDE)
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    else:
        cover("/var/lib/ntp", "/run")
        write("/run/local.conf", CLASSIC_INCLUDE)
    for line in sys.stdin:
        print(json.dumps(read(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
