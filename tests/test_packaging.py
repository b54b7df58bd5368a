"""What users get: the wheel with its templates and its catalogue, and the one file to carry."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Optional

import pytest

REPOSITORY = Path(__file__).parents[1]
PYZ = REPOSITORY / "dist" / "ntpjoin.pyz"

pytestmark = pytest.mark.usefixtures("real_programs")


def interpreter(version: str) -> Optional[str]:
    """A Python of this version, on the path or among pyenv's, which run by their own name only."""
    installed = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python{version}"))
    return str(installed[-1]) if installed else shutil.which(f"python{version}")


def test_the_wheel_holds_every_template_and_the_catalogue(tmp_path: Path) -> None:
    build = [
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--quiet",
        "--no-deps",
        "--wheel-dir",
        str(tmp_path),
        str(REPOSITORY),
    ]
    subprocess.run(build, check=True, capture_output=True)
    [wheel] = tmp_path.glob("*.whl")
    held = set(zipfile.ZipFile(wheel).namelist())
    templates = {f"ntpjoin/templates/{path.name}" for path in (REPOSITORY / "templates").iterdir()}
    assert templates
    assert templates <= held
    assert "ntpjoin/upstreams/catalogue.csv" in held
    assert not [name for name in held if name.startswith("tests/")]


@pytest.fixture(scope="module")
def archive() -> Path:
    subprocess.run(["make", "-s", "dist"], cwd=REPOSITORY, check=True, capture_output=True)
    return PYZ


def test_the_archive_carries_all_it_needs_and_nothing_compiled(archive: Path) -> None:
    held = zipfile.ZipFile(archive).namelist()
    for package in ("ntpjoin", "click", "jinja2", "markupsafe", "dns", "ntplib.py", "distro"):
        assert any(name.split("/")[0] == package for name in held), package
    assert {"ntpjoin/templates/ntp.conf.j2", "ntpjoin/upstreams/catalogue.csv"} <= set(held)
    assert not [name for name in held if name.endswith(".so")]


def test_the_archive_has_a_compiled_copy_of_every_module_and_runs_it(archive: Path) -> None:
    held = zipfile.ZipFile(archive).namelist()
    [tag] = {name.split("/")[0] + "/" for name in held if name.endswith(".pyc")}
    sources = {name for name in held if name.endswith(".py") and name != "__main__.py"}
    compiled = {name for name in held if name.endswith(".pyc")}
    assert compiled == {f"{tag}{name}c" for name in sources} | {f"{tag}ntpjoin/archive.pyc"}
    script = (
        "import runpy, sys; sys.argv = [sys.argv[1], '--help']; sys.path[0] = sys.argv[0]\n"
        "try: runpy.run_path(sys.argv[0], run_name='__main__')\n"
        "finally: print(sys.modules['click'].__file__, sys.modules['ntpjoin.cli'].__file__, file=sys.stderr)"
    )
    maker = REPOSITORY / ".venv" / "bin" / "python"
    ran = subprocess.run([maker, "-c", script, str(archive)], check=True, capture_output=True, text=True)
    assert ran.stderr.split() == [f"{archive}/{tag}click/__init__.pyc", f"{archive}/{tag}ntpjoin/cli/__init__.pyc"]


def test_no_module_of_the_archive_is_unmarshalled_twice(archive: Path) -> None:
    script = """
import runpy, sys
sys.addaudithook(lambda event, given: event == "marshal.loads" and print(hash(given[0]), file=sys.stderr))
sys.argv, sys.path[0] = [sys.argv[1], "verify", "--help"], sys.argv[1]
runpy.run_path(sys.argv[0], run_name="__main__")
"""
    maker = REPOSITORY / ".venv" / "bin" / "python"
    ran = subprocess.run([maker, "-c", script, str(archive)], check=True, capture_output=True, text=True)
    loaded = ran.stderr.split()
    assert len(loaded) > 20
    assert len(loaded) == len(set(loaded))


def test_a_command_is_imported_when_it_is_typed() -> None:
    script = """
import sys
from ntpjoin.cli import cli
cli.main(["verify", "--help"], standalone_mode=False)
print(*(name for name in sys.modules if name.startswith("ntpjoin.cli.")), file=sys.stderr)
"""
    ran = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert set(ran.stderr.split()) == {f"ntpjoin.cli.{name}" for name in ("answering", "options", "looking")}


def test_what_every_run_imports_is_not_deflated(archive: Path) -> None:
    held = zipfile.ZipFile(archive).infolist()
    plain = {one.filename for one in held if one.compress_type == zipfile.ZIP_STORED}
    [tag] = {name.split("/")[0] for name in plain}
    assert {f"{tag}/click/core.pyc", f"{tag}/ntpjoin/cli/__init__.pyc", f"{tag}/ntplib.pyc"} <= plain
    assert {"click/core.py", "ntpjoin/cli/__init__.py", f"{tag}/dns/resolver.pyc"}.isdisjoint(plain)


@pytest.mark.parametrize("version", ["3.9", "3.10", "3.11", "3.12", "3.13"])
def test_the_archive_runs_without_anything_installed(archive: Path, version: str) -> None:
    python = interpreter(version)
    if not python:
        pytest.skip(f"no Python {version} on this machine")
    path = f"import sys; sys.path.insert(0, {str(archive)!r})"
    script = f"{path}; from ntpjoin.provision.render import template; print(template('ntp.conf.j2'))"
    shown = subprocess.run([python, "-I", "-S", "-c", script], check=True, capture_output=True, text=True)
    assert shown.stdout.startswith("# Configuration of ntpd, written by ntpjoin.")
    words = [python, "-I", "-S", str(archive), "upstreams", "list", "--near", "52.5,13.4"]
    listed = subprocess.run(words, check=True, capture_output=True, text=True)
    assert len(listed.stdout.splitlines()) == 21
    helped = subprocess.run([python, "-I", "-S", str(archive), "--help"], check=True, capture_output=True, text=True)
    assert "setup" in helped.stdout


def test_the_copy_that_a_timer_starts_goes_on_when_it_is_taken_away(archive: Path, tmp_path: Path) -> None:
    """`undo` may be run by that very file: what it imports after that comes through the open file."""
    copy = tmp_path / "ntpjoin.pyz"
    place = "/usr/local/lib/ntpjoin/ntpjoin.pyz"
    with zipfile.ZipFile(archive) as whole, zipfile.ZipFile(copy, "w") as made:
        for name in whole.namelist():
            content = whole.read(name)
            if name == "__main__.py":
                assert place.encode() in content
                content = content.replace(place.encode(), str(copy).encode())
            made.writestr(name, content)
    script = (
        "import os, runpy, sys; sys.argv = [sys.argv[1], '--help']; sys.path[0] = sys.argv[0]\n"
        "try: runpy.run_path(sys.argv[0], run_name='__main__')\n"
        "finally:\n"
        "    from ntpjoin.look.program import _archive\n"
        "    print(_archive()); os.unlink(sys.argv[0])\n"
        "    import dns.resolver; from ntpjoin.provision.render import template; print(template('ntp.conf.j2')[:1])"
    )
    for python in filter(None, (sys.executable, interpreter("3.9"), interpreter("3.13"))):
        again = shutil.copy(copy, tmp_path / "again.pyz")
        ran = subprocess.run([python, "-I", "-S", "-c", script, str(copy)], capture_output=True, text=True, check=False)
        assert ran.returncode == 0, ran.stderr
        assert ran.stdout.splitlines()[-2:] == [str(copy), "#"]
        shutil.move(again, copy)


@pytest.mark.parametrize("version", ["2.7", "3.6", "3.7", "3.8"])
def test_an_older_python_is_told_in_one_line_which_one_is_needed(archive: Path, version: str) -> None:
    python = interpreter(version)
    if not python:
        pytest.skip(f"no Python {version} on this machine")
    refused = subprocess.run([python, "-E", "-S", str(archive), "--help"], check=False, capture_output=True, text=True)
    assert refused.returncode == 3
    assert refused.stderr.count("\n") == 1
    assert "needs Python 3.9 or newer" in refused.stderr
