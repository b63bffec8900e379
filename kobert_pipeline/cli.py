"""`kobert`: the command line. It lists the commands, and turns errors into messages."""

from __future__ import annotations

import errno
import importlib.util
import logging
import os
import sys
from collections.abc import Callable, MutableMapping
from pathlib import Path
from typing import Annotated

import typer

from kobert_pipeline import __version__
from kobert_pipeline.commands.chat import chat
from kobert_pipeline.commands.clean import clean
from kobert_pipeline.commands.doctor import doctor
from kobert_pipeline.commands.embed import embed
from kobert_pipeline.commands.eval import eval
from kobert_pipeline.commands.export import export
from kobert_pipeline.commands.extend import extend
from kobert_pipeline.commands.init import init
from kobert_pipeline.commands.inspect import inspect
from kobert_pipeline.commands.plan import plan
from kobert_pipeline.commands.push import push
from kobert_pipeline.commands.recipes import recipes
from kobert_pipeline.commands.report import report
from kobert_pipeline.commands.run import run
from kobert_pipeline.commands.runs import runs
from kobert_pipeline.commands.serve import serve
from kobert_pipeline.commands.ssa import ssa
from kobert_pipeline.commands.status import status
from kobert_pipeline.commands.sweep import sweep
from kobert_pipeline.commands.tour import tour
from kobert_pipeline.commands.try_use import command_of
from kobert_pipeline.commands.typer_help import Command, Group, usage_error
from kobert_pipeline.ground.errors import Interrupted, KobertError, Terminated, TrainingFailed
from kobert_pipeline.ground.messages import say
from kobert_pipeline.ground.terminal import LogLines, accept_every_character, folded, require_place, require_text
from kobert_pipeline.training.ranks import is_first
from kobert_pipeline.uses import USES

COMMANDS: tuple[Callable[..., None], ...] = (
    run,
    plan,
    status,
    inspect,
    eval,
    report,
    runs,
    sweep,
    push,
    *map(command_of, USES.values()),
    chat,
    ssa,
    embed,
    export,
    extend,
    serve,
    init,
    recipes,
    tour,
    clean,
    doctor,
)
"""In the order of `kobert --help`. Each is in a file of its name in `commands/`, except that each use makes one of its own."""

HELP_NAMES = {"help_option_names": ["-h", "--help"]}

app = typer.Typer(cls=Group, pretty_exceptions_enable=False, context_settings=HELP_NAMES)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"kobert-pipeline {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def kobert(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show tracebacks and more messages. Any command takes it.")
    ] = False,
) -> None:
    """From raw Korean text to a published, KLUE-scored language model. Start with: kobert run quickstart"""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())


for command in COMMANDS:
    app.command(cls=Command, context_settings=HELP_NAMES)(command)

INTERRUPTED = 130
"""Exit code of a program that Ctrl-C ended."""
TERMINATED = 143
"""Exit code of a program that SIGTERM ended."""
FULL = ("No space left on device", "File too large", "Disk quota exceeded")
"""What the system says when a disk, the largest file that it allows, or the user's share is used up."""
OURS = ("corpora", "tokenizer", "klue_eval", "kobert_pipeline")


WAITING_TURNS = "10000"
"""How often a thread looks whether the others are done before it sleeps. OpenMP's own 300,000 keep a core for milliseconds: next to
other programs training then takes several times as long."""


def set_libraries(environment: MutableMapping[str, str]) -> None:
    """What libraries read from the environment when they are loaded. A user's own settings stay."""
    environment.setdefault("TOKENIZERS_PARALLELISM", "true")
    if "OMP_WAIT_POLICY" not in environment:
        environment.setdefault("GOMP_SPINCOUNT", WAITING_TURNS)


def refuse_foreign_packages() -> None:
    """Raises KobertError if another package has the name of one of ours: PyPI has a `tokenizer` and a `corpora`."""
    home = Path(__file__).resolve().parent.parent
    for name in OURS:
        spec = importlib.util.find_spec(name)
        places = [Path(place).resolve() for place in (spec.submodule_search_locations or [])] if spec else []
        if home / name not in places:
            where = spec.origin if spec else "nowhere"
            raise KobertError(
                "The package `{name}` comes from {where}, not from kobert-pipeline. Uninstall the other package of that name, or "
                "use a fresh environment.",
                name=name,
                where=where,
            )


def main() -> None:
    """Runs the command. A mistake of the user ends in one message and exit code 1; `--debug` shows the traceback."""
    accept_every_character()
    debug = "--debug" in sys.argv
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    _log_to_stderr()
    for name in OURS:
        logging.getLogger(name).setLevel(logging.DEBUG if debug else logging.INFO)
    set_libraries(os.environ)
    try:
        refuse_foreign_packages()
        require_place()
        require_text(arguments)
        code = app(arguments, standalone_mode=False)
        if code == INTERRUPTED:  # typer turns Ctrl-C into this code
            raise KeyboardInterrupt
    except BaseException as error:
        message, code = explain(error)
        if debug or message is None:
            raise
        if is_first() or not isinstance(error, Terminated | TrainingFailed):  # all ranks stop, the first one reports it
            typer.echo(folded(say("error: {text}", text=message), sys.stderr), err=True)
    sys.exit(code if isinstance(code, int) else 0)


def _log_to_stderr() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LogLines(sys.stderr))
    logging.basicConfig(level=logging.WARNING, handlers=[handler])


def explain(error: BaseException) -> tuple[str | None, int]:
    """The message to the user, and the exit code. The message is None for a bug of ours, and for an exit without an error."""
    if isinstance(error, KeyboardInterrupt | typer.Abort):
        return say("stopped. What was finished is kept; the same command goes on from there."), INTERRUPTED
    if isinstance(error, Interrupted):
        return str(error), INTERRUPTED
    if isinstance(error, Terminated):
        return str(error), TERMINATED
    if any(text in str(error) for text in FULL):  # safetensors and torch raise exceptions of their own
        return say("the disk is full. Free some space and run the same command: it goes on where it stopped."), 1
    if isinstance(error, OSError) and error.errno == errno.EROFS:
        place = Path(error.filename or "").parent
        return say(
            "{place}: this disk can only be read. Choose another folder, with --artifacts or --out.", place=place
        ), 1
    if isinstance(error, FileExistsError | NotADirectoryError):
        return say(
            "{name}: it, or what it should be in, is a file and not a folder. Choose another name.", name=error.filename
        ), 1
    if isinstance(error, IsADirectoryError):
        name = error.filename2 or error.filename
        return say("{name}: is a folder; a file is needed. Choose another name.", name=name), 1
    if isinstance(error, FileNotFoundError) and error.filename:
        return say(
            "{name}: no such file or folder, and it cannot be made here. Check the path.", name=error.filename
        ), 1
    if isinstance(error, PermissionError):
        return _not_permitted(error.filename), 1
    if isinstance(error, KobertError | OSError):
        return str(error), 1
    if hasattr(error, "format_message"):  # a usage error of the command line
        return usage_error(str(error.format_message())), 2
    return None, 1


def _not_permitted(name: str | None) -> str:
    """Tells a file that may not be read from a place that may not be written to."""
    if name is not None and not _is_absent(name) and not os.access(name, os.R_OK):
        return say("no permission to read {name}. Change its permissions (chmod u+r), or name another file.", name=name)
    return say("no permission to write {name}. Choose another folder with --artifacts.", name=name)


def _is_absent(name: str) -> bool:
    """Whether a folder says that it has no such file. One that may not be searched does not say it."""
    try:
        Path(name).stat()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return False


if __name__ == "__main__":
    main()
