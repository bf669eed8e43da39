"""Posts: written once, for many accounts, scheduled in a zone, approved, watched."""

from __future__ import annotations

from guichet.errors import Unready
from webapp.api.schemas.common import Empty, IdPath, Page
from webapp.api.schemas.publishing import (
    Post,
    PostChange,
    PostNew,
    PostQuery,
    PostReject,
    PostSchedule,
    Preflight,
    PreflightIn,
)
from webapp.asking import Asked, Room

room = Room("posts")


@room.get("/posts", Page[Post])
def list_posts(asked: Asked, query: PostQuery) -> Page[Post]:
    """Posts that one may see, latest due first; drafts without a time come first."""
    raise Unready("posts are not here yet")


@room.post("/posts", Post, scope="publish", status=201)
def add_post(asked: Asked, body: PostNew) -> Post:
    """Save a draft."""
    raise Unready("posts are not here yet")


@room.post("/posts/preflight", Preflight, scope="publish")
def preflight_post(asked: Asked, body: PreflightIn) -> Preflight:
    """What each network would say to it; nothing is saved."""
    raise Unready("posts are not here yet")


@room.get("/posts/<int:id>", Post)
def get_post(asked: Asked, path: IdPath) -> Post:
    """One post and how it stands on each account."""
    raise Unready("posts are not here yet")


@room.patch("/posts/<int:id>", Post, scope="publish")
def change_post(asked: Asked, path: IdPath, body: PostChange) -> Post:
    """Change it, until it is being sent."""
    raise Unready("posts are not here yet")


@room.post("/posts/<int:id>/submit", Post, scope="publish")
def submit_post(asked: Asked, path: IdPath, body: PostSchedule) -> Post:
    """Ask for approval, for this time."""
    raise Unready("posts are not here yet")


@room.post("/posts/<int:id>/schedule", Post, scope="publish")
def schedule_post(asked: Asked, path: IdPath, body: PostSchedule) -> Post:
    """Send it at a wall time in a zone."""
    raise Unready("posts are not here yet")


@room.post("/posts/<int:id>/reschedule", Post, scope="publish")
def reschedule_post(asked: Asked, path: IdPath, body: PostSchedule) -> Post:
    """Move it."""
    raise Unready("posts are not here yet")


@room.post("/posts/<int:id>/publish", Post, scope="publish")
def publish_post(asked: Asked, path: IdPath, body: Empty) -> Post:
    """Send it now."""
    raise Unready("posts are not here yet")


@room.post("/posts/<int:id>/approve", Post, scope="publish")
def approve_post(asked: Asked, path: IdPath, body: Empty) -> Post:
    """Let it go out as it stands."""
    raise Unready("posts are not here yet")


@room.post("/posts/<int:id>/reject", Post, scope="publish")
def reject_post(asked: Asked, path: IdPath, body: PostReject) -> Post:
    """Send it back to its author."""
    raise Unready("posts are not here yet")


@room.post("/posts/<int:id>/cancel", Post, scope="publish")
def cancel_post(asked: Asked, path: IdPath, body: Empty) -> Post:
    """Do not send it; what is out already stays."""
    raise Unready("posts are not here yet")
