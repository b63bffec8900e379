"""Sweeps, tags and the list of runs: no run replaces the record or the page of another."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis.strategies import integers, lists
from typer.testing import CliRunner, Result

from kobert_pipeline.cli import app
from kobert_pipeline.commands.sweep import script, task_number
from kobert_pipeline.finished import all_runs, find_run
from kobert_pipeline.ground.errors import KobertError, RecipeError
from kobert_pipeline.ground.pointers import Pointer, file_stem, run_name, split_name
from kobert_pipeline.recipe import load_recipe
from kobert_pipeline.reclaiming import leftovers
from kobert_pipeline.runner import run
from kobert_pipeline.sweeps import combinations

DOCUMENTS = Path(__file__).parents[1] / "fixtures" / "documents.txt"


@given(lists(integers(1, 4), max_size=3))
def test_a_grid_has_every_combination_once(sizes: list[int]) -> None:
    settings = [f"k{number}={','.join(map(str, range(size)))}" for number, size in enumerate(sizes)]
    found = combinations(settings)
    product = 1
    for size in sizes:
        product *= size
    assert len(found) == len(set(found)) == product
    assert all(len(each) == len(sizes) for each in found)


def test_commas_in_brackets_and_quotation_marks_belong_to_a_value() -> None:
    settings = ["phases=[{a: 1, b: 2}],[{a: 2}]", 'name="x,y",z']
    assert combinations(settings) == [
        ("phases=[{a: 1, b: 2}]", 'name="x,y"'),
        ("phases=[{a: 1, b: 2}]", "name=z"),
        ("phases=[{a: 2}]", 'name="x,y"'),
        ("phases=[{a: 2}]", "name=z"),
    ]
    assert combinations([]) == [()]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["seed"], "write it as key=value1,value2"),
        (["seed=1,,2"], "write it as key=value1,value2"),
        (["=1"], "write it as key=value1,value2"),
        (["seed=1,1"], "a value is given twice"),
        (["seed=1", "seed=2"], "--set seed is given twice"),
    ],
)
def test_a_grid_that_means_nothing_is_refused(settings: list[str], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        combinations(settings)


def test_a_job_of_an_array_finds_its_combination() -> None:
    assert task_number("2", 3) == 2
    for text in ("3", "-1", "x"):
        with pytest.raises(KobertError, match=r"numbered 0 to 2\. Submit with --array=0-2"):
            task_number(text, 3)
    text = script("my recipe.yaml", ["seed=1,2", "a=[1, 2],[3]"], "pretrain", Path("out"), 4)
    assert "#SBATCH --array=0-3\n" in text
    assert (
        "kobert sweep 'my recipe.yaml' --set seed=1,2 --set 'a=[1, 2],[3]' --until pretrain --artifacts out\n" in text
    )


# --- names of runs ----------------------------------------------------------------------------------------------------


def test_settings_name_a_run_by_what_they_decide() -> None:
    plain = load_recipe("quickstart")
    names = [load_recipe("quickstart", settings).run_name for settings in (
        ("seed=7",), ("seed=8",), ("seed=7", "pretrain.max_steps=9"), ("pretrain.max_steps=9", "seed=7"),
        (f"seed={plain.seed}",), ("execution.workers=1",),
    )]  # fmt: skip
    assert plain.run_name == "quickstart"
    assert names[4:] == ["quickstart"] * 2
    assert names[2] == names[3]
    assert len(set(names)) == 4
    assert load_recipe("quickstart", ("seed=7",), "lucky").run_name == "quickstart:lucky"
    assert (
        load_recipe("quickstart", ("seed=7",), "lucky").model_dump()
        == load_recipe("quickstart", ("seed=7",)).model_dump()
    )
    with pytest.raises(RecipeError, match="--tag a/b: a tag has letters"):
        load_recipe("quickstart", (), "a/b")
    assert (run_name("a", ""), run_name("a", "b"), split_name("a:b"), file_stem("a:b")) == (
        "a",
        "a:b",
        ("a", "b"),
        "a@b",
    )


@pytest.fixture
def recipe_file(tmp_path: Path) -> Path:
    path = tmp_path / "small.yaml"
    path.write_text(
        f"""
corpora: {{splitter: fast, sources: [{{name: notes, path: "{DOCUMENTS}", license: Apache-2.0}}]}}
tokenizer: {{vocab_size: 992, ks_x_1001: false, surplus: 1, source_exponent: 1}}
pretrain:
  objective: {{name: mlm}}
  architecture: {{name: bert, layers: 1, hidden: 16, heads: 1, feed_forward: 16}}
  phases: [{{max_length: 32, batch_size: 2}}]
  max_steps: 1
execution: {{workers: 1}}
""",
        encoding="utf-8",
    )
    return path


def invoke(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.mark.system
def test_runs_keep_their_records_and_pages(recipe_file: Path, tmp_path: Path) -> None:
    root = tmp_path / "artifacts"
    recipes = [
        load_recipe(str(recipe_file)),
        load_recipe(str(recipe_file), ("tokenizer.vocab_size=976",)),
        load_recipe(str(recipe_file), ("tokenizer.vocab_size=984",), "middle"),
    ]
    made = {recipe.run_name: run(recipe, root, until="tokenizer")["tokenizer"] for recipe in recipes}
    assert {found.run_name: found.folders["tokenizer"] for found in all_runs(root)} == made
    assert leftovers(root) == []
    by_name = find_run("small:middle", (), root)
    assert by_name is not None
    assert (by_name.name, by_name.folders["tokenizer"]) == ("small", made["small:middle"])
    with pytest.raises(
        KobertError, match=r"small:wide: no run of small in .* has this tag. Its runs: small:.*small:middle"
    ):
        find_run("small:wide", (), root)
    pages = [invoke("report", name, "--artifacts", root).output.strip() for name in (recipe_file, "small:middle")]
    pages += [invoke("report", recipe_file, "--set", "tokenizer.vocab_size=976", "--artifacts", root).output.strip()]
    pages += [invoke("report", *made, "--artifacts", root).output.strip()]
    assert len(set(pages)) == 4
    assert all(Path(page).is_file() for page in pages)
    status = invoke("status", recipe_file, "--set", "tokenizer.vocab_size=900", "--artifacts", root).output
    assert "setting vocab_size: 992 -> 900" in status


def test_a_recipe_that_ran_only_with_settings_of_its_own_is_found(recipe_file: Path, tmp_path: Path) -> None:
    recipe = load_recipe(str(recipe_file), ("tokenizer.vocab_size=976",))
    made = run(recipe, tmp_path / "artifacts", until="tokenizer")
    found = find_run(str(recipe_file), (), tmp_path / "artifacts", "tokenizer")
    assert found is not None
    assert found.folders["tokenizer"] == made["tokenizer"]


def test_runs_lists_all_of_them_as_table_json_and_csv(recipe_file: Path, tmp_path: Path) -> None:
    root = tmp_path / "artifacts"
    assert "No runs in" in invoke("runs", "--artifacts", root).output
    for size in (976, 984):
        run(load_recipe(str(recipe_file), (f"tokenizer.vocab_size={size}",)), root, until="tokenizer")
    names = [found.run_name for found in all_runs(root)]
    records = json.loads(invoke("runs", "--json", "--artifacts", root).output)
    assert [record["run"] for record in records] == names
    assert {record["settings"]["tokenizer.vocab_size"] for record in records} == {"976", "984"}
    rows = list(csv.DictReader(io.StringIO(invoke("runs", "--csv", "--artifacts", root).output)))
    assert [(row["recipe"], row["stage"], row["loss"]) for row in rows] == [("small", "tokenizer", "")] * 2
    assert {row["tokenizer.vocab_size"] for row in rows} == {"976", "984"}
    shown = invoke("runs", "small", "--artifacts", root).output
    assert "vocab_size=976" in shown
    assert max(map(len, shown.splitlines())) <= 80
    assert "no run of this recipe" in str(invoke("runs", "smal", "--artifacts", root).exception)
    forgotten = invoke("clean", "--forget", names[0], "--yes", "--artifacts", root)
    assert forgotten.exit_code == 0, forgotten.exception
    assert [found.run_name for found in all_runs(root)] == names[1:]
    assert not Pointer(root, names[0]).path.exists()
    assert "no such run" in str(invoke("clean", "--forget", names[0], "--artifacts", root).exception)


@pytest.mark.system
def test_a_sweep_runs_every_combination_and_goes_on_after_one_that_fails(
    recipe_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "artifacts"
    sizes = [
        "sweep",
        recipe_file,
        "--set",
        "tokenizer.vocab_size=976,32000,984",
        "--until",
        "tokenizer",
        "--artifacts",
        root,
    ]
    result = invoke(*sizes)
    assert "1 of 3 runs failed. The first: tokenizer.vocab_size=32000:" in str(result.exception)
    assert "Report:" in result.output
    finished = [found.run_name for found in all_runs(root) if "tokenizer" in found.folders]
    assert len(finished) == 2
    monkeypatch.setenv("SLURM_ARRAY_TASK_ID", "2")
    alone = invoke(*sizes)
    assert alone.exit_code == 0, alone.exception
    assert alone.output.startswith("3 of 3: small:")
