"""`guichet post import`, `export` and `undo`."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import func, select

from cli.output import Status
from guichet.models import Media, Post
from tests.cli.conftest import Guichet, assert_one_clear_line
from tests.cli.test_post import AS, people
from tests.webapp.test_imports import picture

__all__ = ["people"]
HEAD = "Text,Accounts,Date,Media\n"
GOOD = HEAD + "Bonjour,1,2099-03-11 09:00,sea.png\nBonsoir,bluesky:aurore.example,2099-03-12 09:00,\n"


def count(guichet: Guichet, model: type) -> int:
    with guichet.rows() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "files"
    made.mkdir()
    (made / "sea.png").write_bytes(picture())
    return made


def test_a_table_is_tried_brought_in_taken_out_and_taken_back(people: Guichet, tmp_path: Path, folder: Path) -> None:
    file = tmp_path / "march.csv"
    file.write_text(GOOD)
    words = ("post", "import", str(file), *AS, "--media", str(folder))
    tried = people.json(*words, "--dry-run")
    assert (tried["rows"], tried["wrong"], tried["findings"]) == (2, 0, [])
    assert (count(people, Post), count(people, Media)) == (0, 0)
    made = people.json(*words)
    assert (made["posts"], count(people, Post), count(people, Media)) == (2, 2, 1)
    out = tmp_path / "out.xlsx"
    people.json("post", "export", "--to", str(out), "--state", "scheduled")
    assert out.read_bytes().startswith(b"PK")
    assert people.json("post", "undo", str(made["id"]), *AS)["cancelled"] == 2


def test_what_is_wrong_is_told_cell_by_cell_and_nothing_is_brought_in(people: Guichet, tmp_path: Path) -> None:
    file = tmp_path / "march.csv"
    file.write_text(GOOD + "Hello,1,03/04/2099 9:00,\n")
    said = people("post", "import", str(file), *AS)
    assert said.status == Status.WRONGLY_ASKED
    assert "ambiguous_date" in said.err
    assert "media_not_there" in said.err
    assert count(people, Post) == 0
    read = people("--json", "post", "import", str(file), *AS, "--dates", "dmy")
    assert [(f["row"], f["name"]) for f in read.failure["findings"]] == [(2, "media_not_there")]


def test_a_file_that_is_no_table_is_refused_in_one_clear_line(people: Guichet, tmp_path: Path) -> None:
    assert_one_clear_line(people("post", "import", "-", *AS, stdin="Mood\ngood\n"))
    assert_one_clear_line(people("post", "import", str(tmp_path / "none.csv"), *AS))
    assert_one_clear_line(people("post", "export", "--to", str(tmp_path / "posts.pdf")))
