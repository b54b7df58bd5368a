"""What makes a bootstrapped tree a freshly installed server. A change here rebuilds the image."""

from __future__ import annotations

from pathlib import Path

RESOLV_CONF = "nameserver 198.51.100.53\nnameserver 2001:db8:51::53\n"
KEYRING = "/usr/share/keyrings/lab-archive.gpg"
SOURCES = f"deb [signed-by={KEYRING}] http://packages.example/debian ./\n"
INTERFACES = """\
auto lo
iface lo inet loopback

auto eth0
iface eth0 inet static
    address 203.0.113.7/24
    gateway 203.0.113.1
iface eth0 inet6 static
    address 2001:db8:113::7/64
    gateway 2001:db8:113::1
    dad-attempts 0
    accept_ra 0
"""
FILES: dict[str, str] = {
    "etc/hostname": "time1\n",
    "etc/hosts": "127.0.0.1\tlocalhost\n127.0.1.1\ttime1.example time1\n\n::1\tlocalhost ip6-localhost ip6-loopback\n",
    "etc/network/interfaces": INTERFACES,
    "etc/resolv.conf": RESOLV_CONF,
    "etc/fstab": "LABEL=root / ext4 errors=remount-ro 0 1\n",
    "etc/apt/sources.list": SOURCES,
    # An empty one would make the first boot a "first boot", which enables and disables units by preset.
    "etc/machine-id": "5a17e0c1ab1e4f0e8d0c0ffee0ddba11\n",
}
ABSENT: tuple[str, ...] = ("etc/apt/apt.conf.d/99mmdebstrap", "etc/apt/sources.list.d/0000debian.list")
# As an operator would have typed them; the network namespace in which they run is thrown away.
COMMANDS: tuple[tuple[str, ...], ...] = (
    ("ufw", "allow", "22/tcp"),
    ("ufw", "--force", "enable"),
    ("apt-get", "clean"),
)


def finish(tree: Path, public_key: str, archive_key: bytes) -> None:
    for name, text in FILES.items():
        path = tree / name
        path.unlink(missing_ok=True)
        path.write_text(text)
    for name in ABSENT:
        (tree / name).unlink(missing_ok=True)
    for lists in (tree / "var/lib/apt/lists").iterdir():
        if lists.is_file() and lists.name != "lock":
            lists.unlink()
    (tree / KEYRING.lstrip("/")).write_bytes(archive_key)
    ssh = tree / "root/.ssh"
    ssh.mkdir(mode=0o700, exist_ok=True)
    (ssh / "authorized_keys").write_text(public_key)
    (ssh / "authorized_keys").chmod(0o600)
