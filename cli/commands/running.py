"""Starting: the whole, one program, the schema."""

from __future__ import annotations

import os
import time
import urllib.error
import urllib.request
from functools import partial
from pathlib import Path

import click

from cli.environment import prepare_own_folder, settings_or_exit, use_own_folder_if_there
from cli.output import Failed, Output, WronglyAsked
from cli.ports import taken
from cli.programs import PROGRAMS, preload
from cli.recognising import recognise
from guichet.config import Settings, embedded_socket


@click.command()
@click.option("--demo", "with_demo", is_flag=True, help="With rehearsal networks, a company and customers.")
@click.option("--customers/--no-customers", default=True, help="In the demo: whether they keep writing.")
@click.pass_obj
def run(output: Output, with_demo: bool, customers: bool) -> None:
    """Start everything and watch over it until Ctrl-C."""
    from cli import valkey
    from cli.supervisor import Program, Supervisor

    began = time.monotonic()
    prepare_own_folder(with_rehearsal=with_demo)
    settings = settings_or_exit()
    if wrong := taken(settings):
        raise Failed("; ".join(wrong[:3]))
    _migrate(settings)
    recognise(settings, click.echo)
    preload()
    programs: list[Program] = []
    if settings.redis_url == f"unix://{embedded_socket(settings.data_dir)}":
        programs.append(
            Program("valkey", partial(valkey.serve, settings.data_dir), partial(valkey.is_ready, settings.data_dir))
        )
    if settings.rehearsal_port:
        ready = partial(_answers, settings.rehearsal_url("control") + "/healthz")
        programs.append(Program("rehearsal", partial(PROGRAMS["rehearsal"], settings), ready))
    web_ready = partial(_answers, f"http://127.0.0.1:{settings.port}/healthz")
    programs.append(Program("web", partial(PROGRAMS["web"], settings), web_ready))
    programs += [Program(name, partial(PROGRAMS[name], settings)) for name in _workers(settings)]
    if with_demo and customers:
        from cli.demo import customers as crowd

        programs.append(Program("customers", partial(crowd.serve, settings)))

    def on_ready() -> None:
        if with_demo:
            from cli.demo import fill

            fill(settings, say=click.echo)
        click.echo(f"Guichet is ready after {time.monotonic() - began:.0f} s: {settings.public_url}  (Ctrl-C stops it)")

    status = Supervisor(programs, settings.data_dir / "log", say=click.echo, on_ready=on_ready).run()
    if status:
        raise Failed("it could not start")
    click.echo("Guichet has stopped.")


def _workers(settings: Settings) -> list[str]:
    names = ["send", "receive", "tend", "films", "clock"]
    return [*names, "live"] if settings.live_url else names


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - an address of our own
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def _migrate(settings: Settings) -> None:
    from guichet.db.engine import open_engine
    from guichet.db.migrate import upgrade

    settings.data_dir.mkdir(parents=True, exist_ok=True)
    engine = open_engine(settings.database_url)
    try:
        upgrade(engine)
    finally:
        engine.dispose()


@click.command()
@click.argument("program", type=click.Choice(list(PROGRAMS)))
def serve(program: str) -> None:
    """Run one program in the foreground, as the Procfile does."""
    use_own_folder_if_there()
    settings = settings_or_exit()
    if program != "rehearsal":
        recognise(settings, lambda words: click.echo(words, err=True))
    PROGRAMS[program](settings)


@click.command()
@click.option("--make", "why", default="", help="Instead, write a migration from the models, for developers.")
@click.pass_obj
def migrate(output: Output, why: str) -> None:
    """Bring the database's schema up to date."""
    use_own_folder_if_there()
    if why:
        from guichet.db.migrate import write_revision

        path = write_revision(why)
        output.done(f"Written, now read it: {path}", path=str(path))
        return
    _migrate(settings_or_exit())
    output.done("The schema is up to date.", migrated=True)


@click.command()
@click.pass_obj
def demo(output: Output) -> None:
    """Fill a running installation with a company, its staff and its customers."""
    from cli.demo import fill

    use_own_folder_if_there()
    settings = settings_or_exit()
    if not settings.rehearsal_port:
        raise WronglyAsked("the demo needs the rehearsal networks: set GUICHET_REHEARSAL_PORT")
    said: list[str] = []
    fill(settings, say=said.append if output.as_json else click.echo)
    output.done("", sign_ins=str(Path(settings.data_dir) / "demo-sign-ins.json"), pid=os.getpid())


COMMANDS = (run, serve, migrate, demo)
