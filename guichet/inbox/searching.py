"""The index of what was said: put in with the message, taken out with it, looked into.

Indexed in the transaction that stores the message, not by a worker: a message that is there
can be found, one that is taken back cannot, and a kill between the two has nothing to lose.
(A message of 40 words costs 0.2 ms of stemming and one row.)

The newest first and capped, never ranked: ranking a common word over millions costs seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, func, select
from sqlalchemy.orm import Session

from guichet.db import word_index
from guichet.db.tokens import Query, Wanted
from guichet.inbox import lexicon
from guichet.inbox.sought import Term
from guichet.inbox.words import fold
from guichet.models import Attachment, Identity, Message, table_of

CAP = 1000
_AT_ONCE = 1000
_SHORTEST_BEGINNING = 2


def index_new(session: Session, message: Message, files: Iterable[Attachment]) -> None:
    """Make a message findable that was not indexed before, by what its files are called, too."""
    _put_in(session, message, [words for file in files for words in (file.filename, file.alt)])


def index(session: Session, message: Message) -> None:
    """A message that was indexed says something else now."""
    session.flush()
    forget(session, [message.id])
    _put_in(session, message, _files(session, [message.id]).get(message.id, []))


def _put_in(session: Session, message: Message, files: Sequence[str]) -> None:
    identity = session.get(Identity, message.identity_id) if message.identity_id else None
    said = [message.subject, message.text, *files]
    words = lexicon.document(said, [identity.name, identity.handle] if identity else [])
    if words:
        with session.no_autoflush:
            word_index.index_words(session, [(message.id, message.account_id, words)])


def forget(session: Session, message_ids: Sequence[int]) -> None:
    """They are no longer there to be found."""
    for id_ in message_ids:
        word_index.forget_words(session, id_)


def reindex_identity(session: Session, identity_id: int) -> None:
    """Their name changed: what they said is found by the new one."""
    session.flush()
    said = select(Message.id).where(Message.identity_id == identity_id, Message.deleted_at.is_(None))
    ids = list(session.scalars(said.order_by(Message.id)))
    forget(session, ids)
    _index(session, ids)


def rebuild(connection: Connection) -> int:
    """Index everything that is there anew, a thousand rows at a time; returns how many.

    Names the columns it reads, since a migration calls it on the schema of its day.
    """
    word_index.drop_search(connection)
    word_index.create_search(connection)
    message = table_of(Message)
    last = done = 0
    while True:
        wanted = select(message.c.id).where(message.c.id > last, message.c.deleted_at.is_(None))
        ids = list(connection.scalars(wanted.order_by(message.c.id).limit(_AT_ONCE)))
        if not ids:
            return done
        last = ids[-1]
        done += _index(connection, ids)


def _index(bind: Session | Connection, ids: Sequence[int]) -> int:
    """Index messages of these ids, less those that say nothing; returns how many."""
    message, identity = table_of(Message), table_of(Identity)
    done = 0
    for some in (ids[n : n + _AT_ONCE] for n in range(0, len(ids), _AT_ONCE)):
        files = _files(bind, some)
        wanted = (
            select(
                message.c.id, message.c.account_id, message.c.subject, message.c.text,
                func.coalesce(identity.c.name, ""), func.coalesce(identity.c.handle, ""),
            )
            .select_from(message.outerjoin(identity, identity.c.id == message.c.identity_id))
            .where(message.c.id.in_(some))
        )  # fmt: skip
        rows = [
            (id_, account_id, lexicon.document([subject, text, *files.get(id_, ())], [name, handle]))
            for id_, account_id, subject, text, name, handle in bind.execute(wanted)
        ]
        rows = [row for row in rows if row[2]]
        word_index.index_words(bind, rows)
        done += len(rows)
    return done


def _files(bind: Session | Connection, ids: Sequence[int]) -> dict[int, list[str]]:
    """What the files of messages are called, and what they show."""
    attachment = table_of(Attachment)
    files: dict[int, list[str]] = {}
    named = select(attachment.c.message_id, attachment.c.filename, attachment.c.alt)
    for message_id, filename, alt in bind.execute(named.where(attachment.c.message_id.in_(ids))):
        files.setdefault(message_id, []).extend((filename, alt))
    return files


# ------------------------------------------------------------ what is looked for


def query_of(terms: Iterable[Term]) -> Query:
    """What the index is asked for these terms: words, phrases and `from`. Pure."""
    query: list[list[Wanted]] = []
    for term in terms:
        if term.operator == "from":
            # A name may be typed in part: from:anna finds Annabel.
            query += [[Wanted((f"@{w[: lexicon.LONGEST]}",), True)] for w in fold(term.value).split()]
        elif term.is_phrase:
            query.append([Wanted(tuple(term.value.split()), term.may_go_on)])
        else:
            query.append(_word(term))
    return query


def find_named(session: Session, accounts: Sequence[int] | None, name: str) -> list[int]:
    """Ids of the newest messages of customers with a name like this."""
    query = [[Wanted((f"@{w[: lexicon.LONGEST]}",), True)] for w in fold(name).split()]
    return word_index.find_words(session, query, accounts, CAP) if query and accounts != [] else []


def _word(term: Term) -> list[Wanted]:
    """A word as it stands, by its stem, or as a customer's name."""
    plain = fold(term.value)
    goes_on = term.may_go_on and len(plain) >= _SHORTEST_BEGINNING
    stems = sorted(f"_{s}" for token in lexicon.tokens_in(term.value) for s in lexicon.stems(token.group()))
    return [Wanted((plain,), goes_on), Wanted((f"@{plain}",), goes_on), *(Wanted((s,)) for s in stems)]
