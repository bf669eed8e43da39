"""The desk that the tests of the inbox start from."""

from __future__ import annotations

from datetime import datetime

import pytest
from sqlalchemy.orm import Session

from tests.inbox.desk import Desk
from tests.inbox.scene import Scene, make_scene


@pytest.fixture
def scene(session: Session, now: datetime) -> Scene:
    return make_scene(session, now)


@pytest.fixture
def desk(scene: Scene) -> Desk:
    return Desk(scene)
