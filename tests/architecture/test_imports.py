"""What a program holds in memory: none loads what it never uses, and what is loaded before
the fork opens nothing that a fork would hand on."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.architecture.source import ROOT

# A model and what it computes with; green threads; what only pages, only one network need.
MODELS = {"numpy", "py3langid", "sklearn"}
PAGES = {"flask", "werkzeug", "jinja2", "babel", "PIL", "gunicorn", "alembic", "webapp"}
ADAPTERS = {"tweepy", "imapclient", "requests_oauthlib"}
WORKER = MODELS | PAGES | ADAPTERS | {"gevent", "cli"}

STARTS = {
    "send": ("from workers.runtime import import_jobs; import_jobs('send')", WORKER),
    "receive": ("from workers.runtime import import_jobs; import_jobs('receive')", WORKER),
    "tend": ("from workers.runtime import import_jobs; import_jobs('tend')", WORKER),
    "clock": ("import workers.clock", WORKER),
    "web": ("import webapp, cli.web", MODELS | ADAPTERS | {"gevent", "workers"}),
    "live": ("import cli.live", MODELS | ADAPTERS | {"workers", "webapp"}),
    "the supervisor": ("import cli.programs; cli.programs.preload()", MODELS | {"gevent"}),
}

_PRELOAD = """
import json, os, threading
from cli.programs import preload
opened = lambda: len(os.listdir("/proc/self/fd"))
before = opened()
preload()
print(json.dumps({"threads": len(os.listdir("/proc/self/task")), "opened": opened() - before}))
"""


def told_by(script: str) -> object:
    """What a fresh interpreter prints as JSON in its last line."""
    ours = {k: v for k, v in os.environ.items() if not k.startswith(("GUICHET_", "COV_"))}
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=ours, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("program", STARTS)
def test_a_program_loads_nothing_that_it_does_not_use(program: str) -> None:
    start, unused = STARTS[program]
    loaded = told_by(f"{start}\nimport json, sys\nprint(json.dumps(sorted({{m.split('.')[0] for m in sys.modules}})))")
    assert isinstance(loaded, list)
    assert "guichet" in loaded
    assert unused.intersection(loaded) == set()


def test_nothing_is_open_when_the_programs_are_forked() -> None:
    assert told_by(_PRELOAD) == {"threads": 1, "opened": 0}
