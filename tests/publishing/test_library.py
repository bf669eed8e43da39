"""A brand's library: who finds which file, what may be done with it, and what holds it."""

from __future__ import annotations

import pytest

from guichet import models as m
from guichet.errors import Conflict, NotAllowed, NotFound
from guichet.policy import Actor
from guichet.publishing import files, library
from guichet.publishing.drafting import VariantSpec, Words
from guichet.publishing.library import Deed, FileKind
from tests import factories as make
from tests.publishing.desk import NOW, SPECS, Desk


def kept(desk: Desk, actor: Actor, **more: object) -> m.Media:
    return make.make_media(desk.session, desk.session.get_one(m.Staff, actor.staff_id), **more)


def found(desk: Desk, actor: Actor, **more: object) -> list[int]:
    return [row.id for row in library.list_files(desk.session, actor, **more)]


def test_a_library_is_for_who_may_write_in_its_brand_and_what_is_not_in_it_is_its_uploaders(desk: Desk) -> None:
    shared, own = kept(desk, desk.author, brand_id=desk.brand.id), kept(desk, desk.author)
    elsewhere = kept(desk, desk.author, brand_id=make.make_brand(desk.session).id)
    assert found(desk, desk.author) == [elsewhere.id, own.id, shared.id]
    assert found(desk, desk.author, brand_id=desk.brand.id) == [shared.id]
    assert found(desk, desk.publisher) == [shared.id]
    assert found(desk, desk.stranger) == []
    desk.post(desk.publisher, words=Words("Look", media_ids=[shared.id]))  # one finds it, so one may use it
    with pytest.raises(NotFound):
        files.get_media(desk.session, desk.publisher, own.id)


def test_sharing_is_its_uploaders_to_do_and_only_with_a_brand_where_they_write(desk: Desk) -> None:
    file = kept(desk, desk.author)
    library.share(desk.session, desk.author, file, desk.brand.id, NOW)
    assert found(desk, desk.publisher) == [file.id]
    with pytest.raises(NotAllowed):
        library.share(desk.session, desk.publisher, file, None, NOW)
    with pytest.raises(NotFound):
        library.share(desk.session, desk.author, file, make.make_brand(desk.session).id, NOW)
    library.share(desk.session, desk.author, file, None, NOW)
    assert found(desk, desk.publisher) == []


def test_who_writes_in_the_brand_describes_its_files_and_no_others(desk: Desk) -> None:
    shared, own = kept(desk, desk.author, brand_id=desk.brand.id), kept(desk, desk.author)
    files.describe(desk.session, desk.publisher, shared, "A gate at dawn", SPECS, NOW)
    assert shared.alt == "A gate at dawn"
    with pytest.raises(NotAllowed):
        files.describe(desk.session, desk.publisher, own, "Mine?", SPECS, NOW)


def test_a_file_is_found_by_its_name_its_description_its_kind_and_who_brought_it(desk: Desk) -> None:
    more = {"brand_id": desk.brand.id}
    gate = kept(desk, desk.author, filename="Porte_100%.png", alt="", **more)
    film = kept(desk, desk.publisher, filename="film.mp4", mime="video/mp4", alt="Un train", **more)
    letter = kept(desk, desk.publisher, filename="letter.pdf", mime="application/pdf", **more)
    assert found(desk, desk.author, text="porte_100%") == [gate.id]
    assert found(desk, desk.author, text="TRAIN") == [film.id]
    assert found(desk, desk.author, text="%") == [gate.id]
    assert found(desk, desk.author, kind=FileKind.FILM) == [film.id]
    assert found(desk, desk.author, kind=FileKind.DOCUMENT) == [letter.id]
    assert found(desk, desk.author, uploaded_by=desk.publisher.staff_id) == [letter.id, film.id]
    assert found(desk, desk.author, before=letter.id, limit=1) == [film.id]


def test_where_it_is_used_is_told_as_far_as_one_sees_it(desk: Desk) -> None:
    file = kept(desk, desk.author, brand_id=desk.brand.id)
    seen = desk.post(words=Words("Look", media_ids=[file.id]), variants=[VariantSpec(desk.here.id)])
    desk.post(desk.author, words=Words("Not yet", media_ids=[file.id]), variants=[])
    uses = library.uses_of(desk.session, desk.publisher, file)
    assert ([p.id for p in uses.posts], uses.more, uses.answers) == ([seen.id], 1, 0)
    assert library.count_posts(desk.session, [file.id]) == {file.id: 2}


def test_only_what_nothing_holds_is_taken_away_and_only_by_whom_it_concerns(desk: Desk) -> None:
    session = desk.session
    unused, in_post, in_answer, in_draft = (kept(desk, desk.author, brand_id=desk.brand.id) for _ in range(4))
    desk.post(words=Words("Look", media_ids=[in_post.id]))
    conversation = make.make_conversation(session, desk.here)
    message = m.Message(
        conversation_id=conversation.id, account_id=desk.here.id, direction="out", kind="reply", text="",
        remote_at=NOW, received_at=NOW, sort_at=NOW, context={},
    )  # fmt: skip
    session.add(message)
    session.flush()
    session.add(m.Attachment(message_id=message.id, filename="a", mime="image/png", storage_key=in_answer.storage_key))
    draft = m.ReplyDraft(
        conversation_id=conversation.id, staff_id=desk.author.staff_id, text="", media=[in_draft.id], updated_at=NOW
    )
    session.add(draft)
    session.flush()
    assert found(desk, desk.author, unused=True) == [in_draft.id, unused.id]
    with pytest.raises(NotAllowed):
        library.remove(session, desk.publisher, unused, NOW)
    for held in (in_post, in_answer, in_draft):
        with pytest.raises(Conflict) as refused:
            library.remove(session, desk.author, held, NOW)
        assert refused.value.code == "file_in_use"
    key = unused.storage_key
    rights = library.rights_on(session, desk.author, [unused, in_post])
    assert (Deed.DELETE in rights[unused.id], Deed.DELETE in rights[in_post.id]) == (True, False)
    assert library.rights_on(session, desk.publisher, [unused])[unused.id] == [Deed.DESCRIBE]
    assert library.remove(session, desk.author, unused, NOW) == [key]
    with pytest.raises(NotFound):
        files.get_media(session, desk.author, unused.id)
