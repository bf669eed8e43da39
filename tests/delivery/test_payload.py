"""What is frozen comes out as it went in, or not at all."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from channels.contract import Surface, Target
from guichet.delivery.payload import MediaLost, MediaRef, freeze, frozen_target, payload_hash, thaw, thawed_target
from guichet.storage import FileStore

PICTURE = b"not really a picture"
KEY = f"ab/{38 * 'c'}"
TARGET = Target("109", "p-1", "anna@example.org", "100", Surface.PUBLIC, {"cid": "bafy"})


def picture(key: str) -> MediaRef:
    return MediaRef(
        7, hashlib.sha256(PICTURE).hexdigest(), "image/png", len(PICTURE), "gate.png", "the gate", key, 640, 480
    )


def test_a_draft_that_was_frozen_and_kept_as_json_thaws_to_the_same(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    store.keep(KEY, PICTURE)
    frozen = freeze(
        text="à l’heure", surface=Surface.PUBLIC, media=[picture(KEY)], language="fr", reply_to=TARGET,
        subject="re", options={"sensitive": True},
    )  # fmt: skip
    draft = thaw(json.loads(json.dumps(frozen)), store)
    assert (draft.text, draft.surface, draft.language, draft.subject) == ("à l’heure", Surface.PUBLIC, "fr", "re")
    assert (draft.reply_to, draft.options) == (TARGET, {"sensitive": True})
    (media,) = draft.media
    assert (media.mime, media.size, media.filename, media.alt) == ("image/png", 20, "gate.png", "the gate")
    assert (media.width, media.height, media.sha256) == (640, 480, picture("").sha256)
    assert media.open() == PICTURE
    assert thawed_target(frozen_target(TARGET)) == TARGET


def test_what_is_frozen_plainly_answers_nobody_and_has_no_files(tmp_path: Path) -> None:
    frozen = freeze(text="hello", surface="direct")
    assert frozen == {
        "text": "hello", "surface": "direct", "media": [], "language": "", "reply_to": None, "subject": "",
        "options": {},
    }  # fmt: skip
    draft = thaw(frozen, FileStore(tmp_path))
    assert (draft.media, draft.reply_to, draft.surface) == ((), None, Surface.DIRECT)


def test_a_file_that_is_gone_or_another_is_not_sent(tmp_path: Path) -> None:
    store = FileStore(tmp_path)
    draft = thaw(freeze(text="", surface="public", media=[picture(KEY)]), store)
    with pytest.raises(MediaLost, match=r"'gate\.png' is not in the store"):
        draft.media[0].open()
    store.keep(KEY, b"another")
    with pytest.raises(MediaLost, match=r"'gate\.png' was changed"):
        draft.media[0].open()


def test_the_hash_is_of_the_content_however_it_is_written_and_of_all_of_it() -> None:
    frozen = freeze(text="é\ud800", surface="public")
    turned = dict(reversed(frozen.items()))
    canonical = (
        '{"language":"","media":[],"options":{},"reply_to":null,"subject":"","surface":"public","text":"é\ud800"}'
    )
    assert payload_hash(frozen) == payload_hash(turned)
    assert payload_hash(frozen) == hashlib.sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()
    assert payload_hash({**frozen, "text": "e"}) != payload_hash(frozen)
