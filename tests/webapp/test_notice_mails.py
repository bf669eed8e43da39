"""Choosing notices by mail, and the link that switches them off."""

from __future__ import annotations

from guichet import models as m
from guichet.letters.links import signature_of
from tests import factories as make
from tests.webapp.site import HOST, Site

CLICK = {"List-Unsubscribe": "One-Click"}


def off_link(site: Site, **staff: object) -> tuple[m.Staff, str]:
    with site.rows() as session:
        ada = make.make_staff(session, **staff)
        wish = make.make_letter_wish(session, ada, choices={"mentioned": "daily"})
        return (
            ada,
            f"/notice-mails/{ada.id}/{signature_of(site.runtime.settings.secret_keys[0][1], ada.id, wish.nonce)}",
        )


def choices_of(site: Site, ada: m.Staff) -> dict[str, str]:
    with site.rows() as session:
        return dict(session.get_one(m.LetterWish, ada.id).choices)


def test_the_link_shows_and_only_a_post_switches_off(both: Site) -> None:
    ada, address = off_link(both, locale="fr")
    client = both.app.test_client()
    for _ in range(2):  # scanners open it, too
        page = client.get(address, headers={"Host": HOST})
        assert page.status_code == 200
    assert "Désactiver" in page.get_data(as_text=True)
    assert client.head(address, headers={"Host": HOST}).status_code == 200
    assert choices_of(both, ada) == {"mentioned": "daily"}
    for _ in range(2):  # a mail program's: no cookie, no form of ours (RFC 8058)
        done = client.post(address, data=CLICK, headers={"Host": HOST})
        assert done.status_code == 200
    assert "<form" not in done.get_data(as_text=True)
    assert choices_of(both, ada) == {}


def test_a_link_that_is_not_ours_leads_nowhere(site: Site) -> None:
    ada, address = off_link(site)
    other, _ = off_link(site)
    client = site.app.test_client()
    forged = address[:-1] + ("0" if address[-1] != "0" else "1")
    crossed = f"/notice-mails/{other.id}/{address.rsplit('/', 1)[1]}"
    for wrong in (forged, crossed, "/notice-mails/0/é"):
        assert client.post(wrong, data=CLICK, headers={"Host": HOST}).status_code == 404
    assert client.get(f"/notice-mails/{'9' * 30}/{'a' * 40}", headers={"Host": HOST}).status_code == 404
    with site.rows() as session:
        session.get_one(m.Staff, ada.id).disabled_at = make.NOW
    assert client.get(address, headers={"Host": HOST}).status_code == 404
    assert choices_of(site, ada) == choices_of(site, other) == {"mentioned": "daily"}


def test_each_chooses_for_themselves(both: Site) -> None:
    with both.rows() as session:
        people = make.make_staff(session), make.make_staff(session)
    ada, jonas = (both.browser(one) for one in people)
    before = ada.get("/me/notice-mails").json
    assert (set(before["choices"].values()), before["ready"], before["last"]) == ({"off"}, False, None)
    wanted = {"choices": {"mentioned": "soon", "due": "daily"}, "daily_at": "17:30"}
    after = ada.ask("PUT", "/me/notice-mails", json=wanted).json
    assert (after["choices"]["due"], after["choices"]["asked"], after["daily_at"]) == ("daily", "off", "17:30")
    assert jonas.get("/me/notice-mails").json["choices"] == before["choices"]
    for wrong in ({"choices": {"x": "off"}}, {"choices": {"due": "x"}}, {"choices": {}, "daily_at": "24:00"}):
        assert ada.ask("PUT", "/me/notice-mails", json=wrong).status_code == 422
    with both.rows() as session:
        make.make_letter(session, people[0], state="failed", said="the mail server is away", done_at=make.NOW)
    last = ada.get("/me/notice-mails").json["last"]
    assert (last["state"], last["said"]) == ("failed", "the mail server is away")
    assert jonas.get("/me/notice-mails").json["last"] is None
