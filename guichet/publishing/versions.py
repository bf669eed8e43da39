"""What a post said before: kept whenever its words, files or alt texts change, and compared."""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from guichet.errors import NotFound
from guichet.models import Post, PostVersion
from guichet.policy import Actor
from guichet.publishing.drafting import contents_of, words_of
from guichet.publishing.queries import sees_post, sees_target
from guichet.publishing.rules import card_identity, identity_of

_PIECE = re.compile(r"\s+|\w+|[^\w\s]")
_MOST_PIECES = 2000  # comparing grows with the square of it; longer texts are compared by lines


def keep_version(session: Session, post: Post, staff_id: int | None, now: datetime) -> PostVersion:
    """The version that the post is now; a new one where it says something new."""
    says = snapshot(post)
    digest = hashlib.sha256(json.dumps(says, sort_keys=True, ensure_ascii=True).encode()).hexdigest()
    last = newest(session, post.id)
    if last is not None and last.digest == digest:
        return last
    made = PostVersion(
        post_id=post.id, number=last.number + 1 if last else 1, at=now, staff_id=staff_id, digest=digest, says=says
    )
    session.add(made)
    session.flush()
    return made


def begin_versions(session: Session, post: Post) -> None:
    """Keep what its author wrote first, before it is changed or shown to anybody."""
    if newest(session, post.id) is None:
        keep_version(session, post, post.author_id, post.created_at)


def newest(session: Session, post_id: int) -> PostVersion | None:
    """The last version that was kept; None for a post from before versions were."""
    last = select(PostVersion).where(PostVersion.post_id == post_id).order_by(PostVersion.number.desc()).limit(1)
    return session.scalars(last).first()


def current_number(session: Session, post_id: int) -> int:
    """The newest version's number, 0 where none was kept."""
    return session.scalar(select(func.max(PostVersion.number)).where(PostVersion.post_id == post_id)) or 0


def list_versions(session: Session, actor: Actor, post: Post) -> Sequence[PostVersion]:
    """All of a post that the actor was given, oldest first."""
    rows = select(PostVersion).where(PostVersion.post_id == post.id).order_by(PostVersion.number)
    return session.scalars(rows).all() if sees_post(actor, post) else []


def compare(session: Session, actor: Actor, post: Post, before: int, after: int) -> list[Difference]:
    """What changed from one version to another (0: nothing yet), on the accounts that the
    actor sees. Raises NotFound."""
    seen = _seen(actor, post)
    found = {v.number: v for v in list_versions(session, actor, post)}
    if after not in found or (before and before not in found):
        raise NotFound("there is no such version")
    old: Mapping[str, Any] = found[before].says if before else {"words": {}, "accounts": {}}
    return differences(_only(old, seen), _only(found[after].says, seen))


def _seen(actor: Actor, post: Post) -> set[str]:
    """Accounts, past ones aside, that the actor may know the words of."""
    return {str(t.account_id) for t in post.targets if sees_target(actor, t)}


def _only(says: Mapping[str, Any], seen: set[str]) -> dict[str, Any]:
    return {"words": says["words"], "accounts": {k: v for k, v in says["accounts"].items() if k in seen}}


# ---------------------------------------------------------------- pure


def snapshot(post: Post) -> dict[str, Any]:
    """What the post says: the common words, and everything that each account gets."""
    words = words_of(post)
    return {
        "words": {"parts": [_part("post", words.text), *(_part("thread_item", i.text) for i in words.items)]},
        "accounts": {
            str(c.account_id): {
                "parts": [
                    {
                        **_part(p.kind, p.text, [{"name": m.filename, **identity_of(m)} for m in p.media]),
                        **card_identity(p),
                    }
                    for p in c.parts
                ],
                "language": c.language,
                "subject": c.subject,
            }
            for c in contents_of(post)
        },
    }


def _part(kind: str, text: str, media: Sequence[Mapping[str, Any]] = ()) -> dict[str, Any]:
    return {"kind": kind, "text": text, "media": list(media)}


@dataclass(frozen=True)
class Difference:
    """One text that changed, alike on `accounts` (none: in a post for no account yet).
    `field`: text, alt, files, card, subject, language. `pieces`: ("same" | "gone" | "new", text)."""

    accounts: tuple[int, ...]
    part: int
    kind: str
    field: str
    pieces: tuple[tuple[str, str], ...]


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """What changed, what is alike on several accounts once."""
    accounts = sorted({*before["accounts"], *after["accounts"]}, key=int)
    found: dict[tuple[Any, ...], list[int]] = {}
    if not accounts:
        found = {key: [] for key in _changes(before["words"], after["words"])}
    for account in accounts:
        for key in _changes(before["accounts"].get(account, {}), after["accounts"].get(account, {})):
            found.setdefault(key, []).append(int(account))
    return [
        Difference(tuple(ids), part, kind, field, tuple(compare_texts(old, new)))
        for (part, kind, field, old, new), ids in found.items()
    ]


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[tuple[int, str, str, str, str]]:
    changed = []
    old, new = before.get("parts", []), after.get("parts", [])
    for n in range(max(len(old), len(new))):
        was, now = (parts[n] if n < len(parts) else _part("", "") for parts in (old, new))
        kind = now["kind"] or was["kind"]
        for field, read in (("text", _text), ("files", _files), ("alt", _alts), ("card", _card)):
            if read(was) != read(now):
                changed.append((n, kind, field, read(was), read(now)))
    for field in ("subject", "language"):
        if before.get(field, "") != after.get(field, ""):
            changed.append((0, "post", field, before.get(field, ""), after.get(field, "")))
    return changed


def _text(part: Mapping[str, Any]) -> str:
    return str(part["text"])


def _files(part: Mapping[str, Any]) -> str:
    return "\n".join(
        " ".join([m["name"], f"({m['sha256'][:8]})", *map(str, m.get("focus", ()))]) for m in part["media"]
    )


def _alts(part: Mapping[str, Any]) -> str:
    return "\n".join(m["alt"] for m in part["media"])


def _card(part: Mapping[str, Any]) -> str:
    card = part.get("card")
    if not card:
        return ""
    picture = f"({card['sha256'][:8]})" if card["sha256"] else ""
    return "\n".join(line for line in (card["title"], card["description"], card["url"], picture) if line)


def compare_texts(before: str, after: str) -> list[tuple[str, str]]:
    """The two texts as one: pieces that stayed ("same"), went ("gone") and came ("new")."""
    old, new = _PIECE.findall(before), _PIECE.findall(after)
    if max(len(old), len(new)) > _MOST_PIECES:
        old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    pieces: list[tuple[str, str]] = []
    for step, a, b, c, d in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if step == "equal":
            pieces.append(("same", "".join(old[a:b])))
            continue
        pieces += [p for p in (("gone", "".join(old[a:b])), ("new", "".join(new[c:d]))) if p[1]]
    return pieces
