"""Webhooks that were refused are counted, and it is told from them when our own keys are wrong."""

from __future__ import annotations

from datetime import timedelta

from guichet import models as m
from guichet.policy import SYSTEM
from guichet.receiving import refusals
from tests import factories as make
from tests.inbox.scene import Scene


def test_a_weeks_refusals_are_summed_and_old_ones_forgotten(scene: Scene) -> None:
    id_ = scene.account.id
    refusals.count(scene.session, SYSTEM, {(id_, "forged"): 2}, scene.now - refusals.SHOWN_FOR)
    refusals.count(scene.session, SYSTEM, {(id_, "forged"): 3, (0, "nobody"): 9}, scene.now - timedelta(days=1))
    refusals.count(scene.session, SYSTEM, {(id_, "forged"): 4, (id_, "misdirected"): 1}, scene.now)
    found = refusals.list_refused(scene.session, scene.actor(), scene.account, scene.now)
    assert [(one.kind, one.n, one.last_at) for one in found] == [
        ("forged", 7, scene.now),
        ("misdirected", 1, scene.now),
    ]
    assert [one.n for one in refusals.list_refused_at_no_account(scene.session, SYSTEM, scene.now)] == [9]
    refusals.forget_old(scene.session, SYSTEM, scene.now + refusals.KEPT_FOR)
    assert {row.day for row in scene.session.query(m.RefusedDelivery)} == {scene.now.date().isoformat()}


def test_an_account_whose_every_delivery_is_forged_is_deaf(scene: Scene) -> None:
    hears, deaf = scene.account, make.make_account(scene.session)
    refusals.count(scene.session, SYSTEM, {(hears.id, "forged"): 1, (deaf.id, "forged"): 1}, scene.now)
    item = m.RawItem(
        account_id=hears.id, stream="webhook", delivery_key="k", headers={}, body=b"{}", received_at=scene.now
    )  # fmt: skip
    scene.session.add(item)
    scene.session.flush()
    assert [account.id for account in refusals.list_deaf(scene.session, SYSTEM, scene.now)] == [deaf.id]
    assert refusals.list_deaf(scene.session, SYSTEM, scene.now + timedelta(days=2)) == []
