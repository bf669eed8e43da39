"""Pages that are built again under a running server are served as they are then."""

from __future__ import annotations

import shutil
from pathlib import Path

from werkzeug.test import Client, TestResponse
from werkzeug.wrappers import Response

from webapp.shell import StaticFiles


def built(folder: Path, files: dict[str, str]) -> None:
    """What a build does: everything is emptied, then written."""
    shutil.rmtree(folder / "app", ignore_errors=True)
    for name, text in files.items():
        path = folder / "app" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def served(folder: Path) -> Client:
    return Client(StaticFiles(Response("not a file", status=404), folder, {"X-Ours": "yes"}))


def ask(client: Client, name: str) -> TestResponse:
    return client.get(f"/static/app/{name}")


def test_what_was_built_after_the_start_is_there_and_what_was_removed_is_not(tmp_path: Path) -> None:
    built(tmp_path, {"assets/index-AAAAAAAA.js": "old"})
    client = served(tmp_path)
    assert ask(client, "assets/index-AAAAAAAA.js").text == "old"
    built(tmp_path, {"assets/index-BBBBBBBB.js": "new"})
    answer = ask(client, "assets/index-BBBBBBBB.js")
    assert (answer.status_code, answer.text) == (200, "new")
    assert "immutable" in answer.headers["Cache-Control"]
    assert answer.headers["X-Ours"] == "yes"
    assert ask(client, "assets/index-AAAAAAAA.js").status_code == 404


def test_a_file_that_keeps_its_name_is_served_whole_at_its_new_length(tmp_path: Path) -> None:
    built(tmp_path, {"before.js": "short"})
    client = served(tmp_path)
    assert ask(client, "before.js").text == "short"
    built(tmp_path, {"before.js": "much longer than it was"})
    answer = ask(client, "before.js")
    assert answer.text == "much longer than it was"
    assert answer.content_length == len(answer.data)


def test_a_folder_that_is_away_during_a_build_is_a_404_and_comes_back(tmp_path: Path) -> None:
    built(tmp_path, {"before.js": "there"})
    client = served(tmp_path)
    shutil.rmtree(tmp_path / "app")
    assert ask(client, "before.js").status_code == 404
    built(tmp_path, {"before.js": "again"})
    assert ask(client, "before.js").text == "again"


def test_nothing_outside_the_folder_is_served(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("no")
    built(tmp_path / "static", {"before.js": "there"})
    client = served(tmp_path / "static")
    for path in ("../secret.txt", "..%2fsecret.txt", "%2e%2e/%2e%2e/secret.txt", "/etc/hostname"):
        assert client.get(f"/static/{path}").status_code == 404
