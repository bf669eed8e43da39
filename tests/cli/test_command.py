"""The command as a whole: where --json may stand, what settings and databases that are not
there are answered with, and a few commands as real processes."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from cli.output import Status
from cli.ports import taken
from guichet.config import REHEARSAL_PORTS, read_settings
from tests.architecture.source import ROOT
from tests.cli.conftest import KEYS, Guichet, assert_one_clear_line, use_environment


def run(*words: str, stdin: str = "", **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("GUICHET_")}
    environment.update({f"GUICHET_{k}": v for k, v in settings.items()})
    return subprocess.run(
        [sys.executable, "-m", "cli.main", *words],
        cwd=ROOT, env=environment, input=stdin, capture_output=True, text=True, timeout=60,
    )  # fmt: skip


def test_json_may_stand_anywhere_but_after_the_end_of_options(guichet: Guichet) -> None:
    for words in (("--json", "staff", "list"), ("staff", "--json", "list"), ("staff", "list", "--json")):
        assert guichet(*words).document == []
    said = guichet("staff", "disable", "--", "--json")
    assert said.err == "guichet: nobody here has the address --json\n"


def test_help_and_version_are_no_failure(guichet: Guichet) -> None:
    for words in (("--help",), ("post", "--help"), ("staff", "add", "-h"), ("--version",)):
        said = guichet(*words)
        assert (said.status, said.err) == (0, "")
        assert said.out


def test_a_group_without_a_command_is_wrongly_asked(guichet: Guichet) -> None:
    assert guichet("staff").status == Status.WRONGLY_ASKED


def test_every_wrong_setting_has_a_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, guichet: Guichet) -> None:
    use_environment(monkeypatch, DATA_DIR=str(tmp_path), SECRET_KEYS="nonsense", PORT="eighty", PROT="1")
    said = guichet("staff", "list")
    assert said.status == Status.WRONGLY_ASKED
    named = {line.split()[1].rstrip(":") for line in said.err.splitlines()}
    assert named == {"GUICHET_PROT", "GUICHET_SECRET_KEYS", "GUICHET_PORT"}
    assert len(guichet("staff", "list", "--json").failure["problems"]) == 3


def test_an_empty_database_is_told_from_one_that_does_not_answer(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, guichet: Guichet
) -> None:
    monkeypatch.setenv("GUICHET_DATABASE_URL", f"sqlite:///{tmp_path}/empty.sqlite3")
    said = guichet("account", "list")
    assert said.status == Status.REFUSED
    assert "guichet migrate" in said.err
    for url in ("sqlite:////nowhere/at/all.sqlite3", "postgresql://u:canary-password@127.0.0.1:1/none"):
        monkeypatch.setenv("GUICHET_DATABASE_URL", url)
        said = guichet("account", "list")
        assert said.status == Status.NO_ANSWER
        assert "canary" not in said.err
        assert_one_clear_line(said)


def test_as_a_real_process_it_migrates_adds_and_lists(tmp_path: Path) -> None:
    settings = {"DATA_DIR": str(tmp_path), "SECRET_KEYS": KEYS}
    assert json.loads(run("migrate", "--json", **settings).stdout) == {"migrated": True}
    added = run("--json", "staff", "add", "ines@example.org", "--name", "Ines", "--role", "owner", **settings)
    assert (added.returncode, added.stderr) == (0, "")
    listed = run("staff", "list", "--json", **settings)
    assert [p["email"] for p in json.loads(listed.stdout)] == ["ines@example.org"]
    wrong = run("staff", "add", "ines", "--name", "Ines", **settings)
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr == "guichet: nobody can be taken on like this\n  email: must look like you@example.org\n"


def test_a_start_refuses_a_port_that_somebody_else_has(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, guichet: Guichet
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as web, socket.create_server(("127.0.0.1", 0)) as bluesky:
        port, other = (one.getsockname()[1] for one in (web, bluesky))
        rehearsal = str(other - REHEARSAL_PORTS["bluesky"])
        use_environment(monkeypatch, DATA_DIR=str(tmp_path), SECRET_KEYS=KEYS, PORT=str(port), REHEARSAL_PORT=rehearsal)
        said = guichet("run", "--demo")
        assert said.status == Status.REFUSED
        assert_one_clear_line(said)
        assert f"port {port} on 127.0.0.1 is taken by another program: stop it, or set GUICHET_PORT" in said.err
        assert not list(tmp_path.glob("*.sqlite3"))  # nothing was begun
        wrong = taken(read_settings(os.environ))
        assert f"port {other} on 127.0.0.1 is taken by another program: stop it, or set GUICHET_REHEARSAL_PORT" in wrong
    assert not any(str(port) in one for one in taken(read_settings(os.environ)))  # freed a moment ago


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"BIND": "192.0.2.1"}, "on 192.0.2.1 cannot be listened on"),  # TEST-NET-1 (RFC 5737): never ours
        ({"PORT": "65535", "LIVE_URL": "https://live.example"}, "port 65536 on 127.0.0.1 is beyond the last one"),
    ],
)
def test_where_nothing_can_listen_is_said(
    settings: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    use_environment(monkeypatch, DATA_DIR=str(tmp_path), SECRET_KEYS=KEYS, **settings)
    (wrong,) = [one for one in taken(read_settings(os.environ)) if "65535" in one or "192.0.2.1" in one]
    assert said in wrong
