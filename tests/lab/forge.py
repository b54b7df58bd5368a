"""Packages of other formats, and repositories of them: real programs of Debian's, laid out as other distributions lay them out.

What those packages are like stands in `foreign/`: spec files, a PKGBUILD, units, configurations.
"""

from __future__ import annotations

import inspect
import shutil
from pathlib import Path

from tests.lab import cache, images, machine, trees
from tests.lab.process import Log, Result

FOREIGN = Path(__file__).with_name("foreign")
PACKAGES = "createrepo-c,fakeroot,file,libarchive-tools,makepkg,pacman-package-manager,rpm,xz-utils,zstd"

#: System -> repository -> the spec files of what is in it.
RPMS: dict[str, dict[str, tuple[str, ...]]] = {
    "el": {"base": ("system", "chrony", "epel-release"), "epel": ("ntpsec",)},
    "suse": {"base": ("system", "ntp", "chrony")},
}
NTPSEC = ("usr/sbin/ntpd", "usr/bin/ntpq", "usr/lib/python3/dist-packages/ntp", "usr/lib/x86_64-linux-gnu/ntp")
#: Classic ntpd is linked with libraries that Debian 12 no longer has.
CLASSIC_LIBRARIES = ("libopts.so.25", "libcrypto.so.1.1", "libedit.so.2")


def repositories(log: Log) -> Path:
    """A folder `el`, `suse` and `arch`, each with its repositories."""
    net, classic = images.net_image(log), trees.tree("bullseye", log)
    made_by = [PACKAGES, repr(RPMS), net.parent.name, classic.parent.name]
    made_by += [f"{path.name}\n{path.read_text()}" for path in sorted(FOREIGN.iterdir())]
    made_by += [inspect.getsource(step) for step in (payload, copy, make, rpms, pacman)]
    return cache.built("foreign", made_by, lambda folder: make(folder, net, classic, log), log)


def make(folder: Path, net: Path, classic: Path, log: Log) -> None:
    tree_made_by = [PACKAGES, inspect.getsource(images.bootstrap), inspect.getsource(bootstrap)]
    forge = cache.built("forge", tree_made_by, bootstrap, log) / "root"
    shutil.copytree(FOREIGN, folder / "foreign")
    payload(folder / "payload", net, classic)
    for system, repositories_ in RPMS.items():
        for repository, specs in repositories_.items():
            rpms(forge, folder, f"{system}/{repository}", specs)
    pacman(forge, folder)
    for scratch in ("foreign", "payload", "build"):
        shutil.rmtree(folder / scratch)


def bootstrap(folder: Path) -> None:
    tree = folder / "root"
    images.bootstrap(tree, PACKAGES, machine.debian_sources(images.SUITE))
    (tree / "var/lib/pacman/local").mkdir(parents=True, exist_ok=True)
    # makepkg reads from its shell's own descriptors.
    if not (tree / "dev/fd").is_symlink():
        (tree / "dev/fd").symlink_to("/proc/self/fd")


def payload(folder: Path, net: Path, classic: Path) -> None:
    """The programs, where each package has them."""
    for path in NTPSEC:
        copy(net / path, folder / "ntpsec" / path)
    for path in ("usr/sbin/chronyd", "usr/bin/chronyc"):
        copy(net / path, folder / "chrony" / Path(path).name)
    for package, place in (("ntp", "usr/sbin"), ("arch", "usr/bin")):
        copy(classic / "usr/sbin/ntpd", folder / package / place / "ntpd")
        copy(classic / "usr/bin/ntpq", folder / package / "usr/bin/ntpq")
        for library in CLASSIC_LIBRARIES:
            copy(classic / "usr/lib/x86_64-linux-gnu" / library, folder / package / "usr/lib/ntp" / library)
        conf = folder / package / "etc/ld.so.conf.d/ntp.conf"
        conf.parent.mkdir(parents=True)
        conf.write_text("/usr/lib/ntp\n")


def copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source, target)


def in_forge(forge: Path, folder: Path, *argv: str) -> Result:
    return images.in_folder(folder, forge, argv)


def rpms(forge: Path, folder: Path, repository: str, specs: tuple[str, ...]) -> None:
    """Build these with rpmbuild, and an index of them with createrepo."""
    options = ("--define", "_topdir /mnt/build", "--define", "_build_id_links none", "--define", "__strip /bin/true")
    for spec in specs:
        path = folder / "foreign" / f"{spec}.spec"
        # Found dependencies would be names of Debian's libraries, which no package of this format has.
        (folder / "foreign" / "built.spec").write_text("AutoReqProv: no\n" + path.read_text())
        in_forge(forge, folder, "rpmbuild", "-bb", "--quiet", *options, "/mnt/foreign/built.spec")
    target = folder / repository
    target.mkdir(parents=True)
    for rpm in (folder / "build/RPMS").rglob("*.rpm"):
        shutil.move(str(rpm), str(target / rpm.name))
    in_forge(forge, folder, "createrepo_c", "--quiet", f"/mnt/{repository}")


def pacman(forge: Path, folder: Path) -> None:
    """Build it with makepkg, which refuses to be root, and a database of it with repo-add."""
    build = folder / "build/pacman"
    build.mkdir(parents=True)
    shutil.copy(folder / "foreign/PKGBUILD", build / "PKGBUILD")
    for path in (build.parent, build):
        shutil.chown(path, 65534, 65534)
    user = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
    words = (
        "env",
        "--chdir=/mnt/build/pacman",
        "HOME=/tmp",
        "PKGEXT=.pkg.tar.zst",
        "makepkg",
        "--nodeps",
        "--skipinteg",
    )
    in_forge(forge, folder, *user, *words)
    target = folder / "arch/extra"
    target.mkdir(parents=True)
    for package in build.glob("*.pkg.tar.zst"):
        shutil.move(str(package), str(target / package.name))
        in_forge(forge, folder, "repo-add", "/mnt/arch/extra/extra.db.tar.gz", f"/mnt/arch/extra/{package.name}")
