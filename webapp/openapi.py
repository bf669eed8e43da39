"""Writes the OpenAPI document from which the pages' typed client is made:
`python -m webapp.openapi [path]`. A test compares the file with what the routes say."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from channels.networks import open_networks
from guichet.config import Settings
from guichet.runtime import open_runtime
from webapp import create_app

FILE = Path(__file__).parent / "ui" / "openapi.json"


def document() -> dict[str, Any]:
    """The document of an installation reached by https. Connects to nothing."""
    nowhere = Settings(
        database_url="sqlite://",
        redis_url="redis://127.0.0.1:1",
        secret_keys=(("none", bytes(32)),),
        public_url="https://guichet.invalid",
        data_dir=Path(tempfile.gettempdir()) / "guichet-openapi",
    )
    found: dict[str, Any] = create_app(open_runtime(nowhere), open_networks()).api_doc
    return found


def as_text() -> str:
    """The document as it stands in the file."""
    return json.dumps(document(), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else FILE
    target.write_text(as_text(), encoding="utf-8")
