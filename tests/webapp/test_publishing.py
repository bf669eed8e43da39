"""Posts and the brake through the API: what is written is read back, what cannot be is said."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from PIL import Image

from guichet import models as m
from tests import factories as make
from tests.publishing.films import a_film
from tests.webapp.site import Browser, Site


@pytest.fixture
def publisher(site: Site) -> Browser:
    with site.rows() as session:
        account = make.make_account(session, settings={})
        person = make.make_staff(session, "administrator")
        make.make_grant(session, person, account, "publisher")
    return site.browser(person)


def account_of(browser: Browser) -> dict[str, object]:
    found: dict[str, object] = browser.get("/accounts").get_json()["items"][0]
    return found


def test_a_thread_with_files_and_a_first_comment_is_read_back_as_it_was_written(site: Site, publisher: Browser) -> None:
    account = account_of(publisher)
    with site.rows() as session:
        owner = make.make_staff(session, "owner")
        file = make.make_media(session, owner)
    items = [{"text": "two", "media_ids": [file.id]}, {"text": "three", "media_ids": []}]
    written = {"text": "one", "media_ids": [], "items": items, "first_comment": "the link"}
    variants = [{"account_id": account["id"], "first_comment": "another link"}]
    made = publisher.post("/posts", {"brand_id": account["brand"]["id"], **written, "variants": variants})
    assert made.status_code == 201
    read = publisher.get(f"/posts/{made.get_json()['id']}").get_json()
    assert {name: read[name] for name in written} == written
    assert [m["id"] for m in read["media"]] == [file.id]
    own = read["variants"][0]
    assert (own["first_comment"], own["items"], own["text"]) == ("another link", None, None)
    changed = publisher.patch(f"/posts/{read['id']}", {"version": read["version"], "first_comment": ""}).get_json()
    assert (changed["first_comment"], changed["items"]) == ("", items)


def test_before_it_is_saved_each_part_is_counted_and_the_hour_that_comes_twice_is_told(publisher: Browser) -> None:
    account = account_of(publisher)
    asked = {
        "text": "four", "items": [{"text": "x" * 501}], "variants": [{"account_id": account["id"]}],
        "wall_time": "2026-10-25T02:30", "time_zone": "Europe/Paris", "fold": "second",
    }  # fmt: skip
    told = publisher.post("/posts/preflight", asked).get_json()
    assert told["accounts"][0]["counts"] == [4, 501]
    assert [(p["item"], p["name"]) for p in told["accounts"][0]["problems"]] == [(1, "text_too_long")]
    assert set(told["readings"]) == {"first", "second"}
    assert told["due_at"] == told["readings"]["second"]


def test_a_long_text_is_divided_for_the_accounts_that_it_is_for(publisher: Browser) -> None:
    account = account_of(publisher)
    most = account["text"]["public"]["max_length"]
    text = "The ash keeps us on the ground. " * (2 * most // 32)
    asked = {"text": text, "account_ids": [account["id"]], "numbered": True}
    items = publisher.post("/posts/split", asked).get_json()["items"]
    assert [item.rpartition(" ")[2] for item in items] == [f"({n}/{len(items)})" for n in range(1, len(items) + 1)]
    assert len(items) > 1
    assert all(len(item) <= most for item in items)


def test_a_text_that_no_thread_holds_is_refused_with_its_size(publisher: Browser) -> None:
    asked = {"text": "word " * 5_900, "account_ids": [account_of(publisher)["id"]]}
    refused = publisher.post("/posts/split", asked)
    assert refused.status_code == 422
    (said,) = refused.get_json()["errors"]
    assert "at most 51 are allowed" in said["message"]


def test_a_document_is_only_ever_handed_out_as_a_download(publisher: Browser) -> None:
    sent = {"file": (io.BytesIO(b"name;age\nZoe;7\n"), "people.csv")}
    kept = publisher.ask("POST", "/media", data=sent).get_json()
    assert (kept["mime"], kept["name"]) == ("text/csv", "people.csv")
    file = publisher.get(f"/media/{kept['id']}/file")
    assert file.data == b"name;age\nZoe;7\n"
    assert file.mimetype == "application/octet-stream"
    assert file.headers["Content-Disposition"] == 'attachment; filename="people.csv"'
    assert file.headers["X-Content-Type-Options"] == "nosniff"


def test_a_library_is_read_on_page_by_page_and_what_is_deleted_is_gone_with_its_bytes(publisher: Browser) -> None:
    brand = publisher.get("/brands").get_json()["items"][0]
    names = ["one.txt", "two.txt", "three.txt"]
    for name in names:
        sent = {"file": (io.BytesIO(name.encode()), name), "brand_id": str(brand["id"])}
        assert publisher.ask("POST", "/media", data=sent).status_code == 201
    read = publisher.get(f"/media?brand_id={brand['id']}&limit=2").get_json()
    last = publisher.get(f"/media?brand_id={brand['id']}&limit=2&cursor={read['next_cursor']}").get_json()
    assert [f["name"] for page in (read, last) for f in page["items"]] == names[::-1]
    assert last["next_cursor"] is None
    file = last["items"][0]
    assert (file["brand"]["id"], file["posts"], file["may"]) == (brand["id"], 0, ["describe", "share", "delete"])
    changed = publisher.patch(f"/media/{file['id']}", {"alt": "A list", "brand_id": 0}).get_json()
    assert (changed["alt"], changed["brand"]) == ("A list", None)
    assert publisher.get(f"/media/{file['id']}/uses").get_json() == {"posts": [], "more": 0, "answers": 0}
    assert publisher.ask("DELETE", f"/media/{file['id']}").status_code == 200
    assert publisher.get(f"/media/{file['id']}/file").status_code == 404


def test_a_picture_that_an_account_would_refuse_is_made_for_it_when_it_is_uploaded(
    site: Site, publisher: Browser
) -> None:
    account, data = account_of(publisher), io.BytesIO()
    with site.rows() as session:
        session.get_one(m.Account, account["id"]).settings = {"limits": {"image_bytes": 150_000}}
    Image.effect_noise((900, 700), 60).save(data, "PNG")
    sent = {"file": (io.BytesIO(data.getvalue()), "noise.png"), "brand_id": str(account["brand"]["id"])}
    file = publisher.ask("POST", "/media", data=sent).get_json()
    said = {"text": "Look", "media_ids": [file["id"]], "variants": [{"account_id": account["id"]}]}
    (checked,) = publisher.post("/posts/preflight", said).get_json()["accounts"]
    (made,) = checked["renditions"]
    assert (checked["problems"], made["mime"], made["was_size"]) == ([], "image/jpeg", file["size"])
    assert made["size"] <= 150_000 < file["size"]
    shown = publisher.get(made["url"].removeprefix("/api/v1"))
    assert (shown.mimetype, len(shown.data)) == ("image/jpeg", made["size"])
    small = publisher.get(f"/media/{file['id']}/file?small=true")
    assert (small.mimetype, len(small.data) < 60_000) == ("image/webp", True)
    again = publisher.post(f"/media/{file['id']}/renditions", {"account_ids": [account["id"]]}).get_json()
    assert [r["url"] for r in again["items"]] == [made["url"]]
    assert publisher.get(f"/media/{file['id']}/file?rendition=999").status_code == 404
    stored = {p for p in site.runtime.store.root.rglob("*") if p.is_file()}
    assert publisher.ask("DELETE", f"/media/{file['id']}").status_code == 200
    assert len(stored) - len({p for p in site.runtime.store.root.rglob("*") if p.is_file()}) == 3


def test_a_post_shows_a_part_of_a_picture_once_that_is_cut_out(publisher: Browser) -> None:
    account, data = account_of(publisher), io.BytesIO()
    Image.new("RGB", (200, 100), "teal").save(data, "PNG")
    sent = {"file": (io.BytesIO(data.getvalue()), "sea.png"), "brand_id": str(account["brand"]["id"])}
    file = publisher.ask("POST", "/media", data=sent).get_json()
    frame = {"turn": 90, "top": 50, "height": 100, "focus": {"x": 0.25, "y": -1}}
    said = {
        "text": "Look", "media_ids": [file["id"]], "variants": [{"account_id": account["id"]}],
        "framing": [{"media_id": file["id"], **frame}],
    }  # fmt: skip
    (checked,) = publisher.post("/posts/preflight", said).get_json()["accounts"]
    assert [(p["name"], p["data"]["can_fit"]) for p in checked["problems"]] == [("picture_not_cut", True)]
    made = publisher.post(
        f"/media/{file['id']}/renditions", {"account_ids": [account["id"]], "frame": frame}
    ).get_json()
    (checked,) = publisher.post("/posts/preflight", said).get_json()["accounts"]
    assert (checked["problems"], [r["because"] for r in checked["renditions"]]) == ([], ["cut"])
    saved = publisher.post("/posts", {"brand_id": account["brand"]["id"], **said}).get_json()
    whole = {"media_id": file["id"], "left": 0, "width": 100, **frame, "url": made["cut"]["url"]}
    assert saved["framing"] == [whole]
    with Image.open(io.BytesIO(publisher.get(made["cut"]["url"].removeprefix("/api/v1")).data)) as image:
        assert image.size == (100, 100)
    outside = {**said, "framing": [{"media_id": file["id"], "left": 150, "width": 100}]}
    (wrong,) = publisher.post("/posts/preflight", outside).get_json()["errors"]
    assert wrong["field"] == "framing"
    kept = publisher.post(f"/media/{file['id']}/cut", {"turn": 90})
    assert (kept.status_code, kept.get_json()["width"], kept.get_json()["brand"]) == (201, 100, account["brand"])
    assert publisher.get(f"/media/{file['id']}").get_json()["sha256"] == file["sha256"]


def test_a_film_is_kept_with_what_it_is_and_a_picture_of_it(site: Site, publisher: Browser) -> None:
    account = account_of(publisher)
    sent = {"file": (io.BytesIO(a_film("mov", title="the fourth floor")), "train.mov"), "alt": "A train leaves"}
    file = publisher.ask("POST", "/media", data=sent).get_json()
    assert (file["mime"], file["name"], file["film"]["seconds"]) == ("video/mp4", "train.mp4", 1.0)
    poster, small = (publisher.get(f"/media/{file['id']}/file?{which}=true") for which in ("poster", "small"))
    assert (poster.mimetype, small.mimetype) == ("image/jpeg", "image/webp")
    assert publisher.get(file["url"].removeprefix("/api/v1")).mimetype == "video/mp4"
    with site.rows() as session:
        session.get_one(m.Account, account["id"]).settings = {"limits": {"video_rate": 5}}
    said = {"text": "Look", "media_ids": [file["id"]], "variants": [{"account_id": account["id"]}]}
    (checked,) = publisher.post("/posts/preflight", said).get_json()["accounts"]
    assert [(p["name"], p["data"]["can_fit"]) for p in checked["problems"]] == [("film_rate_too_high", True)]


def test_a_film_is_made_for_a_network_in_the_background_and_can_be_called_off(site: Site, publisher: Browser) -> None:
    account = account_of(publisher)
    with site.rows() as session:
        session.get_one(m.Account, account["id"]).settings = {"limits": {"video_rate": 5}}
        person = session.get_one(m.Staff, publisher.get("/me").get_json()["id"])
        facts = {"seconds": 12.0, "video": "h264", "audio": "aac", "rate": 10.0, "pixels": "yuv420p"}
        more = {"mime": "video/mp4", "size": 900_000, "width": 640, "height": 360, "film": facts}
        file = make.make_media(session, person, filename="train.mp4", brand_id=account["brand"]["id"], **more)
    (asked,) = publisher.post(f"/media/{file.id}/renditions", {"account_ids": [account["id"]]}).get_json()["items"]
    assert (asked["making"]["state"], asked["making"]["part"], asked["film"]["rate"]) == ("waiting", 0, 5)
    soon = {"text": "Look", "media_ids": [file.id], "variants": [{"account_id": account["id"]}]}
    (checked,) = publisher.post("/posts/preflight", soon).get_json()["accounts"]
    assert (checked["problems"], checked["warnings"]) == ([], ["film_not_ready"])
    (one,) = checked["renditions"]
    assert (one["making"]["seconds_left"], one["was_film"]["rate"], one["film"]["rate"]) == (60, 10, 5)
    later = {**soon, "wall_time": f"{make.NOW + timedelta(days=1):%Y-%m-%dT%H:%M}"}
    assert publisher.post("/posts/preflight", later).get_json()["accounts"][0]["warnings"] == []
    assert publisher.get(one["url"].removeprefix("/api/v1")).status_code == 404
    where = f"/media/{file.id}/renditions/{one['id']}"
    (gone,) = publisher.post(f"{where}/cancel", {}).get_json()["items"]
    assert gone["making"]["state"] == "cancelled"
    (checked,) = publisher.post("/posts/preflight", soon).get_json()["accounts"]
    assert [p["name"] for p in checked["problems"]] == ["film_rate_too_high"]
    assert publisher.post(f"{where}/cancel", {}).status_code == 409
    (again,) = publisher.post(f"{where}/retry", {}).get_json()["items"]
    assert again["making"]["state"] == "waiting"


def test_what_a_brake_holds_is_listed_by_its_scope_and_dropped_as_one_group(site: Site, publisher: Browser) -> None:
    account = account_of(publisher)
    assert publisher.get("/brake/stopped").status_code == 409
    assert publisher.get("/brake/stopped?scope=account").status_code == 422
    ordered = {"on": True, "scope": "account", "scope_id": account["id"]}
    assert publisher.post("/brake", ordered).get_json()["on"]
    listed = publisher.get(f"/brake/stopped?scope=account&scope_id={account['id']}")
    assert listed.get_json() == {"held": [], "groups": [], "in_flight": []}
    with site.rows() as session:
        held = [
            m.Delivery(
                kind="post", state="held", account_id=account["id"], payload={"text": "late"}, payload_hash="",
                due_at=make.NOW - timedelta(minutes=n), not_before=make.NOW, created_at=make.NOW, updated_at=make.NOW,
            )
            for n in (1, 2)
        ]  # fmt: skip
        session.add_all(held)
    [group] = publisher.get(f"/brake/stopped?scope=account&scope_id={account['id']}").get_json()["groups"]
    assert (group["count"], group["account"]["id"]) == (2, account["id"])
    choice = {"account_id": account["id"], "since": group["first_due_at"], "until": group["last_due_at"]}
    lifted = publisher.post("/brake", {**ordered, "on": False, "groups": [{**choice, "choice": "drop"}]})
    assert (lifted.status_code, lifted.get_json()["held"]) == (200, 0)


def test_what_an_account_can_do_afterwards_is_its_networks_own_fact(publisher: Browser) -> None:
    account = account_of(publisher)
    assert (account["network"], account["can_edit"], account["can_delete"]) == ("mastodon", True, True)
    assert account["recovery"] == "readable"
    networks = {n["name"]: n for n in publisher.get("/networks").get_json()["items"]}
    assert {n: (w["can_edit"], w["can_delete"]) for n, w in networks.items() if n in ("x", "bluesky", "email")} == {
        "x": (False, True),
        "bluesky": (False, True),
        "email": (False, False),
    }


def test_a_post_shows_the_accounts_that_one_sees_and_counts_the_others(site: Site, publisher: Browser) -> None:
    seen = account_of(publisher)
    with site.rows() as session:
        brand = session.get_one(m.Brand, seen["brand"]["id"])
        hidden = make.make_account(session, brand, settings={})
        file = make.make_media(session, make.make_staff(session, "owner"), alt="seen by few")
        onlooker = make.make_staff(session)
        make.make_grant(session, onlooker, session.get_one(m.Account, seen["id"]), "viewer")
    variants = [{"account_id": seen["id"]}, {"account_id": hidden.id, "text": "zanzibarite", "media_ids": [file.id]}]
    made = publisher.post("/posts", {"brand_id": brand.id, "text": "for all", "variants": variants}).get_json()
    assert (len(made["variants"]), made["more_accounts"]) == (2, 0)
    answer = site.browser(onlooker).get(f"/posts/{made['id']}")
    told = answer.get_json()
    assert ([v["account_id"] for v in told["variants"]], told["more_accounts"]) == ([seen["id"]], 1)
    assert "zanzibarite" not in answer.text
    assert "seen by few" not in answer.text
