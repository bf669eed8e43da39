"""What is documented is what is read, and what is wrong is said in one clear line."""

from __future__ import annotations

import base64
import re

import pytest

from guichet.config import SETTINGS, BadSettings, read_settings
from tests.architecture.source import ROOT, name_of, python_files

KEYS = "k1:" + base64.b64encode(bytes(32)).decode()


def test_the_page_on_settings_names_every_setting_with_its_meaning() -> None:
    page = (ROOT / "docs" / "settings.md").read_text()
    documented = dict(re.findall(r"^\| `(GUICHET_\w+)` \| (.+?) \|$", page, re.M))
    assert documented == SETTINGS


def test_no_other_variable_is_read() -> None:
    named: dict[str, str] = {}
    for path in python_files("guichet", "webapp", "workers", "channels", "cli"):
        for name in re.findall(r"[\"'](GUICHET_[A-Z_]+)[\"']", path.read_text()):
            named[name] = name_of(path)
    assert {n: where for n, where in named.items() if n not in SETTINGS} == {}


def test_every_listed_setting_is_read() -> None:
    source = (ROOT / "guichet" / "config.py").read_text()
    app_keys = {n for n in SETTINGS if re.search(r"_(CLIENT_ID|CLIENT_SECRET|API_KEY|API_SECRET)$", n)}
    assert [n for n in SETTINGS if n not in app_keys and source.count(f'"{n}"') < 2] == []


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("GUICHET_PORT", "eighty", "GUICHET_PORT must be a whole number"),
        ("GUICHET_PORT", "70000", "GUICHET_PORT must be a whole number"),
        ("GUICHET_DATABASE_URL", "mysql://x", "GUICHET_DATABASE_URL must start with"),
        ("GUICHET_SECRET_KEYS", "k1:c2hvcnQ=", "GUICHET_SECRET_KEYS: entry 1"),
        ("GUICHET_SECRET_KEYS", "", "GUICHET_SECRET_KEYS is missing"),
        ("GUICHET_LOG_LEVEL", "LOUD", "GUICHET_LOG_LEVEL must look like"),
        ("GUICHET_CA_BUNDLE", "/nowhere/ca.pem", "GUICHET_CA_BUNDLE names a file"),
        ("GUICHET_STREAMS", "64", "GUICHET_THREADS must be larger"),
        ("GUICHET_BIND", "999.1.1.1", "GUICHET_BIND must be an address"),
        ("GUICHET_ALLOW_ADDRESSES", "10.1.0.0/16, localhost", "GUICHET_ALLOW_ADDRESSES: entry 2"),
        ("GUICHET_ALLOW_ADDRESSES", "10.0.0.0/99", "GUICHET_ALLOW_ADDRESSES: entry 1"),
        ("GUICHET_ALLOW_ADDRESSES", "127.0.0.1", "GUICHET_ALLOW_ADDRESSES: entry 1"),
        ("GUICHET_SECRET_KEYS", f"{KEYS},{KEYS}", "GUICHET_SECRET_KEYS: entry 2"),
        ("GUICHET_PROT", "8100", "GUICHET_PROT is not a setting"),
    ],
)
def test_a_wrong_setting_is_named(name: str, value: str, says: str) -> None:
    with pytest.raises(BadSettings) as caught:
        read_settings({"GUICHET_SECRET_KEYS": KEYS, name: value})
    assert any(says in line for line in caught.value.problems)
    assert len(caught.value.problems) == 1


def test_addresses_are_taken_as_they_are_meant() -> None:
    allowed = "10.1.0.0/16, 127.0.0.1:2583, [::1]:8025, 192.0.2.1:*"
    settings = read_settings({"GUICHET_SECRET_KEYS": KEYS, "GUICHET_ALLOW_ADDRESSES": allowed, "GUICHET_BIND": "::"})
    assert settings.allow_addresses == ("10.1.0.0/16", "127.0.0.1:2583", "[::1]:8025", "192.0.2.1:*")
    assert settings.bind == "::"


def test_secrets_stand_in_no_representation() -> None:
    settings = read_settings(
        {
            "GUICHET_SECRET_KEYS": KEYS,
            "GUICHET_X_API_SECRET": "canary-api",
            "GUICHET_DATABASE_URL": "postgresql://u:canary-db@h/d",
        }
    )
    assert "canary" not in repr(settings)
    assert KEYS[3:] not in repr(settings)
