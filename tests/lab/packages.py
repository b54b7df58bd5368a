"""The lab's package archive: signed now, as a real one's is, over packages of the day of the build."""

from __future__ import annotations

import json
import shutil
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

from tests.lab.images import ServerImage
from tests.lab.namespaces import STATE, Daemon, Sandbox

ROOT = STATE / "www"
FOLDER = ROOT / "debian"
SERVER = Path(__file__).with_name("webserver.py")
sockets = shutil.ignore_patterns("S.*")
VALID = timedelta(days=7)
FIELDS = {"Origin": "Debian", "Label": "Debian"}


class PackageServer:
    """http://packages.example/debian ./"""

    def __init__(self, sandbox: Sandbox, image: ServerImage) -> None:
        self.sandbox = sandbox
        self.image = image
        # Outside the tree: the pool is mounted later than the tree's view of the lab's folder.
        command = [sys.executable, "-I", str(SERVER), str(ROOT)]
        self.daemon = Daemon(sandbox, "packages", "packages", command, tree=False)

    def prepare(self) -> None:
        """Make the archive's Release file now, so that a clock that is behind sees one from the future."""
        outside = self.sandbox.outside(FOLDER)
        (outside / "pool").mkdir(parents=True)
        self.sandbox.run(["mount", "--bind", "-o", "ro", str(self.image.repository / "pool"), str(FOLDER / "pool")])
        shutil.copy(self.image.repository / "Packages", outside / "Packages")
        shutil.copytree(self.image.repository / "gnupg", self.sandbox.outside(STATE / "gnupg"), ignore=sockets)
        self.sign()
        for repository in self.image.foreign.iterdir() if self.image.system.foreign else ():
            inside = ROOT / repository.name
            self.sandbox.outside(inside).mkdir()
            self.sandbox.run(["mount", "--bind", "-o", "ro", str(repository), str(inside)])

    def sign(self) -> None:
        """Sign what lies there, with the present time."""
        outside = self.sandbox.outside(FOLDER)
        for name in ("Release", "InRelease"):
            (outside / name).unlink(missing_ok=True)
        # As Debian's own for security: after a week apt refuses it, and a clock that is ahead comes to that week's end sooner.
        until = datetime.now(timezone.utc) + VALID
        fields = {**FIELDS, "Codename": self.image.system.suite, "Valid-Until": f"{until:%a, %d %b %Y %H:%M:%S} UTC"}
        options = [
            word for name, value in fields.items() for word in ("-o", f"APT::FTPArchive::Release::{name}={value}")
        ]
        words = ["env", "--chdir=/lab/www/debian", "apt-ftparchive", *options, "release", "."]
        release = self.sandbox.run(words, tree=True).out
        (outside / "Release").write_text(release)
        gpg = ["gpg", "--homedir", "/lab/gnupg", "--batch", "--quiet"]
        paths = ["--output", "/lab/www/debian/InRelease", "/lab/www/debian/Release"]
        self.sandbox.run([*gpg, "--clearsign", *paths], tree=True)
        self.sandbox.run(["gpgconf", "--homedir", "/lab/gnupg", "--kill", "all"], tree=True)

    def start(self) -> None:
        self.daemon.start()
        self.wait()

    def wait(self) -> None:
        probe = "import urllib.request as u; u.urlopen('http://[::1]/debian/Release', timeout=1).read()"
        self.daemon.answers(["python3", "-I", "-c", probe])

    def stop(self) -> None:
        self.daemon.stop()

    def heal(self) -> None:
        self.break_paths({})
        self.start()

    def break_paths(self, faults: dict[str, str]) -> None:
        """Part of a path -> "404", "500", "garbage" or "hang", from the next request on; {} heals."""
        self.sandbox.write(ROOT / "fault.json", json.dumps(faults))
