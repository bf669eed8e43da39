"""Real mails, spoilt in the ways that wires, programs and attackers spoil them; each from a seed.

    python -m tests.channels.mutations --count 10000 --seed 1

reads so many with 256 MB more than it has after it began, and says what the slowest took.
"""

from __future__ import annotations

import argparse
import random
import resource
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from channels.contract import Inbound, RawItem
from channels.email.parsing import delivery_key, parse
from channels.errors import Malformed
from guichet.inbox.words import clean, clean_data
from guichet.receiving.sanitise import sanitise

OWN = "help@company.example"
MEMORY = 256 * 2**20
LARGEST = 400_000  # bytes of a mail that is spoilt; what is larger is long, not strange
_NASTY = (
    b"\x00", b"\r", b"\n\n", b"\r\n \r\n ", b"\xff\xfe" * 40, b"=?utf-8?b?", b"=?x-unknown?q?=C3?=", b"--",
    b"\r\n--\r\n", b"Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n",
    b"Content-Transfer-Encoding: base64\r\n", b"Content-Type: text/html; charset=utf-7\r\n",
    b"Content-Type: message/rfc822\r\n\r\n", b"(" * 200, b"<" * 300, b"From: a@b, " * 50,
    b"filename*0*=utf-8''%00%ff;", b"begin 644 a.exe\r\n", b"winmail.dat", "é\u202e😀".encode() * 9,
    b"Date: Thu, 99 Foo 99999 99:99:99 +9999\r\n", b"References: " + b"<x@y> " * 60,
)  # fmt: skip


def mutants(mails: Sequence[bytes], count: int, seed: int) -> Iterator[bytes]:
    """`count` spoilt mails, the same ones for the same seed."""
    dice = random.Random(seed)
    usable = [mail for mail in mails if len(mail) <= LARGEST]
    for _ in range(count):
        mail = bytearray(dice.choice(usable))
        for _ in range(dice.choice((1, 1, 2, 4, 8))):
            _spoil(mail, dice, usable)
        yield bytes(mail[: 2 * LARGEST])


def _spoil(mail: bytearray, dice: random.Random, others: Sequence[bytes]) -> None:
    at = dice.randrange(len(mail) + 1)
    until = min(len(mail), at + dice.choice((1, 3, 40, 400, 4000)))
    kind = dice.randrange(7)
    if kind == 0:
        mail[at:until] = dice.randbytes(until - at)
    elif kind == 1:
        del mail[at:until]
    elif kind == 2:
        mail[at:at] = mail[at:until] * dice.choice((1, 2, 30))
    elif kind == 3:
        mail[at:at] = dice.choice(_NASTY)
    elif kind == 4:
        other = dice.choice(others)
        begin = dice.randrange(len(other) + 1)
        mail[at:until] = other[begin : begin + 2000]
    elif kind == 5:
        del mail[at:]
    else:
        mail[at:until] = bytes(byte ^ 0x80 for byte in mail[at:until])


def read(raw: bytes) -> list[Inbound]:
    """As a worker reads it, up to what would be stored. Raises what a worker does not expect."""
    try:
        found = parse(RawItem("INBOX", delivery_key(raw), raw), OWN)
    except Malformed:
        return []  # tried again, then a dead letter with its original
    for inbound in found:
        sanitise(inbound.html)
        clean(inbound.text).encode()
        clean_data({name: value for name, value in asdict(inbound).items() if name in ("context", "raw")})
        assert clean(inbound.remote_id, 600), "nothing tells it from others"
    return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.channels.mutations", description="reads spoilt mails")
    parser.add_argument("folders", type=Path, nargs="+")
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    mails = [f.read_bytes() for folder in asked.folders for f in sorted(folder.rglob("*")) if f.is_file()]
    read(mails[0])  # whatever is imported late
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    slowest, said, faults = 0.0, 0, Counter[str]()
    for mail in mutants(mails, asked.count, asked.seed):
        began = time.process_time()
        try:
            said += len(read(mail))
        except Exception as e:
            faults[f"{type(e).__name__} at {traceback.extract_tb(e.__traceback__)[-1]}"] += 1
        slowest = max(slowest, time.process_time() - began)
    print(f"{asked.count} spoilt mails of {len(mails)}: {said} said something, the slowest took {slowest:.2f} s")
    print(*(f"{n} times {what}" for what, n in faults.most_common()), sep="\n")
    return 0 if slowest <= 2.0 and not faults else 1


if __name__ == "__main__":
    sys.exit(main())
