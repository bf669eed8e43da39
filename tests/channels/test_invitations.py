"""What a mail's calendar part says: of the library's own examples, of usual ones, of hostile ones."""

from __future__ import annotations

from email.message import EmailMessage
from typing import Any

import pytest

from channels.contract import RawItem, RemoteMedia
from channels.email import invitations
from channels.email.parsing import parse
from tests.channels.real_data import ROOT

SAMPLES = sorted((ROOT / "icalendar").rglob("*.ics"))
PARIS = """BEGIN:VTIMEZONE\nTZID:Europe/Paris\nBEGIN:STANDARD\nDTSTART:19701025T030000\nTZOFFSETFROM:+0200
TZOFFSETTO:+0100\nEND:STANDARD\nEND:VTIMEZONE\n"""


def read(event: str, method: str = "REQUEST", before: str = "") -> dict[str, Any] | None:
    head = f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\nMETHOD:{method}\n{before}"
    text = f"{head}BEGIN:VEVENT\nUID:1\n{event}\nEND:VEVENT\nEND:VCALENDAR\n"
    return invitations.invitation([RemoteMedia("text/calendar", data=text.replace("\n", "\r\n").encode())])


def found(event: str, **how: str) -> dict[str, Any]:
    said = read(event, **how)
    assert said is not None
    return said


def test_it_says_what_when_where_and_who() -> None:
    said = found(
        "SUMMARY:Claim\\, in person\nLOCATION:Gate 12\nDTSTART;TZID=Europe/Paris:20260710T090000\n"
        "DTEND;TZID=Europe/Paris:20260710T100000\nORGANIZER;CN=Ines Roy:mailto:ines@there.example\n"
        "ATTENDEE;CN=David;PARTSTAT=ACCEPTED:mailto:david@here.example\nATTENDEE:MAILTO:guest@there.example",
        before=PARIS,
    )
    assert (said["summary"], said["location"], said["method"]) == ("Claim, in person", "Gate 12", "REQUEST")
    assert (said["starts"], said["ends"]) == ("2026-07-10T09:00:00+02:00", "2026-07-10T10:00:00+02:00")
    assert (said["zone"], said["whole_days"], said["cancelled"], said["repeats"]) == (
        "Europe/Paris", False, False, False
    )  # fmt: skip
    assert said["organiser"] == {"name": "Ines Roy", "address": "ines@there.example", "answer": ""}
    assert said["people"] == [
        {"name": "David", "address": "david@here.example", "answer": "accepted"},
        {"name": "", "address": "guest@there.example", "answer": ""},
    ]


def test_whole_days_end_on_their_last_day_and_a_floating_time_has_no_offset() -> None:
    days = found("DTSTART;VALUE=DATE:20260710\nDTEND;VALUE=DATE:20260713")
    assert (days["whole_days"], days["starts"], days["ends"]) == (True, "2026-07-10", "2026-07-12")
    day = found("DTSTART;VALUE=DATE:20260710\nDTEND;VALUE=DATE:20260711")
    assert (day["starts"], day["ends"]) == ("2026-07-10", "")
    floating = found("DTSTART:20260710T090000\nDURATION:PT45M\nRRULE:FREQ=WEEKLY")
    assert (floating["starts"], floating["ends"], floating["zone"]) == (
        "2026-07-10T09:00:00", "2026-07-10T09:45:00", ""
    )  # fmt: skip
    assert floating["repeats"]


def test_what_is_called_off_says_so() -> None:
    assert found("DTSTART:20260710T090000Z", method="CANCEL")["cancelled"]
    assert found("DTSTART:20260710T090000Z\nSTATUS:CANCELLED")["cancelled"]


@pytest.mark.parametrize(
    "event",
    [
        "DTSTART:20260710T090000Z\nDTEND:20260710T080000Z",  # before it begins
        "DTSTART;VALUE=DATE:20260710\nDTEND:20260710T080000Z",  # one of each
        "DTSTART:20260710T090000Z",
    ],
)
def test_an_end_that_cannot_be_is_left_out(event: str) -> None:
    assert found(event)["ends"] == ""


@pytest.mark.parametrize(
    "event",
    ["SUMMARY:No", "DTSTART:now", "DTSTART:99999999T999999Z", "BEGIN:VEVENT\n" * 3000, "DTSTART:" + "2" * 190_000],
    ids=["no start", "words", "no such day", "nested", "long"],
)  # fmt: skip
def test_what_cannot_be_read_says_nothing_and_raises_nothing(event: str) -> None:
    assert read(event) is None


def test_it_is_bounded_and_holds_nothing_that_could_not_be_stored() -> None:
    many = "\n".join(f"ATTENDEE;CN=N{n}:mailto:n{n}@x.example" for n in range(500))
    said = found(f"DTSTART:20260710T090000Z\nSUMMARY:{'é' * 5000}\x07\nORGANIZER:javascript:alert(1)\n{many}")
    assert len(said["summary"]) == 300
    assert (len(said["people"]), said["more_people"]) == (30, 470)
    assert said["organiser"] == {"name": "", "address": "", "answer": ""}
    too_big = RemoteMedia("text/calendar", data=b"x" * (invitations.MOST_BYTES + 1))
    assert invitations.invitation([too_big]) is None


def test_a_mail_brings_it_beside_its_words_and_keeps_the_file() -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"], mail["Message-ID"] = (
        "a@x.example",
        "us@y.example",
        "Meet",
        "<m@x.example>",
    )
    mail.set_content("Shall we meet?")
    mail.add_attachment(
        b"BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:1\r\nSUMMARY:Meet\r\nDTSTART:20260710T090000Z\r\n"
        b"END:VEVENT\r\nEND:VCALENDAR\r\n",
        maintype="text", subtype="calendar", filename="invite.ics",
    )  # fmt: skip
    (inbound,) = parse(RawItem("INBOX", "k", mail.as_bytes(), {}), "us@y.example")
    assert inbound.text.strip() == "Shall we meet?"
    assert inbound.context["invitation"]["starts"] == "2026-07-10T09:00:00+00:00"
    assert [one.filename for one in inbound.media] == ["invite.ics"]


@pytest.mark.skipif(not SAMPLES, reason="the examples are not here")
def test_the_examples_of_the_library_are_read_or_left() -> None:
    read_ = 0
    for sample in SAMPLES:
        said = invitations.invitation([RemoteMedia("text/calendar", data=sample.read_bytes())])
        read_ += said is not None
    assert read_ >= len(SAMPLES) // 5
