"""Sentences keep what fills them in, through rows too."""

from __future__ import annotations

import copy
from datetime import UTC, datetime

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from channels.sentences import Sentence, say
from guichet.delivery.states import State as DeliveryState
from guichet.inbox.states import State as ConversationState
from guichet.models import Account
from guichet.wording import in_words
from tests import factories

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
FRENCH = {"{what} was refused: {words}": "{words} ({what} refusé)", "the mail": "le courriel"}


def french(template: str) -> str:
    return FRENCH.get(template, template)


def test_a_sentence_is_its_english() -> None:
    sentence = say("at most {most} for {name}", most=10_000, name="Zoë {most}")
    assert sentence == "at most 10000 for Zoë {most}"
    assert (sentence.template, dict(sentence.values)) == (
        "at most {most} for {name}",
        {"most": 10_000, "name": "Zoë {most}"},
    )


def test_it_is_said_in_another_language_with_what_fills_it_in() -> None:
    sentence = say("{what} was refused: {words}", what=say("the mail"), words="550 {no}")
    assert sentence.to(french) == "550 {no} (le courriel refusé)"
    assert say("{n} pages", n=1204).to(french, lambda n: f"{n:,}") == "1,204 pages"


def test_values_of_others_are_cut() -> None:
    assert len(say("{words}", words="x" * 5000)) == 600


def test_a_copy_is_the_same_sentence() -> None:
    sentence = copy.deepcopy(say("{n} pages", n=2))
    assert isinstance(sentence, Sentence)
    assert sentence.template == "{n} pages"


@pytest.mark.parametrize(
    "kept",
    [
        say("{what} was refused: {words}", what=say("the mail"), words="550 no"),
        "what the network wrote itself",
        '{"say": "{x.__class__}", "with": {"x": 1}}',
        "",
    ],
)
def test_a_reason_comes_back_from_its_row_as_it_was_said(session: Session, kept: str) -> None:
    account = factories.make_account(session, factories.make_brand(session))
    account.state_reason = kept
    session.flush()
    session.expire(account)
    assert account.state_reason == kept
    assert session.scalar(select(Account.id).where(Account.state_reason == kept)) == account.id
    if isinstance(kept, Sentence):
        assert isinstance(account.state_reason, Sentence)
        assert account.state_reason.to(french) == "550 no (le courriel refusé)"


def test_what_cannot_be_read_as_a_sentence_is_shown_as_it_stands(session: Session) -> None:
    account = factories.make_account(session, factories.make_brand(session))
    session.flush()
    broken = '{"say": "{missing}", "with": {"words": "x"}}'
    session.execute(text("UPDATE account SET state_reason = :r"), {"r": broken})
    session.expire(account)
    assert account.state_reason == broken


def test_every_state_has_words() -> None:
    assert [s for s in (*DeliveryState, *ConversationState) if not isinstance(in_words(s), Sentence)] == []
