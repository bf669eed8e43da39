"""`guichet export`, `backup` and `restore`: everything out, whole, without secrets; back in
on either database, or not at all."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select, text

from cli.output import Status
from guichet import audit
from guichet import models as m
from guichet.archive import backing_up, exporting
from guichet.db.engine import open_engine
from guichet.db.migrate import upgrade
from guichet.inbox import searching
from guichet.inbox.queries import Filters, list_conversations
from guichet.models import Base
from guichet.policy import SYSTEM
from guichet.storage import FileStore
from tests import databases
from tests import factories as make
from tests.architecture.source import ROOT
from tests.cli.conftest import KEYS, Guichet, assert_one_clear_line
from tests.cli.test_config import build
from tests.factories import NOW
from tests.webapp import world

OTHER_KEYS = "k1:" + "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUE="


def fill(guichet: Guichet) -> str:
    """Rows in most tables, sealed secrets, a file, words to be found. The file's key."""
    runtime = guichet.runtime()
    key = runtime.store.put(b"a picture")
    with guichet.rows() as session:
        build(session)
        made = world.build(session)
        conversation = session.get_one(m.Conversation, made.ours.ids["conversations"])
        earlier = make.make_conversation(session, made.ours.account, merged_into_id=conversation.id)
        conversation.previous_id = earlier.id  # either may come first
        message = session.scalars(select(m.Message).where(m.Message.conversation_id == conversation.id)).one()
        message.text = "Où est mon remboursement ? 💶"
        searching.index_new(session, message, [])
        session.get_one(m.Attachment, made.ours.ids["attachments"]).storage_key = key
        sealed = runtime.sealer.seal({"token": "canary-token"}, f"account:{made.ours.account.id}:1")
        session.add(m.Credential(account_id=made.ours.account.id, key_id=sealed.key_id, sealed=sealed.data))
        audit.record(session, SYSTEM, "test", None, NOW)
        session.flush()
        audit.seal(session, SYSTEM, NOW + timedelta(days=1), runtime.settings.secret_keys[0])
    return key


def plain(value: Any) -> str:
    """PostgreSQL gives back what stands in JSON in an order of its own."""
    return json.dumps(value, sort_keys=True) if isinstance(value, dict | list) else repr(value)


def rows_of(engine: Engine) -> dict[str, list[tuple[Any, ...]]]:
    """Everything that stands in the database, as Python has it."""
    with engine.connect() as c:
        return {
            t.name: sorted((tuple(map(plain, r)) for r in c.execute(select(t))), key=repr)
            for t in Base.metadata.sorted_tables
        }


@pytest.fixture
def company(both: Guichet) -> Guichet:
    fill(both)
    return both


@pytest.fixture
def empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Guichet]]:
    """A database without tables, of a kind; from then on commands go there."""
    with ExitStack() as stack:

        def make_empty(kind: str) -> Guichet:
            folder = tmp_path / "elsewhere"
            folder.mkdir()
            url = f"sqlite:///{folder}/guichet.sqlite3"
            if kind == "postgres":
                url = stack.enter_context(empty_postgres())
            engine = open_engine(url)
            stack.callback(engine.dispose)
            monkeypatch.setenv("GUICHET_DATABASE_URL", url)
            monkeypatch.setenv("GUICHET_DATA_DIR", str(folder))
            return Guichet(engine, folder)

        yield make_empty


class empty_postgres:
    """A database of its own on the tests' server."""

    def __enter__(self) -> str:
        if not databases.postgres_url():
            pytest.skip("no PostgreSQL here: install the development requirements or set GUICHET_TEST_POSTGRES")
        self._server = open_engine(databases.postgres_url()).execution_options(isolation_level="AUTOCOMMIT")
        with self._server.connect() as c:
            c.execute(text("DROP DATABASE IF EXISTS restored WITH (FORCE)"))
            c.execute(text("CREATE DATABASE restored"))
        url = self._server.url.set(drivername="postgresql", database="restored")
        return url.render_as_string(hide_password=False)

    def __exit__(self, *_: object) -> None:
        with self._server.connect() as c:
            c.execute(text("DROP DATABASE restored WITH (FORCE)"))
        self._server.dispose()


# ---------------------------------------------------------------- backup and restore


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_everything_comes_back_on_either_database(
    company: Guichet, empty: Callable[[str], Guichet], tmp_path: Path, kind: str
) -> None:
    before = rows_of(company.engine)
    audited = company.json("audit", "verify")
    made = company.json("backup", str(tmp_path / "backup"))
    assert (made["files"], made["keys"]) == (1, ["k1"])
    there = empty(kind)
    back = there.json("restore", str(tmp_path / "backup"))
    assert back["rows"] == made["rows"]
    after = rows_of(there.engine)
    brakes, others = after.pop("brake"), before.pop("brake")
    assert len(brakes) == len(others) + 1, "nothing goes out until somebody has looked"
    for name in (*backing_up.LEFT_OUT, "instance"):
        before.pop(name), after.pop(name)
    assert after == before
    with there.rows() as session:
        found = list_conversations(session, SYSTEM, Filters(states=("all",), text="remboursements")).items
        assert "".join(p.text for p in found[0].excerpt.parts) == "Où est mon remboursement ? 💶"
        attachment = session.scalars(select(m.Attachment).where(m.Attachment.storage_key.like("%/%"))).all()
        assert FileStore(there.folder / "media").get(max(a.storage_key for a in attachment)) == b"a picture"
        label = m.Label(name="new")  # numbered after those that were put in
        session.add(label)
        session.flush()
        assert label.id == max(session.scalars(select(m.Label.id)))
    assert there.json("audit", "verify") == audited
    assert there.json("keys", "rotate")["resealed"] == 0
    assert there.json("brake", "status")["brakes"][0]["stops"] == "posts and answers"
    assert there("instance", "status").status == Status.REFUSED


def test_a_backup_holds_no_key_and_opens_no_token(company: Guichet, tmp_path: Path) -> None:
    company.json("backup", str(tmp_path / "backup"))
    key = KEYS.split(":")[1]
    for path in (tmp_path / "backup").rglob("*"):
        if path.is_file():
            held = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
            assert key.encode() not in held
            assert b"canary-token" not in held
    assert (tmp_path / "backup").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("keys", "says"), [(OTHER_KEYS, "k1: is another key"), (KEYS.replace("k1:", "k2:"), "k1: is missing")]
)
def test_the_wrong_keys_are_refused_before_anything_is_touched(
    guichet: Guichet, empty: Callable[[str], Guichet], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keys: str,
    says: str,
) -> None:  # fmt: skip
    fill(guichet)
    guichet.json("backup", str(tmp_path / "backup"))
    there = empty("sqlite")
    monkeypatch.setenv("GUICHET_SECRET_KEYS", keys)
    said = there("restore", str(tmp_path / "backup"))
    assert said.status == Status.WRONGLY_ASKED
    assert "cannot open the tokens in this backup" in said.err
    assert says in said.err
    with there.engine.connect() as c:
        assert c.execute(text("SELECT count(*) FROM sqlite_master")).scalar() == 0


def test_any_damage_is_found_before_anything_is_touched(
    guichet: Guichet, empty: Callable[[str], Guichet], tmp_path: Path
) -> None:
    key = fill(guichet)
    folder = tmp_path / "backup"
    guichet.json("backup", str(folder))
    there = empty("sqlite")
    assert there.json("restore", str(folder), "--check")["files"] == 1
    for part in ("rows/message.jsonl.gz", f"files/{key}", "files.jsonl.gz"):
        whole = (folder / part).read_bytes()
        for damaged in (whole[:-1], bytes([whole[0] ^ 1]) + whole[1:]):
            (folder / part).write_bytes(damaged)
            said = there("restore", str(folder))
            assert (said.status, part in said.err) == (Status.WRONGLY_ASKED, True), said.err
            assert_one_clear_line(said)
        (folder / part).unlink()
        assert part in there("restore", str(folder)).err
        (folder / part).write_bytes(whole)
    with there.engine.connect() as c:
        assert c.execute(text("SELECT count(*) FROM sqlite_master")).scalar() == 0


def test_a_backup_goes_into_an_empty_database_only(company: Guichet, tmp_path: Path) -> None:
    company.json("backup", str(tmp_path / "backup"))
    before = rows_of(company.engine)
    said = company("restore", str(tmp_path / "backup"))
    assert (said.status, "not empty" in said.err) == (Status.REFUSED, True)
    assert rows_of(company.engine) == before


def test_it_goes_into_a_migrated_database_without_a_row(
    guichet: Guichet, empty: Callable[[str], Guichet], tmp_path: Path
) -> None:
    fill(guichet)
    guichet.json("backup", str(tmp_path / "backup"))
    there = empty("sqlite")
    upgrade(there.engine)
    assert there.json("restore", str(tmp_path / "backup"))["rows"] > 50


def test_a_backup_of_a_schema_that_nobody_knows_is_refused(
    guichet: Guichet, empty: Callable[[str], Guichet], tmp_path: Path
) -> None:
    folder = tmp_path / "backup"
    guichet.json("backup", str(folder))
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "schema_revision": "9999"}))
    said = empty("sqlite")("restore", str(folder))
    assert (said.status, "schema 9999" in said.err) == (Status.REFUSED, True)


@pytest.mark.parametrize(
    ("manifest", "says"),
    [
        (None, "there is no backup in"),
        ("", "this is no backup that this program reads"),
        ("{}", "made_at: Field required"),
        ('{"version": 2}', "version"),
    ],
)
def test_what_is_no_backup_is_said_so(guichet: Guichet, tmp_path: Path, manifest: str | None, says: str) -> None:
    if manifest is not None:
        (tmp_path / "manifest.json").write_text(manifest)
    said = guichet("restore", str(tmp_path))
    assert (said.status, says in said.err) == (Status.WRONGLY_ASKED, True), said.err
    assert_one_clear_line(said)


def test_a_manifest_names_no_path_out_of_its_folder(guichet: Guichet, tmp_path: Path) -> None:
    folder = tmp_path / "backup"
    guichet.json("backup", str(folder))
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["tables"][0]["part"] = "../elsewhere.jsonl.gz"
    (folder / "manifest.json").write_text(json.dumps(manifest))
    said = guichet("restore", str(folder))
    assert (said.status, "tables.0.part" in said.err) == (Status.WRONGLY_ASKED, True)


def test_a_backup_is_never_written_over_and_one_broken_off_has_no_name(guichet: Guichet, tmp_path: Path) -> None:
    folder = tmp_path / "backup"
    (tmp_path / "backup.partial").mkdir()
    (tmp_path / "backup.partial" / "old").write_text("of one that was broken off")
    guichet.json("backup", str(folder))
    assert not (folder / "old").exists()
    assert guichet("backup", str(folder)).status == Status.REFUSED
    (tmp_path / "file").write_text("")
    said = guichet("backup", str(tmp_path / "file" / "backup"))
    assert said.status == Status.REFUSED
    assert_one_clear_line(said)


def test_a_backup_sees_one_moment(both: Guichet, tmp_path: Path) -> None:
    """What is written while it is made is in it wholly or not at all: here, not at all."""
    from guichet.db.dialect import begin_snapshot

    runtime = both.runtime()
    with both.rows() as session:
        make.make_account(session, network="mastodon")
    with runtime.engine.connect().execution_options(writes=False) as connection:
        begin_snapshot(connection)
        with both.rows() as session:
            make.make_account(session, make.make_brand(session, name="Late"), network="mastodon")
        made = backing_up.back_up(
            connection, SYSTEM, tmp_path / "b", store=runtime.store, keys={}, public_url="", now=NOW
        )
    runtime.engine.dispose()
    assert {p.name: p.rows for p in made.tables if p.name in ("brand", "account")} == {"brand": 1, "account": 1}


# ---------------------------------------------------------------- export


def test_every_set_comes_out_without_a_secret(company: Guichet, tmp_path: Path) -> None:
    done = company.json("export", "--to", str(tmp_path / "out"))
    with company.rows() as session:
        counted = {
            n: session.scalar(select(func.count()).select_from(Base.metadata.tables[n])) for n in exporting.set_names()
        }
    assert done["rows"] == counted
    everything = "".join(p.read_text() for p in (tmp_path / "out").glob("*.jsonl"))
    assert "remboursement" in everything
    assert "canary" not in everything
    assert json.loads((tmp_path / "out" / "account.jsonl").read_text().splitlines()[0])["handle"] == "aurore"


def test_no_column_of_an_export_sounds_like_a_secret() -> None:
    secret = re.compile(r"secret|password(?!_changed)|token|sealed(?!_at)|credential")
    tables = [t for t in Base.metadata.sorted_tables if t.name not in exporting.LEFT_OUT]
    assert len(tables) > 25
    told = {f"{t.name}.{c}" for t in tables for c, _ in exporting.shape_of_set(t.name).columns}
    assert {name for name in told if secret.search(name.split(".")[1])} == set()
    assert set(exporting.LEFT_OUT) <= set(Base.metadata.tables)


def test_an_export_streams_and_goes_on_after_a_key(company: Guichet) -> None:
    rows = [json.loads(line) for line in company("export", "conversation").out.splitlines()]
    assert len(rows) > 3
    after = company("export", "conversation", "--after", str(rows[1]["id"]))
    assert [json.loads(line) for line in after.out.splitlines()] == rows[2:]
    members = [json.loads(line) for line in company("export", "team_member").out.splitlines()]
    key = json.dumps([members[0]["team_id"], members[0]["staff_id"]])
    rest = company("export", "team_member", "--after", key)
    assert [json.loads(line) for line in rest.out.splitlines()] == members[1:]


def test_an_export_into_a_folder_goes_on_where_it_stopped(guichet: Guichet, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    with guichet.rows() as session:
        for _ in range(3):
            make.make_staff(session)
    for form in ("jsonl", "csv"):
        guichet.json("export", "staff", "--to", str(folder), "--format", form)
        with (folder / f"staff.{form}").open("a") as f:
            f.write('{"id": 4, "torn')  # what was written after the last note of how far it came
    with guichet.rows() as session:
        for _ in range(2):
            make.make_staff(session)
    for form in ("jsonl", "csv"):
        assert guichet.json("export", "staff", "--to", str(folder), "--format", form)["rows"] == {"staff": 5}
    assert [json.loads(line)["id"] for line in (folder / "staff.jsonl").read_text().splitlines()] == [1, 2, 3, 4, 5]
    with (folder / "staff.csv").open(newline="") as f:
        assert [r["id"] for r in csv.DictReader(f)] == ["1", "2", "3", "4", "5"]


def test_csv_keeps_line_breaks_and_structure(company: Guichet) -> None:
    with company.rows() as session:
        session.scalars(select(m.Message)).first().text = 'two\nlines, "quoted"'
    found = list(csv.DictReader(io.StringIO(company("export", "message", "--format", "csv").out)))
    assert 'two\nlines, "quoted"' in [r["text"] for r in found]
    assert json.loads(found[0]["context"]) == {}


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("export", "credential"), "there is no set credential"),
        (("export", "nothing", "message"), "there is no set nothing"),
        (("export", "message", "staff"), "several sets need a folder"),
        (("export",), "several sets need a folder"),
        (("export", "staff", "--after", "x"), "--after 'x': must be"),
        (("export", "staff", "--format", "xml"), "'xml' is not one of"),
        (("export", "staff", "--to", "/proc/nowhere"), "cannot be exported to"),
        (("backup",), "Missing argument 'FOLDER'"),
        (("restore", "/nowhere/at/all"), "there is no backup in /nowhere/at/all"),
    ],
)
def test_what_is_wrongly_asked_is_said_in_one_line(guichet: Guichet, words: tuple[str, ...], says: str) -> None:
    said = guichet(*words)
    assert says in said.err
    assert said.status == Status.WRONGLY_ASKED
    assert_one_clear_line(said)


def test_who_reads_only_the_beginning_gets_no_traceback(guichet: Guichet) -> None:
    with guichet.rows() as session:
        for _ in range(400):
            make.make_staff(session, preferences={"filler": "x" * 500})
    command = f"{sys.executable} -m cli.main export staff | head -c 10"
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ('{"id": 1, ', "")


def test_the_sets_are_listed(guichet: Guichet) -> None:
    listed = [row["set"] for row in guichet.json("export", "--list")]
    assert {"conversation", "message", "post", "delivery", "wait", "customer", "audit_entry"} <= set(listed)
