"""Starts the programs, restarts what dies, stops everything in order.

One parent imports what the programs share and forks them, so that they share its
memory. Each child leads a session of its own (Ctrl-C reaches only the parent, which
stops them in order) and is told to end when the parent is gone. What a program prints
goes to a log file of its own; what matters is said in one line.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

_GRACE = 15.0  # seconds between asking a program to stop and killing it
_PR_SET_PDEATHSIG = 1


@dataclass
class Program:
    """`main` runs in the child and should not return while all is well. `needs_ready`
    is polled before later programs start."""

    name: str
    main: Callable[[], None]
    is_ready: Callable[[], bool] | None = None
    pid: int = 0
    restarts: int = 0
    started_at: float = 0.0
    start_again_at: float = 0.0


@dataclass
class Supervisor:
    programs: list[Program]
    log_dir: Path
    say: Callable[[str], None] = print
    on_ready: Callable[[], None] = lambda: None
    _stopping: bool = field(default=False, init=False)

    def run(self) -> int:
        """Start all, watch until told to stop; returns the exit status."""
        self.log_dir.mkdir(parents=True, exist_ok=True)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._ask_to_stop)
        try:
            ready = all(self._start_and_wait(p) for p in self.programs)
            if ready and not self._stopping:
                self.on_ready()
            while ready and not self._stopping:
                self._reap()
                self._restart_due()
                time.sleep(0.2)
            return 0 if ready or self._stopping else 1
        finally:
            self._stop_all()

    def _ask_to_stop(self, number: int, frame: object) -> None:
        self._stopping = True

    # -- starting

    def _start_and_wait(self, program: Program, seconds: float = 60.0) -> bool:
        self._start(program)
        until = time.monotonic() + seconds
        while program.is_ready and not self._stopping:
            if program.is_ready():
                return True
            self._reap()
            self._restart_due()
            if time.monotonic() > until or program.restarts > 3:
                self.say(f"{program.name} did not become ready; see {self.log_dir / program.name}.log")
                return False
            time.sleep(0.05)
        return not self._stopping

    def _start(self, program: Program) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        parent = os.getpid()
        program.pid = os.fork()
        program.started_at = time.monotonic()
        program.start_again_at = 0.0
        if program.pid == 0:
            _become(program, self.log_dir / f"{program.name}.log", parent)

    # -- watching

    def _reap(self) -> None:
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            program = next((p for p in self.programs if p.pid == pid), None)
            if program is None:
                continue
            program.pid = 0
            if self._stopping:
                continue
            if time.monotonic() - program.started_at > 60:
                program.restarts = 0
            delay = min(10.0, 0.2 * 2**program.restarts)
            program.restarts += 1
            program.start_again_at = time.monotonic() + delay
            self.say(f"{program.name} ended ({_how(status)}); starting it again in {delay:.1f} s")

    def _restart_due(self) -> None:
        for program in self.programs:
            if program.start_again_at and time.monotonic() >= program.start_again_at and not self._stopping:
                self._start(program)

    # -- stopping

    def _stop_all(self) -> None:
        """Last started, first stopped: what others stand on goes last."""
        self._stopping = True
        for program in reversed(self.programs):
            if program.pid:
                _signal(program.pid, signal.SIGTERM)
                self._await_end(program)

    def _await_end(self, program: Program) -> None:
        until = time.monotonic() + _GRACE
        while program.pid and time.monotonic() < until:
            self._reap()
            time.sleep(0.02)
        if program.pid:
            self.say(f"{program.name} did not stop in {_GRACE:.0f} s; killing it")
            _signal(program.pid, signal.SIGKILL, group=True)
            while program.pid:
                self._reap()
                time.sleep(0.02)


def _become(program: Program, log: Path, parent: int) -> None:
    """In the child: a session, a log and an end of its own. Never returns."""
    status = 1
    try:
        os.setsid()
        _end_with_parent(parent)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(out, 1)
        os.dup2(out, 2)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        program.main()
        status = 0
    except SystemExit as e:
        status = e.code if isinstance(e.code, int) else 1
    except KeyboardInterrupt:
        status = 0
    except BaseException:
        import traceback

        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _end_with_parent(parent: int) -> None:
    """Linux: be killed when the parent dies, also when it was killed itself."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)


def _signal(pid: int, number: signal.Signals, group: bool = False) -> None:
    with contextlib.suppress(ProcessLookupError):
        (os.killpg if group else os.kill)(pid, number)


def _how(status: int) -> str:
    if os.WIFSIGNALED(status):
        return f"signal {signal.Signals(os.WTERMSIG(status)).name}"
    return f"status {os.WEXITSTATUS(status)}"
