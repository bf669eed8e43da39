"""The page for reviewers from outside: what they see, what they may, and where their link shows."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import pytest
from structlog.testing import capture_logs
from werkzeug.test import Client, TestResponse

from guichet import models as m
from guichet.policy import SYSTEM
from guichet.publishing import policies
from guichet.publishing.policies import Policy
from guichet.publishing.steps import Step
from tests import factories as make
from tests.webapp.site import HOST, Browser, Site

WHEN = {"wall_time": "2026-03-11T09:00", "time_zone": "Europe/Paris"}


@dataclass
class Visit:
    """A brand that asks somebody from outside, its author, and a guest's browser."""

    site: Site
    author: Browser
    account: m.Account
    guest: Client = field(init=False)

    def __post_init__(self) -> None:
        self.guest = self.site.app.test_client()

    def submit(self, text: str = "Come & <see>") -> int:
        given = {"brand_id": self.account.brand_id, "text": text, "variants": [{"account_id": self.account.id}]}
        post = self.author.post("/posts", given).get_json()
        self.author.post(f"/posts/{post['id']}/submit", WHEN)
        return int(post["id"])

    def link(self, *posts: int, **more: object) -> str:
        made = self.author.post("/review-links", {"post_ids": list(posts), "name": "Maître Roy", **more})
        assert made.status_code == 201, made.get_data(as_text=True)
        return str(made.get_json()["url"]).removeprefix(f"http://{HOST}")

    def ask(self, path: str, method: str = "GET", **more: object) -> TestResponse:
        return self.guest.open(path, method=method, headers={"Host": HOST}, **more)

    def open(self, address: str) -> str:
        entered = self.ask(address)
        assert entered.status_code == 303
        self.page = entered.headers["Location"]
        return self.ask(self.page).get_data(as_text=True)

    def send(self, choice: str, text: str = "", place: int = 0, **more: str) -> TestResponse:
        """What the form of the page at `place` sends."""
        form = self.ask(self.page).get_data(as_text=True).split("<form")[place + 1]
        hidden = dict(re.findall(r'name="(csrf_token|post_id|hashes)" type="hidden" value="([^"]*)"', form))
        return self.ask(self.page, "POST", data={**hidden, "choice": choice, "text": text, **more})

    def post(self, id_: int) -> dict[str, object]:
        return self.author.get(f"/posts/{id_}").get_json()


@pytest.fixture
def visit(site: Site) -> Visit:
    with site.rows() as session:
        brand = make.make_brand(session, needs_approval=True)
        account = make.make_account(session, brand)
        author = make.make_staff(session)
        make.make_grant(session, author, account, "publisher")
        policies.set_policy(session, SYSTEM, brand, Policy((Step("Client", external=True),)), {}, site.clock.now)
    return Visit(site, site.browser(author), account)


def test_a_guest_sees_what_will_be_sent_and_agrees_to_just_that(visit: Visit) -> None:
    id_ = visit.submit()
    page = visit.open(visit.link(id_))
    assert "Come &amp; &lt;see&gt;" in page
    assert "Maître Roy" in page
    assert "Post 1/1" in page
    assert "9:00\u202fAM (Paris)" in page
    assert visit.send("approve", "fine").status_code == 303
    assert "You agreed to this." in visit.ask(visit.page).get_data(as_text=True)
    assert visit.post(id_)["state"] == "scheduled"
    (review,) = visit.author.get(f"/posts/{id_}/approval").get_json()["reviews"]
    assert [(v["guest"], v["choice"], v["reason"]) for v in review["votes"]] == [("Maître Roy", "approve", "fine")]
    acts = visit.author.get(f"/posts/{id_}/history").get_json()["items"]
    assert ("post.approve", "Maître Roy", "fine") in [(a["action"], a["guest"], a["text"]) for a in acts]


def test_what_changed_while_a_guest_read_is_not_what_they_agreed_to(visit: Visit) -> None:
    id_ = visit.submit()
    visit.open(visit.link(id_))
    form = visit.ask(visit.page).get_data(as_text=True)
    old = re.search(r'name="hashes" type="hidden" value="([^"]*)"', form)
    version = visit.post(id_)["version"]
    assert visit.author.patch(f"/posts/{id_}", {"version": version, "text": "Something else"}).status_code == 200
    assert old is not None
    refused = visit.send("approve", "my comment", hashes=old[1])
    assert refused.status_code == 409
    assert "my comment" in refused.get_data(as_text=True)
    assert visit.post(id_)["state"] == "awaiting_approval"


def test_a_batch_is_decided_post_by_post_and_no_other_post_is_reached(visit: Visit) -> None:
    first, second, other = visit.submit("one"), visit.submit("two"), visit.submit("three")
    page = visit.open(visit.link(first, second))
    assert "three" not in page
    assert visit.send("reject", "not so", place=1).status_code == 303
    assert (visit.post(first)["state"], visit.post(second)["state"]) == ("awaiting_approval", "draft")
    assert visit.post(second)["rejected_reason"] == "not so"
    assert visit.ask(visit.page).get_data(as_text=True).count("You sent this back.") == 1
    assert visit.send("approve", post_id=str(other)).status_code == 409
    assert visit.send("reject").status_code == 409  # without a word why
    assert visit.send("comment", "a word").status_code == 303
    (said,) = visit.author.get(f"/posts/{first}/comments").get_json()["items"]
    assert (said["guest"], said["text"]) == ("Maître Roy", "a word")


def test_a_link_that_is_over_revoked_or_guessed_leads_nowhere(visit: Visit) -> None:
    id_ = visit.submit()
    over, address = visit.link(id_, hours=1), visit.link(id_)
    assert visit.ask(address[:-1] + "x").status_code == 404
    visit.open(address)
    assert visit.ask(visit.page.replace("2", "1")).status_code == 404  # the cookie is of the other link
    (newest, _oldest) = visit.author.get(f"/posts/{id_}/review-links").get_json()["items"]
    assert "url" not in newest
    visit.author.delete(f"/review-links/{newest['id']}")
    assert visit.ask(visit.page).status_code == 404
    assert visit.ask(address).status_code == 404
    visit.site.clock.turn(hours=2)
    assert visit.ask(over).status_code == 404


def test_a_forged_form_and_a_stranger_without_the_cookie_change_nothing(visit: Visit) -> None:
    id_ = visit.submit()
    visit.open(visit.link(id_))
    assert visit.send("approve", csrf_token="forged").status_code == 400
    assert visit.site.app.test_client().get(visit.page, headers={"Host": HOST}).status_code == 404
    assert visit.post(id_)["state"] == "awaiting_approval"


def test_the_secret_is_in_no_log_no_page_and_no_other_answer(visit: Visit, capfd: pytest.CaptureFixture[str]) -> None:
    id_ = visit.submit()
    with capture_logs() as logs:
        address = visit.link(id_)
        secret = address.rsplit("/", 1)[1].split(".")[0]
        page = visit.open(address)
        visit.ask(address[:-1] + "x")
        answers = page + visit.author.get(f"/posts/{id_}/review-links").get_data(as_text=True)
    out = capfd.readouterr()
    assert secret not in f"{logs}{out.out}{out.err}{answers}"
    entered = visit.ask(address)
    assert "HttpOnly" in entered.headers["Set-Cookie"]
    assert f"Path={visit.page}" in entered.headers["Set-Cookie"]
    assert entered.headers["Referrer-Policy"] == "no-referrer"


def test_the_page_speaks_the_guests_language_and_wears_its_own(visit: Visit) -> None:
    page = visit.open(visit.link(visit.submit(), language="fr"))
    assert '<html lang="fr">' in page
    assert "Valider tel quel" in page
    assert "Approve as it stands" in visit.ask(f"{visit.page}?lang=en").get_data(as_text=True)
