"""``contactbot init``, ``serve``, ``check`` and ``demo``."""

import asyncio
import ctypes
import gc
import signal
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Annotated, Final

import typer

from contactbot import logs
from contactbot.cli.options import DEFAULT, Config, Json, load
from contactbot.settings import Settings

_M_ARENA_MAX: Final = -8  # mallopt(3)


def serve(config: Config = DEFAULT) -> None:
    """Run the service until SIGTERM or Ctrl-C; what is on its way then is finished first."""
    settings = load(config)
    logs.configure(settings.log_level)
    _keep_one_heap()
    with _alone(settings):
        asyncio.run(_until_told(settings))


def _alone(settings: Settings) -> AbstractContextManager[None]:
    """Keep a second service away from an SQLite file: neither would hear what the other one does."""
    from contactbot.storage import folder

    return nullcontext() if settings.database.get_secret_value() else folder.served(settings.data)


def _keep_one_heap() -> None:
    """Let glibc's threads share one heap: Python runs them one at a time, and what each kept to itself was 13 MB."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:  # other C libraries have no such thing
        mallopt(_M_ARENA_MAX, 1)


async def _until_told(settings: Settings) -> None:
    from contactbot import app

    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    gc.disable()  # until all is there that stays: looking through it takes longer than it frees, and would be noticed
    async with app.running(settings, serve=True):
        gc.freeze()
        gc.enable()
        await stopped.wait()


def check(
    config: Config = DEFAULT,
    as_json: Json = False,  # noqa: FBT002 - typer's way to say a flag
    embed: Annotated[str, typer.Option(help="Check instead whether the web chat can stand on this page.")] = "",
) -> None:
    """Tell in words what is wrong or missing, before the service starts. Exit status 1 when something is an error."""
    from contactbot import checking
    from contactbot.channels.base import Finding

    checks = checking.embed(load(config), embed) if embed else checking.check(load(config), config)
    findings = asyncio.run(checks) or [Finding("ok", "nothing is wrong or missing")]
    for finding in findings:
        print(checking.as_json(finding) if as_json else checking.in_words(finding))
    if any(finding.level == "error" for finding in findings):
        raise typer.Exit(1)


def demo(
    port: Annotated[int, typer.Option(help="The port to listen on, on 127.0.0.1.", envvar="PORT")] = 8080,
    data: Annotated[Path, typer.Option(help="The folder that holds everything.", envvar="DATA")] = Path("demo-data"),
) -> None:
    """Start a fictional municipality with residents, staff, a phone and a mailbox, on this machine only."""
    from contactbot.demo import run as demo_run
    from contactbot.storage import folder

    logs.configure("warning")
    with folder.served(data.absolute()):
        asyncio.run(demo_run.run(data.absolute(), port))


def init(
    folder: Annotated[Path, typer.Argument(help="Where to write the files.")] = Path(),
) -> None:
    """Ask ten questions; write the configuration, the first admin, a systemd unit and a reverse-proxy example.

    A wrong answer is asked for again. Nothing is written before the last answer, and nothing that is there is changed.
    """
    from contactbot.first_start import Answers, problems, refuse_to_overwrite, write_files

    refuse_to_overwrite(folder)
    answers = Answers(
        name=_answer("1. The municipality's name", problems.name, "Eksempel kommune"),
        key=_answer("2. A short identifier (a-z, 0-9, -)", problems.key, "eksempel"),
        language=_answer("3. Main language (nb, nn, en)", problems.language, "nb"),
        public_url=_answer("4. The address residents will reach", problems.origin, "https://chat.eksempel.example"),
        website=_answer("5. The website that will show the chat", problems.origin, "https://www.eksempel.example"),
        mailbox=_answer("6. The mailbox residents write to (empty: no email)", problems.mailbox),
        relay=_answer("7. The mail relay to send through (host:port)", problems.relay, "127.0.0.1:25"),
        sms_number=_answer("8. The SMS number at Twilio (empty: no SMS)", problems.sms_number),
        admin_email=_answer("9. The first administrator's email address", problems.email),
        admin_password=_password(),
    )
    for path in write_files(folder, answers):
        print(f"Wrote {path}")
    print(f"Next: contactbot check, then contactbot serve, in {folder.absolute()} (docs/operating.md).")


def _answer(question: str, problem: Callable[[str], str], default: str = "") -> str:
    return _asked(
        lambda: str(typer.prompt(question, default=default, show_default=bool(default))).strip().rstrip("/"), problem
    )


def _password() -> str:
    from contactbot.staff import password

    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\n")
    question = "10. The administrator's password"
    return _asked(lambda: typer.prompt(question, hide_input=True, confirmation_prompt=True), password.problem)


def _asked(ask: Callable[[], str], problem: Callable[[str], str]) -> str:
    """Ask until the answer can be used, saying each time what is wrong with it."""
    while wrong := problem(given := ask()):
        print(wrong)
    return given
