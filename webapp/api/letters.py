"""Notices by mail: what one wants of them."""

from __future__ import annotations

from guichet.letters import operations, rules
from webapp.api.schemas.letters import LastMail, NoticeMails, NoticeMailsChange
from webapp.asking import Asked, Room

room = Room("notice mails")


@room.get("/me/notice-mails", NoticeMails)
def get_notice_mails(asked: Asked) -> NoticeMails:
    """Of what one is told by mail, when, and how the last one fared."""
    return _show(asked)


@room.put("/me/notice-mails", NoticeMails, scope="")
def change_notice_mails(asked: Asked, body: NoticeMailsChange) -> NoticeMails:
    """Choose. What happened before is told by no mail."""
    operations.change_wish(asked.session, asked.actor, body.model_dump()["choices"], body.daily_at, asked.now)
    return _show(asked)


def _show(asked: Asked) -> NoticeMails:
    wish = operations.find_wish(asked.session, asked.actor)
    last = operations.last_letter(asked.session, asked.actor)
    chosen = wish.choices if wish else {}
    return NoticeMails(
        choices={subject: chosen.get(subject, rules.OFF) for subject in rules.SUBJECTS},
        daily_at=wish.daily_at if wish else rules.DAILY_AT,
        ready=bool(asked.runtime.settings.mail_url),
        last=LastMail(state=last.state, said=last.said, at=last.done_at or last.at) if last else None,
    )
