from __future__ import annotations

import dataclasses
import importlib.metadata
import json
import logging
import os
from pathlib import Path

import pytest

from klue_eval.tasks import TASKS
from kobert_pipeline import runner
from kobert_pipeline.ground.artifacts import verify
from kobert_pipeline.ground.errors import InputError, KobertError, RecipeError
from kobert_pipeline.ground.files import read_json
from kobert_pipeline.recipe import load_recipe, shipped_recipes
from kobert_pipeline.reclaiming import delete, leftovers
from kobert_pipeline.runner import run, states
from kobert_pipeline.stages import STAGES

SMALL = """
name: small
corpora:
  sources:
    - {{name: notes, path: "{text}"}}
  filters: {{min_characters: 5}}
tokenizer: {{vocab_size: 992, ks_x_1001: false}}
dataset: {{validation_share: 0.2}}
pretrain:
  objective: {{name: mlm_nsp}}
  architecture: {{name: bert, layers: 1, hidden: 16, heads: 2, feed_forward: 16}}
  phases: [{{max_length: 32, batch_size: 8}}]
  max_steps: 2
"""


@pytest.fixture
def recipe_file(tmp_path):
    text = tmp_path / "notes.txt"
    text.write_text(
        (Path(__file__).parent.parent / "fixtures" / "documents.txt").read_text(encoding="utf-8"), encoding="utf-8"
    )
    path = tmp_path / "small.yaml"
    path.write_text(SMALL.format(text=text.as_posix()), encoding="utf-8")
    return path


@pytest.fixture
def root(tmp_path):
    return tmp_path / "artifacts"


@pytest.fixture(autouse=True)
def fast_sentences(monkeypatch):
    """The stages' own logic is under test here: one line is one sentence, so that MeCab need not be loaded."""

    def split(text: str, splitter: str) -> tuple[list[str], list[bool]]:
        lines = text.split("\n")
        return lines, [True] * len(lines)

    monkeypatch.setattr("corpora.phases.sentences.split", split)


@pytest.mark.parametrize("name", shipped_recipes())
def test_every_shipped_recipe_loads(name, monkeypatch):
    monkeypatch.setenv("KOBERT_CORPUS", "corpus")
    recipe = load_recipe(name)
    assert recipe.name == name
    assert recipe.description
    for stage in STAGES:
        json.dumps(stage.config(recipe))


def test_the_minis_share_corpus_tokenizer_and_store(recipe_file, root, monkeypatch):
    monkeypatch.setenv("KOBERT_CORPUS", str(recipe_file.parent / "notes.txt"))
    first, second = (
        runner.identities(load_recipe(name), root, "pretrain") for name in ("bert-mini", "modernbert-mini")
    )
    assert [name for name in first if first[name] == second[name]] == ["corpora", "tokenizer", "dataset"]


@pytest.mark.parametrize("file", ["my recipe.yaml", "my  recipe (2).yaml", "내 레시피.yml"])
def test_a_recipe_file_may_have_any_name(file, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / file).write_text("extends: quickstart\n", encoding="utf-8")
    expected = {"my recipe.yaml": "my-recipe", "my  recipe (2).yaml": "my-recipe-2-", "내 레시피.yml": "내-레시피"}
    assert load_recipe(file).name == expected[file]


def test_an_unknown_recipe_names_the_nearest():
    with pytest.raises(RecipeError, match="did you mean `quickstart`"):
        load_recipe("quikstart")


def test_a_missing_recipe_file_says_how_to_write_one():
    with pytest.raises(RecipeError, match=r"kobert init missing\.yaml"):
        load_recipe("missing.yaml")


def test_an_unknown_key_deep_in_a_recipe_is_named(recipe_file):
    with pytest.raises(RecipeError, match=r"corpora\.sources\.0\.licence: unknown key; did you mean `license`"):
        load_recipe(str(recipe_file), ("corpora.sources=[{name: a, path: b, licence: MIT}]",))


def test_the_real_input_recipes_differ_in_pretraining_only(monkeypatch):
    for variable in ("KOBERT_DATA", "KOBERT_KLUE"):
        monkeypatch.setenv(variable, "data")
    folder = Path(__file__).parent.parent / "real"
    bert, modernbert = (load_recipe(str(folder / f"{name}.yaml")) for name in ("bert-mini", "modernbert-mini"))
    assert (bert.pretrain.architecture["name"], modernbert.pretrain.architecture["name"]) == ("bert", "modernbert")
    assert bert.corpora.sources == modernbert.corpora.sources
    differing = {name for name in type(bert).model_fields if getattr(bert, name) != getattr(modernbert, name)}
    assert differing == {"name", "description", "pretrain"}


def test_the_real_evaluation_scores_all_eight_tasks_and_holds_out_what_has_one_file(monkeypatch):
    monkeypatch.setenv("KOBERT_KLUE", "data")
    config = load_recipe(str(Path(__file__).parent.parent / "real" / "klue.yaml")).klue_eval
    assert set(config.tasks) == set(TASKS)
    assert set(config.held_out) == {"ner", "dp", "mrc", "wos"}


def test_a_recipe_may_extend_several_the_later_over_the_earlier(tmp_path, recipe_file):
    (tmp_path / "seed.yaml").write_text("seed: 7\ntokenizer: {vocab_size: 1024}\n")
    (tmp_path / "both.yaml").write_text("extends: [small.yaml, seed.yaml]\ntokenizer: {min_frequency: 3}\n")
    recipe = load_recipe(str(tmp_path / "both.yaml"))
    assert (recipe.name, recipe.seed) == ("both", 7)
    assert (recipe.tokenizer.vocab_size, recipe.tokenizer.min_frequency) == (1024, 3)
    assert not recipe.tokenizer.ks_x_1001


def test_recipes_extend_each_other_but_not_in_a_circle(tmp_path):
    (tmp_path / "one.yaml").write_text("extends: two.yaml\n")
    (tmp_path / "two.yaml").write_text("extends: one.yaml\n")
    with pytest.raises(RecipeError, match="circle"):
        load_recipe(str(tmp_path / "one.yaml"))


def test_a_finished_stage_is_up_to_date_and_an_unfinished_one_says_why(recipe_file, root, caplog):
    recipe = load_recipe(str(recipe_file))
    with caplog.at_level(logging.INFO):
        folders = run(recipe, root, until="dataset")
        run(recipe, root, until="dataset")
    assert sum("up to date" in message for message in caplog.messages) == 3
    assert all(not verify(folder) for folder in folders.values())
    found = states(recipe, root)
    assert [state.complete for state in found] == [True, True, True, False, False, False]
    assert found[3].reasons == ("not built yet",)


def test_status_names_the_setting_the_input_and_the_version_that_changed(recipe_file, root, monkeypatch):
    run(load_recipe(str(recipe_file)), root, until="tokenizer")
    changed = load_recipe(str(recipe_file), ("tokenizer.vocab_size=976",))
    assert states(changed, root)[1].reasons == ("setting vocab_size: 992 -> 976",)
    assert states(changed, root)[0].complete

    text = recipe_file.parent / "notes.txt"
    text.write_text(text.read_text(encoding="utf-8") + "\n새 문서가 하나 늘었다.\n끝이다.\n", encoding="utf-8")
    reasons = [state.reasons for state in states(load_recipe(str(recipe_file)), root)]
    assert reasons[0] == ("input 00000 notes: notes.txt changed",)
    assert reasons[1] == ("input corpora changed",)

    newer = dataclasses.replace(STAGES[0], spec=dataclasses.replace(STAGES[0].spec, version=STAGES[0].version + 1))
    monkeypatch.setattr(runner, "STAGES", (newer, *STAGES[1:]))
    assert (
        f"code version {STAGES[0].version} -> {STAGES[0].version + 1}"
        in states(load_recipe(str(recipe_file)), root)[0].reasons
    )


def test_status_names_a_changed_library(recipe_file, root, monkeypatch):
    run(load_recipe(str(recipe_file)), root, until="corpora")
    monkeypatch.setattr(
        "kobert_pipeline.ground.stage.installed_version",
        lambda name: "99" if name == "kss" else importlib.metadata.version(name),
    )
    (reason,) = states(load_recipe(str(recipe_file)), root)[0].reasons
    assert reason.startswith("library kss: ")
    assert reason.endswith("-> 99")


def test_moving_the_input_or_changing_workers_rebuilds_nothing(recipe_file, root):
    before = run(load_recipe(str(recipe_file)), root, until="corpora")["corpora"]
    moved = recipe_file.parent / "elsewhere"
    moved.mkdir()
    (recipe_file.parent / "notes.txt").rename(moved / "notes.txt")
    settings = (f"corpora.sources=[{{name: notes, path: {moved / 'notes.txt'}}}]", "execution.workers=2")
    assert run(load_recipe(str(recipe_file), settings), root, until="corpora")["corpora"] == before


def test_only_needs_what_it_reads(recipe_file, root):
    with pytest.raises(KobertError, match="tokenizer needs corpora, which is not built"):
        run(load_recipe(str(recipe_file)), root, only="tokenizer")


def test_an_unknown_stage_names_the_nearest(recipe_file, root):
    with pytest.raises(KobertError, match="did you mean `pretrain`"):
        run(load_recipe(str(recipe_file)), root, until="pretraining")


def test_a_missing_input_is_found_before_anything_runs(recipe_file, root):
    recipe = load_recipe(str(recipe_file), ("klue_eval.data=/no/such/folder",))
    with pytest.raises(InputError, match="no such folder"):
        run(recipe, root)
    assert not list(root.glob("corpora/*"))


def test_a_failed_stage_leaves_finished_ones_untouched(recipe_file, root):
    recipe = load_recipe(str(recipe_file), ("tokenizer.vocab_size=32000",))
    with pytest.raises(InputError, match="more than this text supports"):
        run(recipe, root, until="tokenizer")
    first, second = states(recipe, root)[:2]
    assert first.complete
    assert not verify(first.folder)
    assert second.reasons == ("begun, not finished: goes on where it stopped",)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="the superuser may write anywhere")
def test_a_folder_without_write_permission_is_an_error_of_the_system(recipe_file, root):
    root.mkdir()
    root.chmod(0o500)
    with pytest.raises(PermissionError):
        run(load_recipe(str(recipe_file)), root, until="corpora")


def test_a_recipe_remembers_what_it_last_used(recipe_file, root):
    folders = run(load_recipe(str(recipe_file)), root, until="tokenizer")
    known = read_json(root / "recipes" / "small.json")
    assert {name: root / folder for name, folder in known.items()} == folders


def test_after_cleaning_every_recipe_has_the_same_status(recipe_file, root):
    """An old vocabulary goes; what the recipe used last, and what a failed run began, stays."""
    edited = load_recipe(str(recipe_file), ("tokenizer.vocab_size=976",)).tagged("")
    old = run(edited, root, until="tokenizer")["tokenizer"]
    recipe = load_recipe(str(recipe_file))
    run(recipe, root, until="tokenizer")
    other = recipe_file.with_name("other.yaml")
    other.write_text("extends: small.yaml\ntokenizer: {vocab_size: 32000}\n", encoding="utf-8")
    with pytest.raises(InputError, match="more than this text supports"):
        run(load_recipe(str(other)), root, until="tokenizer")
    before = [states(load_recipe(str(path)), root) for path in (recipe_file, other)]
    assert before[1][1].reasons == ("begun, not finished: goes on where it stopped",)
    unreached = leftovers(root)
    assert [leftover.folder for leftover in unreached] == [old]
    assert all(delete(root, leftover) for leftover in unreached)
    assert [states(load_recipe(str(path)), root) for path in (recipe_file, other)] == before
