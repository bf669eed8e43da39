"""Tables of posts and the database: all or nothing, once, in one's own right, taken back."""

from __future__ import annotations

from datetime import date

import pytest
from sqlalchemy import select

from guichet import models as m
from guichet.bulk import exporting, operations, queries
from guichet.bulk.columns import COLUMNS
from guichet.bulk.operations import Given, Undone
from guichet.bulk.rules import Checked
from guichet.bulk.tables import Row, read_csv
from guichet.bulk.unpacking import throw_away
from guichet.bulk.workbooks import read_workbook
from guichet.errors import Conflict, Invalid, NotAllowed, NotFound
from guichet.policy import SYSTEM, Actor, load_actor
from guichet.publishing import linking
from guichet.publishing import operations as publishing
from guichet.publishing.drafting import Item, VariantSpec, Words
from guichet.publishing.link_rules import LinkRule
from guichet.publishing.queries import Place, list_posts
from tests import factories
from tests.publishing.desk import NOW, SPECS, Desk


def rows_of(*cells: dict[str, str]) -> tuple[Row, ...]:
    return tuple(Row(n, row) for n, row in enumerate(cells, 2))


def table(desk: Desk, count: int = 3) -> tuple[Row, ...]:
    names = f"{desk.here.handle}, {desk.there.handle}"
    dates = [f"2026-03-{11 + n:02d} 09:00" for n in range(count)]
    return rows_of(*({"text": f"Post {n}", "accounts": names, "date": date} for n, date in enumerate(dates)))


def bring_in(desk: Desk, rows: tuple[Row, ...], actor: Actor | None = None, how: str = "schedule") -> m.PostImport:
    return operations.bring_in(
        desk.session, actor or desk.publisher, Given(rows), how=how, filename="march.csv", specs=SPECS, now=NOW
    )


def posts(desk: Desk) -> list[m.Post]:
    return list(desk.session.scalars(select(m.Post).order_by(m.Post.id)))


def check(desk: Desk, rows: tuple[Row, ...], actor: Actor | None = None) -> Checked:
    return operations.check(desk.session, actor or desk.publisher, Given(rows), SPECS, NOW)


def test_every_row_becomes_a_post_with_a_delivery_for_each_account(desk: Desk) -> None:
    made = bring_in(desk, table(desk))
    assert [p.state for p in posts(desk)] == ["scheduled"] * 3
    assert {p.import_id for p in posts(desk)} == {made.id}
    assert desk.states(posts(desk)[0]) == ["scheduled", "scheduled"]
    assert (made.post_count, made.filename) == (3, "march.csv")
    entry = desk.session.scalars(select(m.AuditEntry).where(m.AuditEntry.action == "post.import")).one()
    assert entry.data == {"posts": 3}


def test_what_an_author_brings_in_waits_for_an_approval(desk: Desk) -> None:
    bring_in(desk, table(desk), desk.author)
    assert {p.state for p in posts(desk)} == {"awaiting_approval"}


def test_an_approval_can_be_asked_for_all_and_drafts_stay_drafts(desk: Desk) -> None:
    bring_in(desk, table(desk, 1), how="approval")
    bring_in(desk, (*table(desk, 2)[1:], *rows_of({"text": "Some day", "accounts": desk.here.handle})), how="draft")
    assert [p.state for p in posts(desk)] == ["awaiting_approval", "draft", "draft"]
    assert [p.due_at is None for p in posts(desk)] == [False, False, True]


def test_one_wrong_cell_and_nothing_is_brought_in(desk: Desk) -> None:
    rows = (*table(desk), Row(9, {"text": "x" * 501, "accounts": desk.here.handle, "date": "2026-03-20 09:00"}))
    with pytest.raises(Invalid) as refused:
        bring_in(desk, rows)
    assert refused.value.data["findings"] == [{"row": 9, "column": "text", "name": "text_too_long"}]
    assert posts(desk) == []


def test_the_same_rows_are_not_brought_in_twice_until_they_are_undone(desk: Desk) -> None:
    first = bring_in(desk, table(desk))
    with pytest.raises(Conflict) as refused:
        bring_in(desk, table(desk), desk.author)
    assert refused.value.data["current"] == {"import": first.id}
    operations.undo(desk.session, desk.publisher, first.id, NOW)
    assert bring_in(desk, table(desk)).id != first.id


def test_a_row_that_is_planned_already_is_found_one_by_one(desk: Desk) -> None:
    bring_in(desk, table(desk, 1))
    wrong = check(desk, table(desk, 2)).wrong
    assert [(f.row, f.name) for f in wrong] == [(2, "already_there"), (2, "already_there")]  # on each account


def test_accounts_that_one_may_not_write_on_do_not_exist(desk: Desk) -> None:
    elsewhere = factories.make_account(desk.session, handle="secret@elsewhere.example")
    [finding] = check(desk, rows_of({"text": "x", "accounts": elsewhere.handle, "date": "2026-03-11 09:00"})).wrong
    assert (finding.name, finding.choices) == ("unknown_account", ())
    with pytest.raises(NotAllowed):
        check(desk, table(desk), desk.stranger)


def test_a_file_of_somebody_else_is_not_there(desk: Desk) -> None:
    [theirs, ours] = [factories.make_staff(desk.session), desk.session.get_one(m.Staff, desk.publisher.staff_id)]
    files = {
        "a.png": factories.make_media(desk.session, theirs).id,
        "b.png": factories.make_media(desk.session, ours).id,
    }
    row = {"text": "x", "accounts": desk.here.handle, "date": "2026-03-11 09:00", "media": "a.png\nb.png"}
    given = Given(rows_of(row), media=files)
    wrong = operations.check(desk.session, desk.publisher, given, SPECS, NOW).wrong
    assert [(f.name, "a.png" in f.message) for f in wrong] == [("media_not_there", True)]


def test_what_the_table_says_of_a_file_is_kept_with_it(desk: Desk) -> None:
    ours = desk.session.get_one(m.Staff, desk.publisher.staff_id)
    media = factories.make_media(desk.session, ours, alt="")
    row = {"text": "x", "accounts": desk.here.handle, "date": "2026-03-11 09:00", "media": "a.png", "alt_text": "A sea"}
    given = Given(rows_of(row), media={"a.png": media.id})
    operations.bring_in(desk.session, desk.publisher, given, how="schedule", filename="", specs=SPECS, now=NOW)
    assert media.alt == "A sea"
    assert [d.payload["media"][0]["alt"] for d in desk.deliveries(posts(desk)[0])] == ["A sea"]


def test_undoing_leaves_alone_what_has_begun_to_go_out(desk: Desk) -> None:
    draft = Row(9, {"text": "Some day", "accounts": desk.here.handle})
    made = bring_in(desk, (*table(desk), draft))
    desk.deliveries(posts(desk)[0])[0].state = "sending"
    desk.session.flush()
    assert operations.undo(desk.session, desk.publisher, made.id, NOW) == Undone(deleted=1, cancelled=2, left=1)
    desk.session.expire_all()
    assert [p.state for p in posts(desk)] == ["scheduled", "cancelled", "cancelled"]
    with pytest.raises(Conflict):
        operations.undo(desk.session, desk.publisher, made.id, NOW)


def test_an_import_is_its_authors_and_the_administrators(desk: Desk) -> None:
    made = bring_in(desk, table(desk, 1))
    assert queries.list_imports(desk.session, desk.publisher) == [made]
    assert queries.list_imports(desk.session, desk.author) == []
    with pytest.raises(NotFound):
        operations.undo(desk.session, desk.author, made.id, NOW)
    assert operations.undo(desk.session, SYSTEM, made.id, NOW).cancelled == 1


# ---------------------------------------------------------------- and out again


@pytest.mark.parametrize("form", exporting.FORMS)
def test_what_is_taken_out_can_be_brought_in_again_and_says_the_same(desk: Desk, form: str) -> None:
    words = Words("=1+1 „Größe“\nzwei; Zeilen", [Item("two"), Item("-three")], "first!", "fr", "subject")
    own = [VariantSpec(desk.here.id), VariantSpec(desk.there.id, text="'=own")]
    desk.schedule(desk.post(words=words, variants=own, title="@title"), at="2026-10-25T02:30")
    desk.schedule(desk.post(text="+plain"))
    desk.post(text="A draft")
    before = exporting.export(desk.session, desk.publisher, {}, form)
    found = read_csv(before) if form == "csv" else read_workbook(before)
    assert len(found.rows) == 4  # of the first, a row for each wording
    for post in posts(desk):
        if post.state == "draft":
            publishing.delete_draft(desk.session, desk.publisher, post, NOW)
        else:
            publishing.cancel(desk.session, desk.publisher, post, NOW)
    assert check(desk, found.rows).wrong == ()
    made = bring_in(desk, found.rows)
    after = exporting.export(desk.session, desk.publisher, {"import_id": made.id}, form)
    again = read_csv(after) if form == "csv" else read_workbook(after)
    key = {"text", "accounts", "date", "time_zone", "clock_change", "thread", "first_comment", "title", "language"}
    plain = [sorted(sorted((c, t) for c, t in r.cells.items() if c in key) for r in t.rows) for t in (found, again)]
    assert plain[0] == plain[1]


def test_the_template_is_a_table_that_can_be_brought_in(desk: Desk) -> None:
    day = date(2026, 3, 20)
    found = read_workbook(exporting.template(desk.session, desk.author, "xlsx", day))
    assert found.columns == COLUMNS
    assert check(desk, found.rows, desk.author).findings == ()


def test_a_table_tells_how_it_went_and_nothing_of_accounts_one_does_not_see(desk: Desk) -> None:
    hidden = factories.make_account(desk.session, desk.brand, handle="hidden@social.example")
    post = desk.post()
    desk.schedule(post)
    post.targets.append(m.PostTarget(account_id=hidden.id, variant=post.variants[0]))
    [first, _] = desk.deliveries(post)
    first.state, first.accepted_at, first.lateness_ms, first.remote_url = "published", NOW, 1500, "https://a.example/1"
    desk.session.flush()
    text = exporting.export(desk.session, desk.author, {}, "csv").decode("utf-8-sig")
    assert "hidden" not in text
    assert ",1.5,https://a.example/1," in text
    assert exporting.export(desk.session, desk.stranger, {}, "csv").decode("utf-8-sig").count("\n") == 1


def test_lists_can_be_narrowed_and_read_the_other_way_round(desk: Desk) -> None:
    made = bring_in(desk, table(desk))
    desk.post(desk.author, text="mine")
    ids = [p.id for p in list_posts(desk.session, desk.publisher, import_id=made.id, soonest_first=True)]
    assert ids == sorted(ids)
    assert len(list_posts(desk.session, desk.publisher, author_id=desk.author.staff_id)) == 1
    first = posts(desk)[0]
    rest = list_posts(desk.session, desk.publisher, soonest_first=True, after=Place(first.due_at, first.id))
    assert [p.id for p in rest] == [*ids[1:], posts(desk)[-1].id]  # the draft without a time comes last


def test_labels_and_campaigns_are_read_made_where_one_may_and_written_out(desk: Desk) -> None:
    known = m.PostTag(brand_id=desk.brand.id, kind="label", name="Tips", folded="tips", created_at=NOW)
    desk.session.add(known)
    desk.session.flush()
    row = {"text": "x", "accounts": desk.here.handle, "date": "2026-03-11 09:00", "labels": "TIPS; Tip; Tips"}
    [unknown] = check(desk, rows_of(row)).wrong
    assert (unknown.column, unknown.name, [c.value for c in unknown.choices]) == (
        "labels",
        "unknown_tag",
        ["TIPS, Tips, Tips"],
    )
    two = {**row, "labels": "tips", "campaign": "Spring, Summer"}
    assert "several_campaigns" in [f.name for f in check(desk, rows_of(two)).wrong]
    manager = factories.make_staff(desk.session)
    factories.make_grant(desk.session, manager, desk.here, "manager")
    actor = load_actor(desk.session, manager, NOW)
    good = (
        {**row, "labels": "tips, New one", "campaign": "Spring"},
        {**row, "text": "y", "campaign": "spring", "labels": ""},
    )
    checked = check(desk, rows_of(*good), actor)
    assert (checked.wrong, [f.name for f in checked.findings]) == ((), ["new_tag", "new_tag", "new_tag"])
    bring_in(desk, rows_of(*good), actor)
    assert [[t.name for t in p.tags] for p in posts(desk)] == [["Spring", "New one", "Tips"], ["Spring"]]
    out = read_csv(exporting.export(desk.session, actor, {"soonest_first": True}, "csv"))
    assert [(r.cells.get("labels"), r.cells.get("campaign")) for r in out.rows] == [
        ("New one, Tips", "Spring"),
        (None, "Spring"),
    ]


def test_an_account_that_wants_a_distance_names_the_row_that_is_too_near(desk: Desk) -> None:
    desk.here.min_gap_minutes, desk.here.clash_policy, desk.there.min_gap_minutes = 60, "refuse", 60
    desk.schedule(desk.post(text="Planned"), at="2026-03-11T09:30")
    both = f"{desk.here.handle}, {desk.there.handle}"
    rows = rows_of(
        {"text": "Near what is planned", "accounts": both, "date": "2026-03-11 09:00"},
        {"text": "Far", "accounts": both, "date": "2026-03-12 09:00"},
        {"text": "Near the row above", "accounts": both, "date": "2026-03-12 09:15"},
        {"text": "Planned", "accounts": desk.here.handle, "date": "2026-03-14 09:15"},
    )
    found = [(f.row, f.column, f.name, f.is_error) for f in check(desk, rows).findings]
    assert found == [
        (2, "date", "too_close", True), (2, "date", "too_close", False),
        (4, "date", "too_close", True), (4, "date", "too_close", False),
        (5, "text", "same_text", True),
    ]  # fmt: skip
    with pytest.raises(Invalid) as refused:
        bring_in(desk, rows)
    assert {f["row"] for f in refused.value.data["findings"]} == {2, 4, 5}
    assert bring_in(desk, rows[1:2]).post_count == 1


def test_links_go_out_tagged_with_the_rows_own_campaign_and_are_counted_so(desk: Desk) -> None:
    owner = load_actor(desk.session, factories.make_staff(desk.session, "owner"), NOW)
    rule = LinkRule(True, ("klm.com",), {"campaign": "{campaign}"})
    linking.set_rule(desk.session, owner, desk.brand, rule, ["bluesky"], NOW)
    row = {"text": "See https://klm.com/", "accounts": desk.there.handle, "date": "2026-03-11 09:00"}
    long = {**row, "text": "a" * 275 + " https://klm.com/", "campaign": "Spring"}
    assert [(f.column, f.name) for f in check(desk, rows_of(long), owner).wrong] == [("text", "text_too_long")]
    found = [(f.name, f.is_error) for f in check(desk, rows_of(row), owner).findings]
    assert found == [("card_undecided", False)]
    bring_in(desk, rows_of({**row, "campaign": "Spring"}), owner)
    assert [d.payload["text"] for d in desk.deliveries(posts(desk)[0])] == ["See https://klm.com/?utm_campaign=spring"]
    assert [f.name for f in check(desk, rows_of({**row, "text": "x", "tags_links": "?"}), owner).wrong] == ["no_yes"]
    plain = {**long, "text": long["text"][:292], "date": "2026-03-12 09:00", "tags_links": "Non"}
    bring_in(desk, rows_of(plain), owner)
    assert desk.deliveries(posts(desk)[1])[0].payload["text"] == plain["text"]
    out = read_csv(exporting.export(desk.session, owner, {"soonest_first": True}, "csv"))
    assert [r.cells.get("tags_links") for r in out.rows] == [None, "no"]


def test_names_of_the_address_book_go_out_as_handles_and_survive_a_spreadsheet(desk: Desk) -> None:
    factories.make_contact(desk.session, desk.brand, "Lisbon", bluesky="lisbon.example")
    row = {"text": "@[Lisbon] greets", "accounts": desk.there.handle, "date": "2026-03-11 09:00"}
    row |= {"thread": "and @[Lisbon]", "first_comment": "@[Lisbon]"}
    both = {**row, "accounts": f"{desk.there.handle}, {desk.here.handle}", "text": "@[Lisbon] and @[Nobody]"}
    assert [(f.column, f.name, f.message) for f in check(desk, rows_of(both)).wrong] == [
        ("text", "mention_unknown", "Nobody is called “Nobody” in the address book.")
    ]
    known = [f for f in check(desk, rows_of(both)).findings if f.name == "mention_plain"]
    assert {(f.column, f.is_error) for f in known} == {("text", False), ("thread", False), ("first_comment", False)}
    bring_in(desk, rows_of(row))
    said = ["@lisbon.example greets", "and @lisbon.example", "@lisbon.example"]
    assert [d.payload["text"] for d in desk.deliveries(posts(desk)[0])] == said
    out = read_csv(exporting.export(desk.session, desk.publisher, {"soonest_first": True}, "csv"))
    [plan] = check(desk, rows_of({**out.rows[0].cells, "date": "2026-03-12 09:00"})).plans  # guarded, as Excel needs it
    assert (plan.text, plan.items, plan.first_comment) == (row["text"], (row["thread"],), row["first_comment"])


def test_a_variable_that_nobody_filled_in_is_told_and_refuses_nothing(desk: Desk) -> None:
    row = {"text": "{{ Day }}: off to Lyon", "accounts": desk.here.handle, "date": "2026-03-11 09:00"}
    checked = check(desk, rows_of(row))
    assert [(f.column, f.name, f.is_error) for f in checked.findings] == [("text", "variable_open", False)]
    assert (
        checked.findings[0].message == "{{ Day }} stands in the text as it is: is it a variable that nobody filled in?"
    )
    bring_in(desk, rows_of(row))
    assert [d.payload["text"] for d in desk.deliveries(posts(desk)[0])] == [row["text"]]


def test_what_no_post_came_of_is_thrown_away_and_what_stands_in_one_is_not(desk: Desk) -> None:
    mine, somebody = (desk.session.get_one(m.Staff, who.staff_id) for who in (desk.publisher, desk.author))
    used, unused = (factories.make_media(desk.session, mine) for _ in range(2))
    shared = factories.make_media(desk.session, mine, brand_id=desk.here.brand_id)
    others = factories.make_media(desk.session, somebody)
    rows = rows_of({"text": "Sea", "accounts": desk.here.handle, "media": "sea.png", "alt_text": "The sea"})
    given = Given(rows, media={"sea.png": used.id})
    operations.bring_in(desk.session, desk.publisher, given, how="draft", filename="", specs=SPECS, now=NOW)
    ids = [used.id, unused.id, shared.id, others.id]
    assert throw_away(desk.session, desk.publisher, ids, NOW) == [unused.storage_key]
    assert set(desk.session.scalars(select(m.Media.id).where(m.Media.id.in_(ids)))) == {used.id, shared.id, others.id}


def test_a_file_that_could_not_be_taken_is_said_at_the_cell_with_the_reason(desk: Desk) -> None:
    rows = rows_of({"text": "Sea", "accounts": desk.here.handle, "media": "a, b.png"})
    given = Given(rows, lost={"a, b.png": "is damaged in the archive"})
    found = operations.check(desk.session, desk.publisher, given, SPECS, NOW).wrong
    assert [(f.row, f.column, f.name) for f in found] == [(2, "media", "file_refused")]
    assert "damaged in the archive" in found[0].message
