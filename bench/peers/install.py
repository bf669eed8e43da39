"""Installs the peers: django-helpdesk from its hashed lock in an environment apart, Request Tracker with apt.

Request Tracker's package would set up a database and want a mail server; here it is given
neither: its database is made by this benchmark, and its mail is never sent.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from cli.prepare import STAMPS, install, run, step

DESK = STAMPS / "peers"
TRACKER = Path("/usr/share/request-tracker5")
_APT = ("request-tracker5", "rt5-standalone", "rt5-db-postgresql", "rt5-clients", "dbconfig-no-thanks", "msmtp-mta")


def install_desk() -> Path:
    """The bin folder of django-helpdesk's environment."""

    def environment() -> None:
        shutil.rmtree(DESK, ignore_errors=True)
        run(sys.executable, "-m", "venv", DESK)
        (STAMPS / "requirements-peers").unlink(missing_ok=True)

    if not DESK.exists():
        (STAMPS / "peers-environment").unlink(missing_ok=True)
    step("peers-environment", [sys.version, str(DESK)], "making an environment for django-helpdesk", environment)
    install("peers", DESK / "bin" / "python")
    return DESK / "bin"


def install_tracker() -> None:
    """Ends the program where that cannot be."""
    if (TRACKER / "libexec" / "rt-server").exists() and shutil.which("rt-setup-database-5"):
        return
    if not shutil.which("apt-get"):
        sys.exit(
            "Request Tracker is installed with apt, which is not here: python -m bench.peers --only django-helpdesk"
        )
    sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    run(*sudo, "apt-get", "update", "-q", env=env)
    run(*sudo, "apt-get", "install", "-q", "-y", "--no-install-recommends", *_APT, env=env)
