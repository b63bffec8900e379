"""The command of each use, such as `kobert fill`: what the model makes of texts."""

# Without `from __future__ import annotations`: typer reads the annotations of a function that is made for each use.

import inspect
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Annotated, Any

import typer

from kobert_pipeline.commands.options import DEFAULT_ARTIFACTS, Artifacts, ModelName, Settings
from kobert_pipeline.ground.messages import say
from kobert_pipeline.uses import USES
from kobert_pipeline.uses.use import Network, Option, Tokenizer, UnfitModel, Use


def command_of(use: Use) -> Callable[..., None]:
    """A function that `cli.py` lists as a command, with the name, the help and the options of the use."""

    def try_use(
        model: ModelName,
        texts: Annotated[list[str], typer.Argument(metavar="TEXT...", help=use.command.texts)],
        settings: Settings = None,
        artifacts: Artifacts = DEFAULT_ARTIFACTS,
        **options: Any,
    ) -> None:
        from kobert_pipeline.commands.locate import locate
        from kobert_pipeline.training.quiet import quiet

        with quiet():
            tokenizer, network = load_for(use, locate(model, settings or (), artifacts))
            if use.stream is not None:
                _stream(use, tokenizer, network, texts, options)
                return
            results = use.try_it(tokenizer, network, texts, **options)
        _show(use, results)

    try_use.__name__, try_use.__doc__ = use.command.name, use.command.help
    return _with_options(try_use, use.options)


def _with_options(command: Callable[..., None], options: tuple[Option, ...]) -> Callable[..., None]:
    """The command with a parameter for each option, which typer reads from signature and annotations."""
    signature = inspect.signature(command)
    fixed = [one for one in signature.parameters.values() if one.kind is not inspect.Parameter.VAR_KEYWORD]
    added = [
        inspect.Parameter(option.name, inspect.Parameter.KEYWORD_ONLY, default=option.default, annotation=_kind(option))
        for option in options
    ]
    command.__signature__ = signature.replace(parameters=[*fixed, *added])  # type: ignore[attr-defined]
    command.__annotations__ = {one.name: one.annotation for one in [*fixed, *added]} | {"return": None}
    return command


def _kind(option: Option) -> Any:
    return Annotated[option.kind, typer.Option(help=option.help, min=option.minimum, max=option.maximum)]


def _stream(use: Use, tokenizer: Tokenizer, network: Network, texts: list[str], options: dict[str, Any]) -> None:
    def write(text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()

    assert use.stream is not None
    for number, text in enumerate(texts):
        write("\n" if number else "")
        use.stream(tokenizer, network, text, write, **options)
        write("\n")


def _show(use: Use, results: list[Any]) -> None:
    from rich.console import Console

    from kobert_pipeline.uses.results import lines, table

    console = Console()
    for result in results:
        if console.is_terminal:
            console.print(table(result, use.columns))
        else:
            typer.echo("\n".join(lines(result)))


def load_for(use: Use, folder: str) -> tuple[Tokenizer, Network]:
    """The model, or the first one next to it that fits the use: ELECTRA's generator fills masks, its discriminator does not.

    Raises UnfitModel for a model of another kind, with the command that is for it.
    """
    from kobert_pipeline.commands.locate import other_models

    try:
        return use.load(folder)
    except UnfitModel as error:
        for other in other_models(folder):
            with suppress(UnfitModel):
                return use.load(other)
        raise UnfitModel("{error}{other_command}", error=error, other_command=_other_command(use, folder)) from None


def _other_command(use: Use, folder: str) -> str:
    for other in USES.values():
        with suppress(UnfitModel):
            if other is not use and other.load(folder):
                return say(" `kobert {command}` is for this model.", command=other.command.name)
    return ""
