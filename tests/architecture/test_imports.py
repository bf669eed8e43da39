"""What a program holds in memory: none loads what it never uses, and what is loaded before
the fork opens nothing that a fork would hand on."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from tests.architecture.source import ROOT

# What opens films, in a program of its own; a model and what it computes with; green threads;
# what only pages, only one network need.
MODELS = {"av", "numpy", "py3langid", "sklearn"}
PAGES = {"flask", "werkzeug", "jinja2", "babel", "PIL", "gunicorn", "alembic", "webapp"}
ADAPTERS = {"tweepy", "imapclient", "requests_oauthlib"}
WORKER = MODELS | PAGES | ADAPTERS | {"gevent", "cli"}

STARTS = {
    "send": ("from workers.runtime import import_jobs; import_jobs('send')", WORKER),
    "receive": ("from workers.runtime import import_jobs; import_jobs('receive')", WORKER),
    "tend": ("from workers.runtime import import_jobs; import_jobs('tend')", WORKER),
    "films": ("from workers.runtime import import_jobs; import_jobs('films')", WORKER),
    "clock": ("import workers.clock", WORKER),
    "web": ("import webapp, cli.web", MODELS | ADAPTERS | {"gevent", "workers"}),
    "live": ("import cli.live", MODELS | ADAPTERS | {"workers", "webapp"}),
}

_LOADED = """
import json, sys
print(json.dumps(sorted({m.split('.')[0] for m in sys.modules})))
"""
_PRELOAD = """
import json, os, sys
from cli.programs import preload
opened = lambda: len(os.listdir("/proc/self/fd"))
before = opened()
preload()
loaded = sorted({m.split(".")[0] for m in sys.modules})
print(json.dumps({"threads": len(os.listdir("/proc/self/task")), "opened": opened() - before, "loaded": loaded}))
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
    loaded = told_by(f"{start}\n{_LOADED}")
    assert isinstance(loaded, list)
    assert "guichet" in loaded
    assert unused.intersection(loaded) == set()


def test_the_supervisor_forks_with_nothing_open_and_nothing_too_much_loaded() -> None:
    told = told_by(_PRELOAD)
    assert isinstance(told, dict)
    loaded = told.pop("loaded")
    assert "guichet" in loaded
    assert (MODELS | {"gevent"}).intersection(loaded) == set()
    assert told == {"threads": 1, "opened": 0}
