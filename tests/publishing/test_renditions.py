"""Pictures as networks take them: made within their bounds, chosen when a post is sent off, and
what was approved is what goes out."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from guichet import models as m
from guichet.delivery.bounds import Bounds, Fitted, bounds_for
from guichet.delivery.materials import ref_of
from guichet.errors import Invalid
from guichet.publishing import fitting, operations, renditions
from guichet.publishing.drafting import Words, contents_of
from tests import factories as make
from tests.publishing.desk import NOW, SPECS, Desk


def picture(kind: str, mode: str = "RGB", size: tuple[int, int] = (900, 600)) -> bytes:
    """Nothing is alike in it, so that no format packs it well."""
    out = io.BytesIO()
    Image.effect_noise(size, 60).convert(mode).save(out, kind)
    return out.getvalue()


def test_a_picture_that_is_too_heavy_keeps_its_shape_and_loses_no_more_than_it_must() -> None:
    data = picture("PNG")
    bounds = Bounds({"image/jpeg": 120_000, "image/png": 120_000})
    made = fitting.fit(data, "image/png", bounds)
    assert bounds.holds(made.mime, len(made.data), made.width, made.height)
    assert made.mime == "image/jpeg"
    assert made.width / made.height == pytest.approx(1.5, abs=0.01)
    assert 400 <= made.width < 900
    roomy = fitting.fit(data, "image/png", Bounds({"image/jpeg": 500_000}))
    assert (roomy.width, roomy.height) == (900, 600)


def test_a_picture_of_too_many_pixels_or_of_a_wrong_kind_is_made_otherwise() -> None:
    made = fitting.fit(picture("PNG"), "image/png", Bounds({"image/png": 10_000_000}, max_pixels=200_000))
    assert made.mime == "image/png"
    assert 190_000 < made.width * made.height <= 200_000
    made = fitting.fit(picture("WEBP"), "image/webp", Bounds({"image/jpeg": 10_000_000}))
    assert (made.mime, made.width) == ("image/jpeg", 900)


def test_what_is_see_through_stays_so_where_the_network_has_a_format_for_it() -> None:
    image, out = Image.effect_noise((900, 600), 60).convert("RGB"), io.BytesIO()
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    image.save(out, "PNG")
    see_through = out.getvalue()
    made = fitting.fit(see_through, "image/png", Bounds({"image/jpeg": 90_000, "image/webp": 90_000}))
    with Image.open(io.BytesIO(made.data)) as image:
        assert (made.mime, image.mode) == ("image/webp", "RGBA")
    assert fitting.fit(see_through, "image/png", Bounds({"image/jpeg": 300_000})).mime == "image/jpeg"
    opaque = fitting.fit(picture("PNG", "RGBA"), "image/png", Bounds({"image/jpeg": 300_000, "image/webp": 300_000}))
    assert opaque.mime == "image/jpeg"


def test_a_stamp_is_no_picture() -> None:
    with pytest.raises(Invalid, match="small enough"):
        fitting.fit(picture("PNG"), "image/png", Bounds({"image/jpeg": 900}))


def test_a_thumbnail_is_small_and_keeps_its_shape() -> None:
    made = fitting.thumbnail(picture("JPEG"))
    assert (made.width, made.height) == (320, 213)
    assert len(made.data) < 60_000


# ---------------------------------------------------------------- in a post


def heavy(desk: Desk) -> m.Media:
    """Too heavy for Bluesky, and not for Mastodon."""
    staff = desk.session.get_one(m.Staff, desk.publisher.staff_id)
    more = {"brand_id": desk.brand.id, "size": 6_000_000, "width": 3000, "height": 2000, "filename": "gate.v2.png"}
    return make.make_media(desk.session, staff, **more)


def made_for_bluesky(desk: Desk, file: m.Media, data: bytes = b"smaller") -> m.Rendition:
    bounds = bounds_for(ref_of(file), renditions.limit_of(desk.there, SPECS))
    assert bounds is not None
    made = Fitted(data, "image/jpeg", 1500, 1000)
    key = f"made-{file.id}"
    return renditions.add_rendition(desk.session, desk.publisher, file, bounds.recipe, made, storage_key=key, now=NOW)


def sent(desk: Desk, post: m.Post) -> dict[str, dict[str, object]]:
    """The file as it is frozen for each network."""
    networks = {desk.here.id: "mastodon", desk.there.id: "bluesky"}
    return {networks[d.account_id]: d.payload["media"][0] for d in desk.deliveries(post) if d.state != "cancelled"}


def test_only_the_account_that_would_refuse_a_picture_gets_another_and_its_bytes_are_frozen(desk: Desk) -> None:
    file = heavy(desk)
    made = made_for_bluesky(desk, file)
    post = desk.post(words=Words("Look", media_ids=[file.id]))
    desk.schedule(post)
    frozen = sent(desk, post)
    assert frozen["mastodon"]["sha256"] == file.sha256
    there = frozen["bluesky"]
    assert (there["sha256"], there["storage_key"], there["mime"]) == (made.sha256, made.storage_key, "image/jpeg")
    assert (there["filename"], there["alt"], there["media_id"]) == ("gate.v2.jpg", file.alt, file.id)
    assert len({d.content_hash for d in desk.deliveries(post)}) == 2


def test_what_nobody_made_is_refused_and_it_says_that_it_can_be_made(desk: Desk) -> None:
    post = desk.post(words=Words("Look", media_ids=[heavy(desk).id]))
    with pytest.raises(Invalid) as refused:
        desk.schedule(post)
    (problem,) = refused.value.data["problems"][desk.there.id]
    assert (problem["name"], problem["data"]["can_fit"]) == ("media_too_large", True)
    assert desk.here.id not in refused.value.data["problems"]


def test_a_planned_post_keeps_what_was_chosen_until_its_file_is_another(desk: Desk) -> None:
    file = heavy(desk)
    made = made_for_bluesky(desk, file)
    post = desk.post(words=Words("Look", media_ids=[file.id]))
    desk.schedule(post)
    operations.change(
        desk.session, desk.publisher, post, words=Words("Look here", media_ids=[file.id]), specs=SPECS, now=NOW
    )
    assert sent(desk, post)["bluesky"]["sha256"] == made.sha256
    light = make.make_media(desk.session, desk.session.get_one(m.Staff, desk.publisher.staff_id))
    operations.change(
        desk.session, desk.publisher, post, words=Words("Look", media_ids=[light.id]), specs=SPECS, now=NOW
    )
    assert {f["sha256"] for f in sent(desk, post).values()} == {light.sha256}
    assert {ref.sha256 for c in contents_of(post) for p in c.parts for ref in p.media} == {light.sha256}
