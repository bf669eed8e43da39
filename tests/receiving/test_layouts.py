"""How mails look: kept when they come in, seen by who may read them, gone with what is taken back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from channels.contract import InboundKind, Surface
from guichet import models as m
from guichet.errors import NotFound
from guichet.policy import SYSTEM
from guichet.receiving import layouts, withdrawals
from guichet.receiving.layout import Picture
from tests import factories as make
from tests.inbox.scene import Scene, said

LOOKS = '<p style="color:red">Hi</p><img src="https://a.example/p.png" alt="A hat"><img src="cid:gone" alt="Logo">'


def mail(scene: Scene, html: str = LOOKS, **more: object) -> m.Message:
    given = {"kind": InboundKind.MAIL, "surface": Surface.MAIL, "html": html, **more}
    (message,) = scene.hears(said("Hi", remote_at=scene.now, **given))
    return message


def shown(scene: Scene, message: m.Message) -> layouts.Shown:
    return layouts.get_shown(scene.session, scene.actor(), message.conversation_id, message.id)


def rows(session: Session, model: type[m.Base]) -> int:
    return session.scalar(select(func.count()).select_from(model)) or 0


def test_it_looks_as_it_came_without_what_is_nowhere(scene: Scene) -> None:
    message = mail(scene)
    found = shown(scene, message)
    assert (
        found.html == '<p style="color:red">Hi</p><img data-picture="0" alt="A hat"><img data-picture="1" alt="Logo">'
    )
    assert found.pictures == {0: Picture(address="https://a.example/p.png")}
    assert found.is_coloured
    assert message.html == "<p>Hi</p>", "what the API gives has neither"


def test_what_is_a_picture_alone_can_be_looked_at_too(scene: Scene) -> None:
    message = mail(scene, '<img src="https://a.example/p.png" alt="A hat">')
    assert message.html == "<br>"
    assert shown(scene, message).html == '<img data-picture="0" alt="A hat">'
    assert mail(scene, "<script>alert(1)</script>", root="nothing").html == ""


def test_a_mail_from_before_is_shown_plainer(scene: Scene) -> None:
    message = mail(scene)
    layouts.forget_layout(scene.session, SYSTEM, message)
    found = shown(scene, message)
    assert (found.html, found.pictures, found.is_coloured) == ("<p>Hi</p>", {}, False)


def test_what_is_no_mail_or_has_no_html_has_no_formatting(scene: Scene) -> None:
    for message in (scene.customer_says(html=LOOKS, root="public"), mail(scene, html="", root="plain")):
        with pytest.raises(NotFound):
            shown(scene, message)
    assert rows(scene.session, m.MessageLayout) == 0


def test_only_who_may_read_the_conversation_sees_it_and_only_there(scene: Scene) -> None:
    message = mail(scene)
    with pytest.raises(NotFound):
        layouts.get_shown(scene.session, scene.actor(), message.conversation_id + 1, message.id)
    stranger = make.make_staff(scene.session)
    with pytest.raises(NotFound):
        layouts.get_shown(scene.session, scene.actor(stranger), message.conversation_id, message.id)


def test_what_is_taken_back_looks_like_nothing(scene: Scene) -> None:
    message = mail(scene)
    withdrawals.take_back(scene.session, SYSTEM, message, scene.now)
    assert rows(scene.session, m.MessageLayout) == 0
    with pytest.raises(NotFound):
        shown(scene, message)


def test_pictures_are_kept_for_a_week_and_by_their_address(scene: Scene) -> None:
    message = mail(scene)
    found, (picture,) = shown(scene, message), shown(scene, message).pictures.values()
    actor = scene.actor()
    assert layouts.find_kept(scene.session, found, picture, scene.now) == ""
    assert layouts.keep_picture(scene.session, actor, found, picture, "aa/first", scene.now) == ""
    assert layouts.keep_picture(scene.session, actor, found, picture, "bb/second", scene.now) == "aa/first"
    scene.session.expire_all()
    assert layouts.find_kept(scene.session, found, picture, scene.now) == "bb/second"
    assert layouts.find_kept(scene.session, found, Picture("https://a.example/q.png"), scene.now) == ""
    later = scene.now + layouts.KEPT_FOR
    assert layouts.find_kept(scene.session, found, picture, later) == ""
    assert layouts.forget_pictures(scene.session, SYSTEM, later - timedelta(seconds=1)) == []
    assert layouts.forget_pictures(scene.session, SYSTEM, later) == ["bb/second"]
    assert rows(scene.session, m.MailPicture) == 0
