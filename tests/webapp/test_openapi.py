"""The document says what the routes do, and what they do stays within it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests import databases
from tests.webapp.site import HOST, open_site
from tests.webapp.world import build
from webapp import openapi

if TYPE_CHECKING:
    from schemathesis import Case
    from schemathesis.schemas import APIOperation


def test_the_file_that_the_pages_are_typed_from_is_current() -> None:
    assert openapi.FILE.read_text(encoding="utf-8") == openapi.as_text(), "run: python -m webapp.openapi"


def test_every_operation_has_a_name_of_its_own_and_says_what_it_does() -> None:
    operations = [o for path in openapi.document()["paths"].values() for o in path.values()]
    names = [o["operationId"] for o in operations]
    assert len(set(names)) == len(names) > 100
    assert [o["operationId"] for o in operations if not o.get("summary")] == []
    for operation in operations:
        assert list(operation["responses"]["default"]["content"]) == ["application/problem+json"]


@pytest.mark.timeout(240)
def test_hostile_and_well_formed_requests_get_documented_answers(tmp_path: Path) -> None:
    """A few generated requests for every operation, by an owner: no 500, no answer beside
    the document. Nothing that signs the caller out, and no endless stream."""
    import schemathesis  # takes seconds, which every process would pay that collects tests

    with databases.sqlite_engine() as engine:
        site = open_site(engine, tmp_path)
        with site.rows() as session:
            owner = build(session).owner
        headers = {"Host": HOST}
        browser = site.browser(owner)
        headers |= {"Cookie": f"guichet={browser.secret}", "X-CSRF-Token": browser.get("/me").json["csrf_token"]}
        schema = schemathesis.openapi.from_dict(site.app.api_doc)
        schema.app = site.app
        left_out = {"sign_out", "stream_events", "change_my_password", "disable_staff", "add_staff", "change_staff"}
        asked = 0
        for found in schema.get_all_operations():
            operation = found.ok()
            if operation.definition.raw["operationId"] in left_out:
                continue
            asked += 1
            _try(operation, headers)
        assert asked > 100


def _try(operation: APIOperation, headers: dict[str, str]) -> None:
    from schemathesis import GenerationMode
    from schemathesis.checks import content_type_conformance, not_a_server_error, response_schema_conformance

    checks = (not_a_server_error, content_type_conformance, response_schema_conformance)
    for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):

        @settings(
            max_examples=3, deadline=None, database=None, phases=[Phase.generate], derandomize=True,
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(case=operation.as_strategy(generation_mode=mode))
        def attempt(case: Case) -> None:
            case.call_and_validate(headers=headers, checks=checks)

        attempt()
