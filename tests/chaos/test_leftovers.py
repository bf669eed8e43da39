"""A campaign that is killed leaves nothing behind: no process, no database's server."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.architecture.source import ROOT
from tests.chaos.stores import is_there
from tests.databases import need_own

pytestmark = [pytest.mark.proof, pytest.mark.postgres, pytest.mark.timeout(300)]

_CAMPAIGN = """
import sys, time
from pathlib import Path
from tests.chaos.harness import open_harness
from tests.chaos.stores import PostgresStore
folder = Path(sys.argv[1])
store = PostgresStore(folder, 0.0)
with open_harness(store, folder, [], ["clock", "send-1"]) as harness:
    harness.freeze("send-1")
    print(*harness.running.values(), *store.session_pids(), (store.folder / "postmaster.pid").read_text().split()[0])
    print(store.folder, flush=True)
    time.sleep(60)
"""


def test_who_kills_the_campaign_ends_all_that_it_started(tmp_path: Path) -> None:
    need_own("postgresql")
    with _campaign(tmp_path) as (process, pids, cluster):
        assert len(pids) > 5
        assert all(map(is_there, pids))
        process.kill()
        until = time.monotonic() + 30
        while (any(map(is_there, pids)) or cluster.exists()) and time.monotonic() < until:
            time.sleep(0.1)
        assert [pid for pid in pids if is_there(pid)] == []
        assert not cluster.exists()


@contextmanager
def _campaign(folder: Path) -> Iterator[tuple[subprocess.Popen[str], list[int], Path]]:
    command = [sys.executable, "-c", _CAMPAIGN, str(folder)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    pids = [int(pid) for pid in process.stdout.readline().split()]
    try:
        yield process, pids, Path(process.stdout.readline().strip())
    finally:
        process.kill()
        process.wait()
        for pid in pids:
            if is_there(pid):
                os.kill(pid, signal.SIGKILL)
