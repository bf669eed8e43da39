"""What is shown of a picture: cut out beside it, settled and approved like every rendition, and
never replaced by the whole of it."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from PIL import Image

from guichet import models as m
from guichet.delivery.bounds import Bounds, Fitted
from guichet.delivery.materials import ref_of
from guichet.delivery.payload import focus_of
from guichet.errors import Invalid
from guichet.publishing import fitting, operations, renditions
from guichet.publishing.drafting import Item, VariantSpec, Words, contents_of, specs_of, words_of
from guichet.publishing.framing import Frame, recipe_of, settled
from guichet.publishing.rules import content_hash
from guichet.publishing.versions import snapshot
from tests import factories as make
from tests.publishing.desk import NOW, SPECS, Desk


def quarters() -> bytes:
    """Red, green / blue, white: 60 x 40."""
    image, out = Image.new("RGB", (60, 40), "white"), io.BytesIO()
    for colour, place in (("red", (0, 0)), ("lime", (30, 0)), ("blue", (0, 20))):
        image.paste(colour, (*place, place[0] + 30, place[1] + 20))
    image.save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize(
    ("turn", "corners"),
    [
        (0, ["red", "lime", "blue", "white"]),
        (90, ["blue", "red", "white", "lime"]),
        (180, ["white", "blue", "lime", "red"]),
        (270, ["lime", "white", "red", "blue"]),
    ],
)
def test_a_picture_is_turned_clockwise_and_then_cut(turn: int, corners: list[str]) -> None:
    frame = settled(Frame(turn), "image/png", 60, 40)
    made = fitting.cut(quarters(), "image/png", frame)
    with Image.open(io.BytesIO(made.data)) as image:
        at = [(x, y) for y in (5, image.height - 5) for x in (5, image.width - 5)]
        assert [image.convert("RGB").getpixel(p) for p in at] == [
            Image.new("RGB", (1, 1), c).getpixel((0, 0)) for c in corners
        ]
    part = settled(Frame(turn, left=2, top=3, width=16, height=17), "image/png", 60, 40)
    made = fitting.cut(quarters(), "image/png", part)
    assert (made.width, made.height, made.mime) == (16, 17, "image/png")


@pytest.mark.parametrize(
    "frame",
    [
        Frame(45),
        Frame(left=-1),
        Frame(width=61),
        Frame(90, width=41),
        Frame(left=50),
        Frame(width=4),
        Frame(focus=(2, 0)),
    ],
)
def test_what_is_no_part_of_the_picture_is_refused(frame: Frame) -> None:
    with pytest.raises(Invalid) as refused:
        settled(frame, "image/png", 60, 40)
    assert "framing" in refused.value.fields


def test_what_moves_is_not_cut() -> None:
    with pytest.raises(Invalid):
        settled(Frame(90), "image/gif", 60, 40)


def test_the_whole_picture_needs_nothing_made_of_it() -> None:
    assert recipe_of(settled(Frame(focus=(0.123, 1)), "image/png", 60, 40), 60, 40) == ""
    assert recipe_of(settled(Frame(180), "image/png", 60, 40), 60, 40) != ""


def test_what_is_cut_and_still_too_heavy_is_made_from_the_original() -> None:
    out = io.BytesIO()
    Image.effect_noise((900, 600), 60).save(out, "PNG")
    frame = settled(Frame(90, top=300), "image/png", 900, 600)
    made = fitting.fit(out.getvalue(), "image/png", Bounds({"image/jpeg": 200_000}), frame)
    assert 400 <= made.width == made.height <= 600
    assert len(made.data) <= 200_000


# ---------------------------------------------------------------- in a post

SQUARE = Frame(left=100, width=500, height=500)


def picture(desk: Desk, **more: object) -> m.Media:
    staff = desk.session.get_one(m.Staff, desk.publisher.staff_id)
    return make.make_media(desk.session, staff, **{"brand_id": desk.brand.id, "width": 800, "height": 600, **more})


def cut_of(desk: Desk, file: m.Media, frame: Frame, data: bytes = b"cut") -> m.Rendition:
    whole = settled(frame, file.mime, file.width, file.height)
    made = Fitted(data, file.mime, whole.width or 0, whole.height or 0)
    recipe = recipe_of(whole, file.width, file.height)
    key = f"{recipe}-{file.id}"
    return renditions.add_rendition(desk.session, desk.publisher, file, recipe, made, storage_key=key, now=NOW)


def test_what_was_not_cut_yet_never_goes_out_whole(desk: Desk) -> None:
    file = picture(desk)
    post = desk.post(words=Words("Look", media_ids=[file.id], framing={file.id: SQUARE}))
    with pytest.raises(Invalid) as refused:
        desk.schedule(post)
    (problem,) = refused.value.data["problems"][desk.here.id]
    assert (problem["name"], problem["data"]["can_fit"], problem["data"]["index"]) == ("picture_not_cut", True, 0)
    cut_of(desk, file, SQUARE)
    desk.schedule(post)
    operations_words = replace(words_of(post), framing={file.id: Frame(180)})
    with pytest.raises(Invalid):
        operations.change(desk.session, desk.publisher, post, words=operations_words, specs=SPECS, now=NOW)


def test_each_account_gets_its_own_part_and_the_focus_goes_out_with_it(desk: Desk) -> None:
    file, plain = picture(desk), picture(desk)
    tall = Frame(width=320, height=400, focus=(0.5, -0.25))
    common, own = cut_of(desk, file, SQUARE, b"square"), cut_of(desk, file, tall, b"tall")
    words = Words("Look", media_ids=[file.id, plain.id], framing={file.id: SQUARE})
    variants = [VariantSpec(desk.here.id, framing={file.id: tall}), VariantSpec(desk.there.id)]
    post = desk.post(words=words, variants=variants)
    desk.schedule(post)
    sent = {d.account_id: d.payload["media"] for d in desk.deliveries(post)}
    assert [f["sha256"] for f in sent[desk.here.id]] == [own.sha256, plain.sha256]
    assert [f["sha256"] for f in sent[desk.there.id]] == [common.sha256, plain.sha256]
    assert [focus_of(f) for f in sent[desk.here.id]] == [(0.5, -0.25), None]
    assert (sent[desk.here.id][0]["width"], sent[desk.here.id][0]["alt"]) == (320, file.alt)


def test_a_cut_that_is_too_heavy_there_goes_out_smaller(desk: Desk) -> None:
    file = picture(desk, size=6_000_000)
    cut = cut_of(desk, file, SQUARE, bytes(3_000_000))
    limit = renditions.limit_of(desk.there, SPECS)
    recipe = recipe_of(settled(SQUARE, file.mime, 800, 600), 800, 600)
    shown = replace(ref_of(file), size=cut.size, width=500, height=500)
    (bounds,) = renditions.missing(shown, recipe, [limit, renditions.limit_of(desk.here, SPECS)], {})
    fit = renditions.add_rendition(
        desk.session, desk.publisher, file, f"{recipe} {bounds.recipe}", Fitted(b"small", "image/jpeg", 400, 400),
        storage_key="small", now=NOW,
    )  # fmt: skip
    post = desk.post(words=Words("Look", media_ids=[file.id], framing={file.id: SQUARE}))
    desk.schedule(post)
    sent = {d.account_id: d.payload["media"][0]["sha256"] for d in desk.deliveries(post)}
    assert sent == {desk.here.id: cut.sha256, desk.there.id: fit.sha256}


def test_another_cut_or_focus_is_another_content_and_another_version(desk: Desk) -> None:
    file = picture(desk)
    cut_of(desk, file, SQUARE)
    words = Words("Look", items=[Item("more", [file.id])], framing={file.id: SQUARE})
    post = desk.post(words=words)
    desk.schedule(post)
    before, said = content_hash(contents_of(post)), snapshot(post)
    again = replace(words_of(post), framing={file.id: replace(SQUARE, focus=(0, 1))})
    operations.change(desk.session, desk.publisher, post, words=again, specs=SPECS, now=NOW)
    assert content_hash(contents_of(post)) != before
    assert snapshot(post)["accounts"] != said["accounts"]
    assert words_of(post).framing == {file.id: replace(SQUARE, focus=(0.0, 1.0))}


def test_an_account_with_pictures_of_its_own_keeps_how_they_are_cut(desk: Desk) -> None:
    common, mine = picture(desk), picture(desk)
    framing = {common.id: SQUARE, mine.id: Frame(90)}
    variants = [VariantSpec(desk.here.id, media_ids=[mine.id]), VariantSpec(desk.there.id)]
    post = desk.post(words=Words("Look", media_ids=[common.id], framing=framing), variants=variants)
    own = {s.account_id: s for s in specs_of(post)}
    assert (own[desk.here.id].framing or {}).keys() == {mine.id}
    assert own[desk.there.id].framing is None
    assert words_of(post).framing.keys() == {common.id}
