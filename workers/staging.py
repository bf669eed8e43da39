"""Two steps to publish: making what the network wants first, and keeping it found.

The row that names it is committed before it is made and again right after, each by this
worker only as long as the delivery is its own. Waiting for the network to be done with it
takes no thread for long: what is not ready is due again later, and goes on from there.
"""

from __future__ import annotations

import structlog

from channels.contract import JSON, Discarder, Draft, Stager, Uploader
from channels.errors import ChannelError, Gone, Rejected, StillWorking, Unavailable
from guichet.db.dialect import database_now
from guichet.delivery import staging
from guichet.delivery.engine import Claimed, Start
from workers.desks import Desk, open_publisher
from workers.runtime import Process

log = structlog.get_logger(__name__)


def stage(process: Process, claimed: Claimed, draft: Draft, desk: Desk, stager: Stager) -> Start | None:
    """The wish to start, with what stands ready at the network. None: the delivery is no
    longer this worker's. Raises ChannelError, and Unproved."""
    worker_id = process.living().worker_id
    with process.runtime.engine.begin() as connection:
        now = database_now(connection)
        key = desk.publisher.new_key(now)
        staged = staging.begin(connection, claimed, worker_id, key, desk.spec.key_life, now)
    if staged is None:
        return None
    made = dict(staged.made)
    if not made:
        made = stager.stage(draft, desk.publisher.prepare(draft), staged.key, staged.is_again)
        with process.runtime.engine.begin() as connection:
            if not staging.record(connection, staged, claimed, worker_id, made):
                return None
    try:
        stager.ready(made)
    except Gone as e:
        with process.runtime.engine.begin() as connection:
            staging.leave(connection, staged.id, database_now(connection))
        raise Unavailable("what was made there for it is gone; another is made", code="staged_gone") from e
    return Start(claimed, staged.key, made)


def prepare(process: Process, claimed: Claimed, draft: Draft, desk: Desk) -> JSON:
    """What the send needs, going on with what the network has already of its files. Raises
    ChannelError; what the network still works at is written down first."""
    publisher = desk.publisher
    if not isinstance(publisher, Uploader) or not draft.media:
        return publisher.prepare(draft)
    with process.runtime.engine.begin() as connection:
        now = database_now(connection)
        found = staging.find_uploads(connection, claimed, now)
    try:
        return publisher.prepare_on(draft, found.begun if found else {})
    except StillWorking as e:
        if found and now - found.begun_at > staging.UPLOADS_WAIT:
            raise Rejected("the network does not finish its work on a file", code="media_processing_timeout") from e
        uploads = staging.Uploads(e.begun, found.begun_at if found else now)
        with process.runtime.engine.begin() as connection:
            now = database_now(connection)
            staging.keep_uploads(connection, claimed, process.living().worker_id, uploads, now)
        raise


def discard_leftovers(process: Process) -> None:
    """Take away at the networks what nobody will publish. One that cannot be is tried again."""
    runtime = process.runtime
    with runtime.engine.begin() as connection:
        leftovers = staging.find_leftovers(connection, database_now(connection))
    for leftover in leftovers:
        if process.stopping.is_set():
            return
        try:
            publisher = open_publisher(process, leftover.account_id)
            if isinstance(publisher, Discarder):
                publisher.discard(leftover.key, leftover.made)
        except ChannelError as e:
            log.info("not_discarded", staged=leftover.id, error=e.code)
            continue
        with runtime.engine.begin() as connection:
            staging.note_discarded(connection, leftover.id, database_now(connection))
