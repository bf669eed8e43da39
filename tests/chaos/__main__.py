"""`make chaos`: runs the campaign and prints its table."""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
from types import FrameType

from tests.chaos import campaign
from tests.chaos.campaign import Campaign, Report


def main() -> int:
    signal.signal(signal.SIGTERM, _stop)
    asked = _arguments()
    if len(asked.seed) * len(asked.database) > 1:  # each in a process of its own: a clock is set for good
        return max(_alone(asked, seed, database) for database in asked.database for seed in asked.seed)
    chosen = (campaign.small if asked.slice else campaign.full)(asked.seed[0], asked.database[0])
    if asked.share != 1:
        chosen = chosen.part(asked.share)
    report = campaign.run(chosen)
    print(table(report), flush=True)
    return 0 if report.is_clean() else 1


def _stop(number: int, frame: FrameType | None) -> None:
    """Asked to stop, a campaign ends what it started."""
    sys.exit(128 + number)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, nargs="+", default=[1], help="one run for each")
    parser.add_argument(
        "--database", nargs="+", default=["postgresql"], choices=["postgresql", "sqlite"], help="one run on each"
    )
    parser.add_argument("--slice", action="store_true", help="the small one, as in every build")
    parser.add_argument("--share", type=float, default=1.0, help="only so much of it: 0.5 is half")
    return parser.parse_args()


def _alone(asked: argparse.Namespace, seed: int, database: str) -> int:
    command = [sys.executable, "-m", "tests.chaos", "--seed", str(seed), "--database", database]
    command += ["--slice"] * asked.slice + ["--share", str(asked.share)]
    return subprocess.run(command).returncode


def table(report: Report) -> str:
    """What was done, what came of it, and the verdict."""
    one: Campaign = report.campaign
    lines = [
        "",
        f"seed {one.seed}, {one.database}, {one.scene[0]} at {one.scene[1]}: {sum(report.kinds.values())} publications"
        f" in {report.seconds:.0f} s",
        *_counts("wanted", report.kinds),
        *_counts("done to them", report.done),
        *_counts("hostile answers", report.struck),
        *_counts("published, by network", report.published),
        *_counts("deliveries", report.states),
        *_counts("people asked", {f"{name}: {code}": n for (name, code), n in report.asked.items()}),
        f"  {'requests repeated':<28}{report.repeats:>6}",
    ]
    for name, found in vars(report.verdict).items():
        lines.append(f"  {name:<28}{len(found):>6}")
        lines += [f"      {line}" for line in found[:8]]
    lines += [f"  refused to a person: {line}" for line in report.refused[:5]]
    lines.append("  CLEAN" if report.is_clean() else f"  FAULTS FOUND; logs in {report.folder}")
    return "\n".join(lines)


def _counts(title: str, counts: dict[str, int]) -> list[str]:
    return [f"  {title}:", *(f"    {name:<26}{n:>6}" for name, n in sorted(counts.items()))]


if __name__ == "__main__":
    sys.exit(main())
