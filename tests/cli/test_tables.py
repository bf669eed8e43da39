"""`guichet post import`, `export` and `undo`."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import func, select

from cli.output import Status
from guichet.models import Media, Post
from tests.bulk.zips import packed
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


def test_a_table_comes_in_one_archive_with_its_files(people: Guichet, tmp_path: Path) -> None:
    file = tmp_path / "march.zip"
    file.write_bytes(packed({"march.csv": GOOD.encode(), "pictures/sea.png": picture()}))
    tried = people.json("post", "import", str(file), *AS, "--dry-run")
    assert (tried["rows"], tried["wrong"]) == (2, 0)
    assert count(people, Media) == 0
    made = people.json("post", "import", str(file), *AS)
    assert (made["posts"], count(people, Post), count(people, Media)) == (2, 2, 1)


def test_files_come_in_an_archive_beside_the_table_and_what_is_wrong_with_them_is_said(
    people: Guichet, tmp_path: Path
) -> None:
    (tmp_path / "march.csv").write_text(GOOD + "Rose,1,2099-03-13 09:00,rose.png\n")
    (tmp_path / "files.zip").write_bytes(packed({"sea.png": picture(), "rose.png": picture()[:40]}))
    words = ("post", "import", str(tmp_path / "march.csv"), *AS, "--media", str(tmp_path / "files.zip"))
    said = people("--json", *words)
    assert said.status == Status.WRONGLY_ASKED
    assert [(f["row"], f["column"], f["name"]) for f in said.failure["findings"]] == [(4, "media", "file_refused")]
    assert (count(people, Post), count(people, Media)) == (0, 0)


def test_an_archive_that_leads_elsewhere_is_refused_in_one_line(people: Guichet, tmp_path: Path) -> None:
    file = tmp_path / "march.zip"
    file.write_bytes(packed({"march.csv": GOOD.encode(), "../sea.png": picture()}))
    said = people("post", "import", str(file), *AS)
    assert said.status == Status.WRONGLY_ASKED
    assert "leads elsewhere" in said.err
    assert count(people, Post) == 0
