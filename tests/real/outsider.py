"""Runs dist/ntpjoin.pyz on the lab's client, as nobody, in a root tree of choice: any Python against real name and time servers.

The tree says that it is Debian 12, so that there is a row to plan by; nothing is written into it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Optional

from tests.lab import Lab, Result
from tests.lab.hosts import HOSTS
from tests.lab.namespaces import STATE
from tests.lab.recipe import RESOLV_CONF

PYZ = Path(__file__).parents[2] / "dist" / "ntpjoin.pyz"
OS_RELEASE = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n'
NAMES = [HOSTS[host].name for host in ("alpha", "bravo", "charlie", "delta", "echo")]
UPSTREAMS = [word for name in NAMES for word in ("--upstream", name)]

#: Mounts in a namespace that ends with the program: only a shell can hold it open between them.
SCRIPT = """
tree=$1 dist=$2 release=$3 resolv=$4 prefix=$5 python=$6
shift 6
mount --bind "$release" "$tree/usr/lib/os-release"
mount --bind "$resolv" "$tree/etc/resolv.conf"
mount -t tmpfs -o mode=755 mnt "$tree/mnt"
mkdir "$tree/mnt/dist" "$tree/mnt/python"
mount --bind "$dist" "$tree/mnt/dist"
[ -z "$prefix" ] || mount --bind "$prefix" "$tree/mnt/python"
[ -e "$tree/proc/self" ] || mount -t proc proc "$tree/proc"
exec chroot --userspec=nobody:nogroup "$tree" env LD_LIBRARY_PATH="${prefix:+/mnt/python/lib}" "$python" /mnt/dist/ntpjoin.pyz "$@"
"""


def run(lab: Lab, *words: str, tree: Optional[Path] = None, interpreter: str = "", timeout: float = 120) -> Result:
    """Run it by the tree's own python3 (Debian 12's without a tree), or by an interpreter that lies outside."""
    prefix = str(Path(interpreter).resolve().parents[1]) if interpreter else ""
    python = f"/mnt/python/bin/{Path(interpreter).resolve().name}" if interpreter else "/usr/bin/python3"
    release, resolv = STATE / "outsider/os-release", STATE / "outsider/resolv.conf"
    lab.sandbox.write(release, OS_RELEASE)
    lab.sandbox.write(resolv, RESOLV_CONF)
    argv = ["unshare", "--mount", "--propagation", "private", "sh", "-e", "-c", SCRIPT, "sh"]
    argv += [str(tree or STATE / "net"), str(PYZ.parent), str(release), str(resolv), prefix, python, *words]
    return lab.sandbox.run(argv, host="client", check=False, timeout=timeout)
