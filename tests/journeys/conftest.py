"""One running demonstration for the journeys of a module, and Chromium to look at it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from cli.demo.browser import Browser as Office
from tests.journeys.office import Poster, poster, sign_in
from tests.journeys.stack import Stack, running
from tests.journeys.windows import CHIEF, FLAGS


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder: Path = tmp_path_factory.mktemp("stack")
    with running(folder, "--demo", "--no-customers") as stack:
        yield stack


@pytest.fixture(scope="module")
def office(stack: Stack) -> Office:
    """The API in an administrator's right; signed in once, for sign-ins are throttled."""
    return sign_in(stack, CHIEF)


@pytest.fixture(scope="module")
def post(office: Office) -> Poster:
    return poster(office)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("no Chromium: make test-all installs it")
        pytest.skip("no Chromium here: make test-all installs it")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A window in which nothing may go wrong unnoticed: a script error or a refusal by the
    content security policy fails the test."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda m: wrong.append(m.text) if "Content Security Policy" in m.text else None)
    yield page
    context.close()
    assert wrong == []


@pytest.fixture
def second_page(chromium: Browser) -> Iterator[Page]:
    """A colleague's window."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
    yield context.new_page()
    context.close()
