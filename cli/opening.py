"""What a command works with: the runtime, and an actor who is the machine's operator.

Whoever can run `guichet` on the server can read its keys, so the command line acts as
the system; the audit log says so.
"""

from __future__ import annotations

from cli.environment import settings_or_exit, use_own_folder_if_there
from cli.output import Failed
from guichet.db.migrate import is_current
from guichet.runtime import Runtime, open_runtime


def runtime_or_exit() -> Runtime:
    """The runtime, with a schema that this program knows. Raises Failed."""
    use_own_folder_if_there()
    runtime = open_runtime(settings_or_exit(), pool_size=2)
    if not is_current(runtime.engine):
        raise Failed("the database's schema is not this program's: run `guichet migrate` first")
    return runtime
