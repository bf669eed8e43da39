"""Spoilt mails crash nothing, take no time and no memory, and each is known by something."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from tests.architecture.source import ROOT
from tests.channels.mutations import mutants, read
from tests.channels.real_data import real_data

SECONDS = 2.0  # of this process, whatever else the machine does
FOLDERS = ("email", "email-replies")


def test_a_spoilt_mail_is_read_or_refused_within_two_seconds() -> None:
    mails = [f.read_bytes() for folder in FOLDERS for f in sorted(real_data(folder).rglob("*")) if f.is_file()]
    said = 0
    for mail in mutants(mails, 60, seed=7):
        began = time.process_time()
        said += len(read(mail))
        assert time.process_time() - began < SECONDS
    assert said > 50, "nearly all of them still say something"


@pytest.mark.proof
@pytest.mark.timeout(900)
def test_ten_thousand_spoilt_mails_within_two_seconds_and_256_megabytes_each() -> None:
    command = [sys.executable, "-m", "tests.channels.mutations", *(str(real_data(folder)) for folder in FOLDERS)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    print(done.stdout)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
