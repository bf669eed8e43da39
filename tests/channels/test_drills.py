"""Classes of networks: each keeps the contract, and behaves as its manners say."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import timedelta

import pytest

from channels import registry
from channels.contract import Recovery
from channels.errors import OutcomeUnknown, Rejected
from channels.networks import Networks
from channels.rehearsal.drills import MANNERS, Manners
from channels.wire import Wire
from tests.channels.contract_rows import ContractRows
from tests.channels.drill_rig import DrillRig
from tests.channels.rig import Attempt


class TestDrillsKeepTheContract(ContractRows):
    @pytest.fixture(params=registry.DRILLS)
    def rig(self, request: pytest.FixtureRequest) -> Iterator[DrillRig]:
        with DrillRig(request.param) as rig:
            yield rig


def looked_for(rig: DrillRig, attempt: Attempt):
    assert rig.spec.reconciler is not None
    reconciler = rig.spec.reconciler(rig.connect(), rig.wire)
    return reconciler.look(attempt.draft, attempt.prepared, attempt.key, attempt.started_at, frozenset())


def test_what_the_laggard_published_is_seen_after_its_lag_and_not_before() -> None:
    with DrillRig("drill-laggard", lag=0.4) as rig:
        attempt = rig.begin(rig.connect(), rig.draft("seen late"))
        receipt = attempt.send()
        assert looked_for(rig, attempt).absent
        rig.network.store.put("post", receipt.remote_id, {**rig.network.post(receipt.remote_id), "visible_at": 0})
        assert looked_for(rig, attempt).found.remote_id == receipt.remote_id
    assert timedelta(seconds=MANNERS["drill-laggard"].lag) < rig.spec.read_lag


def test_the_liars_refusals_are_doubts_and_looking_tells_them_apart() -> None:
    with DrillRig("drill-liar", lies=("duplicate", "error", "")) as rig:
        connection = rig.connect()
        codes, found = [], []
        for text in ("refused for nothing", "refused though out"):
            attempt = rig.begin(connection, rig.draft(text))
            with pytest.raises(OutcomeUnknown) as caught:
                attempt.send()
            codes.append(caught.value.code)
            found.append(looked_for(rig, attempt).found is not None)
        assert (codes, found) == (["duplicate", "said_no"], [False, True])
        rig.begin(connection, rig.draft("the truth for once")).send()
        assert [e["text"] for e in rig.published()] == ["refused though out", "the truth for once"]


def test_nothing_of_the_blind_can_be_read() -> None:
    assert registry.get_spec("drill-blind").recovery is Recovery.BLIND
    with DrillRig("drill-blind") as rig:
        assert rig.spec.reconciler is None
        token = rig.network.open_session("acme", "rehearsal")
        client = rig.network.app.test_client()
        assert client.get("/posts", headers={"Authorization": f"Bearer {token}"}).status_code == 405


@pytest.mark.parametrize("name", registry.DRILLS)
def test_a_drill_is_offered_only_where_it_is_rehearsed(name: str) -> None:
    assert name not in Networks(Wire()).offered()
    assert name in Networks(Wire(), rehearsal={name: "http://127.0.0.1:1"}).offered()
    for is_rehearsal in (False, True):
        with pytest.raises(Rejected):
            Networks(Wire()).connector(name, is_rehearsal)


@pytest.mark.parametrize("name", registry.DRILLS)
def test_the_password_and_the_token_of_a_drill_show_nowhere(name: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with DrillRig(name) as rig:
        connection = rig.connect()
        attempt = rig.begin(connection, rig.draft("nothing to hide"))
        attempt.send()
        shown = [repr(connection), repr(attempt.publisher), repr(rig.app), *(str(r.args) for r in caplog.records)]
    assert [line for line in shown if connection.secrets["token"] in line] == []


def test_manners_that_nobody_has_are_refused() -> None:
    for wrong in ({"steps": "three"}, {"lies": ("half",)}):
        with pytest.raises(ValueError):
            Manners("drill", **wrong)
