"""Asking each network whom it knows by a handle, and naming somebody there: the right bytes, the right
person, or nobody."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from channels.contract import Draft, Finder
from channels.email import SPEC as MAIL
from channels.errors import ChannelError
from channels.mastodon import SPEC as MASTODON
from channels.rehearsal.base import Fault
from channels.rehearsal.bluesky.rules import did_for
from channels.x import SPEC as X
from tests.channels.bluesky_rig import BlueskyRig
from tests.channels.mastodon_rig import MastodonRig
from tests.channels.rig import Rig
from tests.channels.test_bluesky import sent_record
from tests.channels.x_rig import XRig

RIGS: dict[str, type[Rig]] = {"x": XRig, "mastodon": MastodonRig, "bluesky": BlueskyRig}
NOBODY = {"x": "nobody_here", "mastodon": "nobody@mastodon.rehearsal", "bluesky": "nobody.test"}


@pytest.fixture(params=sorted(RIGS))
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    with RIGS[request.param]() as rig:
        yield rig


@pytest.fixture
def bluesky() -> Iterator[BlueskyRig]:
    with BlueskyRig() as rig:
        yield rig


def test_whoever_is_there_is_found_and_nobody_else(rig: Rig) -> None:
    rig.say_publicly("Bonjour")
    [customer] = [p for p in rig.network.people() if p["kind"] == "customer"]
    called = str(customer.get("handle") or customer["username"])
    if rig.spec.name == "mastodon" and "@" not in called:
        called += "@mastodon.rehearsal"
    publisher = rig.publisher(rig.connect())
    assert isinstance(publisher, Finder)
    whom = publisher.find(called)
    assert whom in (customer.get("id"), customer.get("did"))
    assert publisher.find(called.upper() if rig.spec.name != "bluesky" else called) == whom
    assert publisher.find(NOBODY[rig.spec.name]) is None
    assert publisher.find(called[:-1] + "q") is None


def test_a_network_that_does_not_say_is_never_taken_for_a_no(rig: Rig) -> None:
    connection = rig.connect()
    publisher = rig.publisher(connection)
    assert isinstance(publisher, Finder)
    for effect in ("status_before", "garbage_after", "reset_before"):
        rig.network.plant(Fault(effect, match="GET .*", status=503))
        with pytest.raises(ChannelError):
            publisher.find(NOBODY[rig.spec.name])
    if rig.spec.name == "bluesky":
        return  # everybody may ask there who has a name
    lost = rig.publisher(rig.dead(connection))
    assert isinstance(lost, Finder)
    with pytest.raises(ChannelError):
        lost.find(NOBODY[rig.spec.name])


def test_a_handle_is_found_again_in_a_text_as_the_network_finds_it(rig: Rig) -> None:
    how = rig.spec.mentions
    assert how is not None
    example = how.example
    assert how.handle(f"@{example}") == example
    text = f"👩‍👩‍👧🇵🇹 Olá @{example}, café"
    [found] = how.found_in(text)
    assert (text[found.start : found.end], found.handle) == (f"@{example}", example)
    assert MAIL.mentions is None


def test_what_x_and_mastodon_link_is_told_as_they_tell_it() -> None:
    x, mastodon = X.mentions, MASTODON.mentions
    assert x is not None
    assert mastodon is not None
    for text, handles in (
        ("@a @B_1 (@c) 「@d」 日@e", ["a", "B_1", "c", "d", "e"]), ("me@a.b @a@b @é @ab/é .@c", ["ab", "c"]),
        ("@" + "a" * 25, ["a" * 20]), ("@a:// @a", ["a"]), ("@abcé", []), ("https://x.com/@a", []),
    ):  # fmt: skip
        assert [m.handle for m in x.found_in(text)] == handles, text
    for text, handles in (
        ("@a @b@c.example. (@d.e)", ["a", "b@c.example", "d.e"]), ("me@a.example =@b /@c é@d", []),
        ("@a@b.example's @é", ["a@b.example"]),
    ):  # fmt: skip
        assert [m.handle for m in mastodon.found_in(text)] == handles, text


# ---------------------------------------------------------------- Bluesky's facets


def test_a_named_partner_is_linked_by_the_right_bytes_behind_emoji(bluesky: BlueskyRig) -> None:
    bluesky.network.say("ines", "je suis là")
    text = "👩‍👩‍👧🇵🇹 é漢 @ines.test, @ines.test!"
    draft = Draft(text, options={"mentions": {"ines.test": did_for("ines.test")}})
    receipt = bluesky.begin(bluesky.connect(), draft).send()
    [entry] = bluesky.published()
    assert entry["extra"]["marked"] == ["@ines.test", "@ines.test"]
    assert "unlinked" not in receipt.context
    record = sent_record(bluesky, receipt)
    starts = [f["index"]["byteStart"] for f in record["facets"]]
    assert starts == [len(text[:at].encode()) for at in (text.index("@"), text.rindex("@"))]
    assert {f["features"][0]["did"] for f in record["facets"]} == {did_for("ines.test")}


def test_a_handle_that_went_to_somebody_else_or_nobody_links_nobody_and_that_is_said(bluesky: BlueskyRig) -> None:
    bluesky.network.say("ines", "je suis là")
    text = "With @ines.test and @gone.test"
    draft = Draft(text, options={"mentions": {"ines.test": "did:plc:another", "gone.test": "did:plc:gone"}})
    attempt = bluesky.begin(bluesky.connect(), draft)
    receipt = attempt.send()
    [entry] = bluesky.published()
    assert (entry["text"], entry["extra"]["marked"]) == (text, [])
    assert receipt.context["unlinked"] == ["ines.test", "gone.test"]
