"""The drills on the bench."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

from channels import registry
from channels.contract import Connection
from channels.rehearsal.drills import MANNERS, DrillNetwork
from tests.channels.rig import Entry, Rig, connection_from

_UNHEARD = "a drill only publishes"
_HEARING = (
    "a_customer_is_heard_exactly_once", "a_message_is_understood", "an_answer_to_our_post_lands_under_it",
    "a_direct_message_is_heard_as_direct", "an_answer_reaches_its_author_where_the_question_was",
    "our_own_answer_is_not_heard_as_a_customer", "secrets_show_in_no_repr_and_no_debug_log",
)  # fmt: skip
_LOOKING = (
    "what_was_published_without_an_answer_is_found", "what_was_not_published_is_absent",
    "neither_a_known_nor_a_foreign_message_is_ever_bound", "two_texts_of_ours_in_doubt_are_told_apart",
    "what_stands_there_is_listed_since_a_moment",
)  # fmt: skip

PUBLISHES = {"one": r"POST /posts$", "container": r"POST /publish$", "draft": r"POST /posts/\d+$"}


class DrillRig(Rig):
    """One profile, with manners that differ from its own by `how`. It lags and lies only
    where a test asks for it."""

    def __init__(self, name: str, **how: Any) -> None:
        self.spec = registry.get_spec(name)
        self.manners = replace(MANNERS[name], **{"processing_seconds": 0.0, "lag": 0.0, "lies": (), **how})
        self.publishes = PUBLISHES[self.manners.steps]
        unlooked = {} if self.manners.is_readable else dict.fromkeys(_LOOKING, "nothing can be read")
        self.not_for = {**dict.fromkeys(_HEARING, _UNHEARD), **unlooked}
        super().__init__()

    network: DrillNetwork
    handle: ClassVar = "acme"

    def make_network(self) -> DrillNetwork:
        network = DrillNetwork(self.manners)
        network.seed_company(self.handle, "Acme")
        return network

    def connect(self) -> Connection:
        form = {**self.spec.rehearsal_fields(self.server.url), "handle": self.handle}
        return connection_from(self.spec, self.spec.connector(self.app, self.wire).sign_in(form), self.app)

    def say_publicly(self, text: str, in_reply_to: str = "") -> str:
        return str(self.network.say(self.customer, text, in_reply_to=in_reply_to)["id"])

    def addressees(self, entry: Entry) -> set[str]:
        return set()
