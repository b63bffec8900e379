"""`kobert`: the command line. Nothing heavy is imported before a command needs it, so that `--help` answers at once."""

from __future__ import annotations

import importlib.util
import json
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kobert_pipeline.ground.errors import KobertError, Terminated, TrainingFailed
from kobert_pipeline.training.ranks import is_first

if TYPE_CHECKING:
    from kobert_pipeline.recipe import Recipe

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="From raw Korean text to a published, KLUE-scored language model. Start with: kobert run quickstart",
)
logger = logging.getLogger("kobert_pipeline")

RecipeName = Annotated[str, typer.Argument(metavar="RECIPE", help="A shipped recipe's name, or a path to a YAML file.")]
ModelName = Annotated[
    str, typer.Argument(metavar="MODEL", help="A recipe that was run, a Hugging Face folder, or a Hub id.")
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="A setting of the recipe, e.g. pretrain.max_steps=100. May be repeated."
    ),
]
Artifacts = Annotated[
    Path,
    typer.Option("--artifacts", metavar="DIR", envvar="KOBERT_ARTIFACTS", help="Where stages keep what they make."),
]
DEFAULT_ARTIFACTS = Path("artifacts")


@app.command()
def run(
    recipe: RecipeName,
    only: Annotated[str | None, typer.Option(metavar="STAGE", help="Run this stage alone.")] = None,
    until: Annotated[str | None, typer.Option(metavar="STAGE", help="Run up to this stage.")] = None,
    settings: Settings = None,
    artifacts: Artifacts = DEFAULT_ARTIFACTS,
) -> None:
    """Run a recipe from raw text to a folder to publish. Finished stages are skipped."""
    from kobert_pipeline.recipe import load_recipe
    from kobert_pipeline.runner import run as run_stages

    loaded = load_recipe(recipe, tuple(settings or ()))
    folders = run_stages(loaded, artifacts, only=only, until=until)
    if "hub" in folders:
        page = _write_page(loaded, artifacts, folders)
        typer.echo(f"Model:  {folders['hub'] / 'publish'}\nReport: {page}")
        typer.echo(_scores(folders["klue_eval"]))


@app.command()
def status(
    recipe: RecipeName,
    verify: Annotated[bool, typer.Option("--verify", help="Hash every finished file again.")] = False,
    settings: Settings = None,
    artifacts: Artifacts = DEFAULT_ARTIFACTS,
) -> None:
    """What is complete, what is missing, what would run and why."""
    from kobert_pipeline.ground.artifacts import verify as verify_folder
    from kobert_pipeline.recipe import load_recipe
    from kobert_pipeline.runner import states

    damaged = False
    for state in states(load_recipe(recipe, tuple(settings or ())), artifacts):
        mark = "complete " if state.complete else "would run"
        typer.echo(f"{state.stage.name:10} {mark}  {state.folder}")
        for reason in state.reasons:
            typer.echo(f"{'':10} {'':9}  - {reason}")
        for problem in verify_folder(state.folder) if verify and state.complete else ():
            damaged = True
            typer.echo(f"{'':10} {'':9}  - DAMAGED {problem}. Remove the folder and run the recipe again.")
    if damaged:
        raise typer.Exit(1)


@app.command()
def inspect(
    recipe: RecipeName,
    what: Annotated[
        str, typer.Argument(metavar="WHAT", help="batch: examples as training sees them. tokens: a sentence in pieces.")
    ] = "batch",
    sentence: Annotated[str, typer.Argument(metavar="SENTENCE", help="For tokens.")] = "",
    beside: Annotated[
        list[str] | None,
        typer.Option(metavar="TOKENIZER", help="For tokens: another one, a folder, file or Hub id. May be repeated."),
    ] = None,
    rows: Annotated[int, typer.Option(min=1, help="For batch: examples to show.")] = 4,
    batches: Annotated[int, typer.Option(min=1, help="For batch: so many to take the statistics over.")] = 20,
    settings: Settings = None,
    artifacts: Artifacts = DEFAULT_ARTIFACTS,
) -> None:
    """Look inside, in colour: examples of a batch (segments, masks, labels), or a sentence in pieces and morphemes."""
    from rich.console import Console

    from kobert_pipeline.ground.config import nearest
    from kobert_pipeline.recipe import load_recipe
    from kobert_pipeline.runner import states

    needed = {"batch": "dataset", "tokens": "tokenizer"}
    if what not in needed:
        raise KobertError(f"{what}: cannot be inspected; {nearest(what, list(needed))}")
    loaded = load_recipe(recipe, tuple(settings or ()))
    folders = {state.stage.name: state.folder for state in states(loaded, artifacts) if state.complete}
    if needed[what] not in folders:
        raise KobertError(
            f"There is no {needed[what]} for these settings. Run `kobert run {recipe} --until {needed[what]}` first."
        )
    if what == "tokens":
        Console().print(_tokens(folders["tokenizer"], sentence, beside or []))
        return
    from kobert_pipeline.pretrain.batch_view import view

    store, tokenizer = folders["dataset"], folders["tokenizer"]
    Console().print(view(loaded.pretrain, tokenizer, store, seed=loaded.seed, rows=rows, batches=batches))


def _tokens(folder: Path, sentence: str, beside: list[str]) -> Any:
    from tokenizer.load import load_tokenizer, open_tokenizer
    from tokenizer.token_view import view

    if not sentence.strip():
        raise KobertError('Give a sentence: kobert inspect RECIPE tokens "대한민국의 수도는 서울이다."')
    return view({"this recipe": load_tokenizer(folder)} | {name: open_tokenizer(name) for name in beside}, sentence)


@app.command()
def eval(
    model: Annotated[str | None, typer.Argument(metavar="MODEL", help="A Hugging Face folder or Hub id.")] = None,
    tasks: Annotated[
        str | None, typer.Option(help="Comma-separated: ynat, sts, nli, ner, re, dp, mrc, wos; all of them without.")
    ] = None,
    data: Annotated[
        str | None, typer.Option(help="Folder or archive of KLUE files, or hub:klue, which is the default.")
    ] = None,
    seeds: Annotated[int | None, typer.Option(min=1, help="Runs a task, each with its own seed; 3 without.")] = None,
    train_rows: Annotated[int | None, typer.Option(min=1, help="Only so many training rows.")] = None,
    held_out: Annotated[
        str | None,
        typer.Option(
            help="Tasks of which there is one labelled file: train on 80 % of it. No KLUE dev score, and marked so."
        ),
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(metavar="RECIPE", help="Evaluate as this recipe's klue_eval says, e.g. label-curves."),
    ] = None,
    trust_remote_code: Annotated[
        bool, typer.Option("--trust-remote-code", help="Run Python code that comes with the model.")
    ] = False,
    rescore: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Instead of a model: metrics again, from saved predictions below DIR."),
    ] = None,
    artifacts: Artifacts = DEFAULT_ARTIFACTS,
) -> None:
    """Score any Hugging Face checkpoint on KLUE."""
    from klue_eval.build import evaluate_model
    from klue_eval.build import rescore as rescore_predictions
    from klue_eval.config import EvaluationConfig

    if rescore is not None:
        for entry in rescore_predictions(rescore, data or HUB_KLUE):
            typer.echo(json.dumps(entry, ensure_ascii=False))
        return
    if model is None:
        raise KobertError("Name a model (a Hugging Face folder or Hub id), or predictions with --rescore DIR.")
    given: dict[str, Any] = {
        "tasks": _names(tasks),
        "data": data,
        "held_out": _names(held_out),
        "trust_remote_code": trust_remote_code or None,
    }
    settings = _recipe_evaluation(recipe) | {name: value for name, value in given.items() if value is not None}
    over = {name: value for name, value in {"seeds": seeds, "train_rows": train_rows}.items() if value is not None}
    settings["protocols"] = {name: protocol | over for name, protocol in settings["protocols"].items()}
    folder = evaluate_model(model, EvaluationConfig.parse(settings), root=artifacts, seed=42)
    typer.echo(_scores(folder))


HUB_KLUE = "hub:klue"


def _names(text: str | None) -> list[str] | None:
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]


def _recipe_evaluation(recipe: str | None) -> dict[str, Any]:
    """The recipe's evaluation, else the official one of the Hub's data."""
    from kobert_pipeline.recipe import load_recipe

    if recipe is None:
        return {"data": HUB_KLUE, "protocols": {"official": {}}}
    return load_recipe(recipe).klue_eval.model_dump(mode="json")


@app.command()
def report(
    recipe: RecipeName,
    other: Annotated[
        str | None, typer.Argument(metavar="[OTHER]", help="A second recipe: both runs side by side on one page.")
    ] = None,
    beside: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TOKENIZER",
            help="Beside the run's own tokenizer: another, a folder, file or Hub id. May be repeated.",
        ),
    ] = None,
    settings: Settings = None,
    artifacts: Artifacts = DEFAULT_ARTIFACTS,
) -> None:
    """Write one self-contained HTML page that shows a run, finished or not, or two runs side by side."""
    from kobert_pipeline.recipe import load_recipe

    loaded = load_recipe(recipe, tuple(settings or ()))
    if other is None:
        typer.echo(_write_page(loaded, artifacts, _finished(loaded, artifacts), beside or ()))
        return
    if beside:
        raise KobertError("--beside sets tokenizers beside one run's; two runs show the pieces of their own.")
    from kobert_pipeline.report.compare import write_comparison

    second = load_recipe(other, tuple(settings or ()))
    page = artifacts / "reports" / f"{loaded.name}-and-{second.name}.html"
    write_comparison(page, (loaded.name, second.name), (_finished(loaded, artifacts), _finished(second, artifacts)))
    typer.echo(page)


def _finished(recipe: Recipe, artifacts: Path) -> dict[str, Path]:
    """Stage -> folder, of what is complete."""
    from kobert_pipeline.runner import states

    return {state.stage.name: state.folder for state in states(recipe, artifacts) if state.complete}


@app.command()
def push(
    recipe: RecipeName,
    repo: Annotated[str, typer.Option("--to", "--repo", metavar="OWNER/NAME", help="The repository on the Hub.")],
    what: Annotated[
        str, typer.Option(metavar="KIND", help="model, tokenizer or dataset (the cleaned corpus).")
    ] = "model",
    yes: Annotated[bool, typer.Option("--yes", help="Send it. Without: show what would be sent.")] = False,
    public: Annotated[bool, typer.Option("--public", help="Readable by everybody; private without.")] = False,
    revision: Annotated[
        str | None, typer.Option(metavar="BRANCH", help="Publish on this branch, beside others.")
    ] = None,
    tag: Annotated[str, typer.Option(help="Names this state; the run's fingerprint without.")] = "",
    message: Annotated[str, typer.Option(help="Of the commit.")] = "",
    accept: Annotated[
        list[str] | None,
        typer.Option("--accept", metavar="WARNING", help="Answers a warning: licences, personal-data."),
    ] = None,
    settings: Settings = None,
    artifacts: Artifacts = DEFAULT_ARTIFACTS,
) -> None:
    """Publish on the Hugging Face Hub: a dry run unless --yes."""
    from kobert_pipeline.hub.files import as_kind
    from kobert_pipeline.hub.push import Destination, describe
    from kobert_pipeline.publishing import gather, publish, questions, refuse_unanswered
    from kobert_pipeline.recipe import load_recipe

    kind = as_kind(what)
    to = Destination(repo, not public, revision, tag, message)
    bundle = gather(load_recipe(recipe, tuple(settings or ())), artifacts, kind, repo)
    asked = questions(bundle)
    if not yes:
        typer.echo(describe(bundle, to, map(str, asked)))
        return
    refuse_unanswered(asked, accept or ())
    done = publish(bundle, to, artifacts)
    state = "Published" if done.is_new else "Was there already"
    typer.echo(f"{state}: {done.repo}, commit {done.commit[:8]}, tag {done.tag}; loaded back from an empty cache.")


@app.command()
def fill(
    model: ModelName,
    sentences: Annotated[
        list[str], typer.Argument(metavar="SENTENCE...", help='With masks: "대한민국의 수도는 [MASK]이다."')
    ],
    settings: Settings = None,
    artifacts: Artifacts = DEFAULT_ARTIFACTS,
) -> None:
    """Let a model guess what stands where a sentence is masked: its five likeliest pieces, with probabilities."""
    from rich.console import Console

    from kobert_pipeline.commands.locate import locate
    from kobert_pipeline.uses.fill_mask import fill as fill_masks
    from kobert_pipeline.uses.fill_mask import lines, table

    console = Console()
    for filled in fill_masks(locate(model, settings or (), artifacts), sentences):
        if console.is_terminal:
            console.print(table(filled))
        else:
            typer.echo("\n".join(lines(filled)))


@app.command()
def extend(
    model: Annotated[
        str, typer.Argument(metavar="MODEL", help="A Hugging Face folder or Hub id with a WordPiece tokenizer.")
    ],
    recipe: RecipeName,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where to write the extended model and tokenizer.")],
    pieces: Annotated[int, typer.Option(min=1, help="At most so many new pieces.")] = 2_000,
    settings: Settings = None,
    artifacts: Artifacts = DEFAULT_ARTIFACTS,
) -> None:
    """Give a checkpoint pieces for the words of a recipe's corpus, each beginning as the mean of those it replaces."""
    from kobert_pipeline.extending import extend as extend_model
    from kobert_pipeline.recipe import load_recipe
    from kobert_pipeline.runner import run as run_stages

    loaded = load_recipe(recipe, tuple(settings or ()))
    corpora = run_stages(loaded, artifacts, until="corpora")["corpora"]
    extend_model(model, corpora, out, pieces, loaded.execution)
    typer.echo(f"Model: {out}")


@app.command()
def serve(
    model: ModelName,
    port: Annotated[int, typer.Option(min=1024, max=65535, help="On this machine alone.")] = 7860,
    settings: Settings = None,
    artifacts: Artifacts = DEFAULT_ARTIFACTS,
) -> None:
    """Play with a model in the browser: fill masks, cut text into pieces. Needs the extra `serve`."""
    from kobert_pipeline.commands.locate import locate
    from kobert_pipeline.report.playground import serve as serve_model

    serve_model(locate(model, settings or (), artifacts), port, title=model)


@app.command()
def init(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write the recipe, e.g. my.yaml.")],
    base: Annotated[
        str, typer.Option("--from", metavar="RECIPE", help="The shipped recipe to begin from.")
    ] = "modernbert-mini",
) -> None:
    """Write a commented recipe for your own files."""
    from kobert_pipeline.commands.init import write_recipe

    write_recipe(file, base)
    typer.echo(f"Wrote {file}. Put your files under `path`, then: kobert run {file}")


@app.command()
def doctor() -> None:
    """Check this machine: Python, libraries, dictionary, device, fonts, disk."""
    from kobert_pipeline.commands.doctor import examine

    lines, healthy = examine()
    for line in lines:
        typer.echo(line)
    if not healthy:
        raise typer.Exit(1)


def _scores(folder: Path) -> str:
    path = folder / "table.md"
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def _write_page(recipe: Recipe, artifacts: Path, folders: dict[str, Path], beside: Sequence[str] = ()) -> Path:
    from kobert_pipeline.report.page import write_page

    page = artifacts / "reports" / f"{recipe.name}.html"
    write_page(page, recipe.name, folders, (*recipe.report.beside, *beside))
    return page


# --- the rim ---------------------------------------------------------------------------------------------------------

INTERRUPTED = 130
"""Exit code of a program that Ctrl-C ended."""
TERMINATED = 143
"""Exit code of a program that SIGTERM ended."""
OURS = ("corpora", "tokenizer", "klue_eval", "kobert_pipeline")


def refuse_foreign_packages() -> None:
    """PyPI has packages whose import names are `tokenizer` and `corpora`; one of them on the path would run in our place."""
    home = Path(__file__).resolve().parent.parent
    for name in OURS:
        spec = importlib.util.find_spec(name)
        places = [Path(place).resolve() for place in (spec.submodule_search_locations or [])] if spec else []
        if home / name not in places:
            where = spec.origin if spec else "nowhere"
            raise KobertError(
                f"The package `{name}` comes from {where}, not from kobert-pipeline. Uninstall the other package of that name, or use a fresh environment."
            )


def main() -> None:
    """Runs the command. Mistakes of the user end in one message and exit code 1; `--debug` shows the traceback."""
    debug = "--debug" in sys.argv
    arguments = [argument for argument in sys.argv[1:] if argument != "--debug"]
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    for name in OURS:
        logging.getLogger(name).setLevel(logging.DEBUG if debug else logging.INFO)
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    try:
        refuse_foreign_packages()
        code = app(arguments, standalone_mode=False)
        if code == INTERRUPTED:  # what typer makes of Ctrl-C
            raise KeyboardInterrupt
    except BaseException as error:
        message, code = explain(error)
        if debug or message is None:
            raise
        if is_first() or not isinstance(error, Terminated | TrainingFailed):  # every rank stops, one says so
            typer.echo(f"error: {message}", err=True)
    sys.exit(code if isinstance(code, int) else 0)


def explain(error: BaseException) -> tuple[str | None, int]:
    """What to tell the user, and the exit code. None for what is a bug of ours, or no error at all."""
    if isinstance(error, KeyboardInterrupt | typer.Abort):
        return "stopped. What was finished is kept; the same command goes on from there.", INTERRUPTED
    if isinstance(error, Terminated):
        return str(error), TERMINATED
    if "No space left on device" in str(error):  # safetensors and torch have exceptions of their own for it
        return "the disk is full. Free some space and run the same command: it goes on where it stopped.", 1
    if isinstance(error, PermissionError):
        return f"no permission to write {error.filename}. Choose another folder with --artifacts.", 1
    if isinstance(error, KobertError | OSError):
        return str(error), 1
    if hasattr(error, "format_message"):  # a usage error of the command line
        return str(error.format_message()), 2
    return None, 1


if __name__ == "__main__":
    main()
