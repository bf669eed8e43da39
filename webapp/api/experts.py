"""Topics, their experts, and what is put before them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from guichet.inbox import pool, thread, topics
from guichet.models import Staff
from guichet.models import Topic as TopicRow
from webapp.api.around import show_conversation
from webapp.api.briefs import Names, person
from webapp.api.schemas.common import Done, IdPath, Page, PageQuery
from webapp.api.schemas.experts import Topic, TopicChange, TopicNew
from webapp.api.schemas.inbox import Conversation, Pooled
from webapp.asking import Asked, Room

room = Room("experts")


@room.get("/topics", Page[Topic])
def list_topics(asked: Asked, query: PageQuery) -> Page[Topic]:
    """Every topic with its experts."""
    rows = topics.list_topics(asked.session, asked.actor)
    experts = topics.experts_of(asked.session, [row.id for row in rows])
    names = Names(asked.session)
    return Page(items=[_show(row, experts, names) for row in rows])


@room.post("/topics", Topic, scope="manage", status=201)
def add_topic(asked: Asked, body: TopicNew) -> Topic:
    """A new topic."""
    return _one(asked, topics.add_topic(asked.session, asked.actor, **body.model_dump(), now=asked.now))


@room.patch("/topics/<int:id>", Topic, scope="manage")
def change_topic(asked: Asked, path: IdPath, body: TopicChange) -> Topic:
    """Change its name, its experts, its review or its time."""
    row = topics.get_topic(asked.session, asked.actor, path.id)
    changes = body.model_dump(exclude_unset=True, exclude_none=True)
    return _one(asked, topics.change_topic(asked.session, asked.actor, row, changes, asked.now))


@room.delete("/topics/<int:id>", Done, scope="manage")
def remove_topic(asked: Asked, path: IdPath) -> Done:
    """Take it away: what lies in its pool is the desk's alone again."""
    topics.remove_topic(asked.session, asked.actor, topics.get_topic(asked.session, asked.actor, path.id), asked.now)
    return Done()


@room.post("/conversations/<int:id>/pool", Conversation, scope="answer")
def pool_conversation(asked: Asked, path: IdPath, body: Pooled) -> Conversation:
    """Put it before the experts of a topic, or take it back."""
    found = thread.get_conversation(asked.session, asked.actor, path.id)
    if body.topic_id is None:
        pool.take_out(asked.session, asked.actor, found, asked.now)
    else:
        topic = topics.get_topic(asked.session, asked.actor, body.topic_id)
        pool.put(asked.session, asked.actor, found, topic, asked.now)
    return show_conversation(asked, found)


def _one(asked: Asked, row: TopicRow) -> Topic:
    return _show(row, topics.experts_of(asked.session, [row.id]), Names(asked.session))


def _show(row: TopicRow, experts: Mapping[int, Sequence[Staff]], names: Names) -> Topic:
    return Topic(
        id=row.id,
        name=row.name,
        brand=names.brand(row.brand_id),
        reviewed=row.reviewed,
        return_minutes=row.return_minutes,
        experts=[person(one) for one in experts.get(row.id, ())],
    )
