"""Before any program does anything: is this the installation that last ran with this database?
What follows from the answer stands in guichet.instance; here are only the edges: the
database that may not answer yet, and the note outside of it."""

from __future__ import annotations

import time
from collections.abc import Callable

from sqlalchemy.exc import SQLAlchemyError

from cli.output import Failed
from guichet import instance
from guichet.clock import utc_now
from guichet.config import Settings
from guichet.db.engine import open_engine
from guichet.policy import SYSTEM
from guichet.unit import open_unit

_AGAIN_AFTER = 2.0  # seconds
_SAY_AFTER = 15  # tries


def recognise(settings: Settings, say: Callable[[str], None]) -> None:
    """Know this installation again, or stop everything until a person confirms it. A database
    that is away is waited for: nothing may begin before."""
    tries = 0
    while True:
        try:
            _recognise(settings, say)
            return
        except SQLAlchemyError as e:
            if tries % _SAY_AFTER == 0:
                say(f"the database cannot be asked yet ({type(e).__name__}); waiting")
            tries += 1
            time.sleep(_AGAIN_AFTER)


def _recognise(settings: Settings, say: Callable[[str], None]) -> None:
    files = settings.data_dir / "media"
    engine = open_engine(settings.database_url, pool_size=1)
    try:
        with open_unit(engine) as unit:
            noted = instance.recognise(unit.session, SYSTEM, instance.read_note(files), settings.public_url, utc_now())
            is_waiting = instance.awaits_confirmation(unit.session)
        instance.write_note(files, noted)
    except OSError as e:
        raise Failed(f"{files} cannot be written: {e.strerror}") from None
    finally:
        engine.dispose()
    if is_waiting:
        say("This instance was restored or copied: it sends and reads nothing until `guichet instance confirm`.")
