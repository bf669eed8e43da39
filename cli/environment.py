"""Where the command line gets its settings from: the environment, and for a checkout
that is started with `guichet run` a folder of its own with keys made on first use."""

from __future__ import annotations

import base64
import os
import secrets
from pathlib import Path

from cli.output import WronglyAsked
from guichet.config import BadSettings, Settings, read_settings

REHEARSAL_PORT = 8700


def settings_or_exit() -> Settings:
    """Settings from the environment. Raises WronglyAsked with a line for each fault."""
    try:
        return read_settings(os.environ)
    except BadSettings as e:
        raise WronglyAsked("\nguichet: ".join(e.problems), problems=e.problems) from None


def prepare_own_folder(*, with_rehearsal: bool) -> None:
    """Fill in what `guichet run` needs and the environment does not say: the data folder
    and a key file in it that only its owner may read."""
    folder = Path(os.environ.setdefault("GUICHET_DATA_DIR", "var")).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["GUICHET_DATA_DIR"] = str(folder)
    if not os.environ.get("GUICHET_SECRET_KEYS"):
        os.environ["GUICHET_SECRET_KEYS"] = _keys_in(folder / "secret-keys")
    if with_rehearsal:
        os.environ.setdefault("GUICHET_REHEARSAL_PORT", str(REHEARSAL_PORT))


def use_own_folder_if_there() -> None:
    """For the other commands in a checkout: act on what `guichet run` set up."""
    folder = Path(os.environ.get("GUICHET_DATA_DIR", "var")).absolute()
    if not os.environ.get("GUICHET_SECRET_KEYS") and (folder / "secret-keys").exists():
        os.environ["GUICHET_DATA_DIR"] = str(folder)
        os.environ["GUICHET_SECRET_KEYS"] = _keys_in(folder / "secret-keys")
        if (folder / "rehearsal").exists():
            os.environ.setdefault("GUICHET_REHEARSAL_PORT", str(REHEARSAL_PORT))


def _keys_in(path: Path) -> str:
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        keys = f"k1:{base64.b64encode(secrets.token_bytes(32)).decode()}"
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as f:
            f.write(keys + "\n")
        return keys
