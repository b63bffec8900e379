"""A finished run stays usable: after an upgrade, without its raw data, and without its recipe. The run of these tests ends with the token store."""

from __future__ import annotations

import importlib.metadata
import json
import logging
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from kobert_pipeline import cli
from kobert_pipeline.commands.locate import model_of
from kobert_pipeline.commands.plan import plan
from kobert_pipeline.commands.run import confirm_repeats
from kobert_pipeline.finished import find_run, repeats
from kobert_pipeline.ground.artifacts import RUN
from kobert_pipeline.ground.errors import InputError, KobertError, RecipeError
from kobert_pipeline.ground.files import read_json
from kobert_pipeline.recipe import load_recipe
from kobert_pipeline.runner import run
from kobert_pipeline.stages import STAGE_NAMES

TEXT = Path(__file__).parent.parent / "fixtures" / "documents.txt"
RECIPE = """
name: small
corpora:
  sources:
    - {{name: notes, path: "{text}", license: Apache-2.0}}
  filters: {{min_characters: 5}}
tokenizer: {{vocab_size: 992, ks_x_1001: false}}
dataset: {{validation_share: 0.2}}
pretrain:
  objective: {{name: mlm_nsp}}
  architecture: {{name: bert, layers: 1, hidden: 16, heads: 2, feed_forward: 16}}
  phases: [{{max_length: 32, batch_size: 8}}]
  max_steps: 2
"""
BUILT = STAGE_NAMES[:3]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    (home / "notes.txt").write_bytes(TEXT.read_bytes())
    (home / "small.yaml").write_text(RECIPE.format(text=(home / "notes.txt").as_posix()), encoding="utf-8")
    run(load_recipe(str(home / "small.yaml")), home / "artifacts", until="dataset")
    return home


@pytest.fixture
def root(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the artifacts, next to a copy of the recipe, in the working folder."""
    shutil.copytree(home / "artifacts", tmp_path / "artifacts")
    shutil.copy(home / "small.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "artifacts"


def upgrade(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    monkeypatch.setattr(
        "kobert_pipeline.ground.stage.installed_version",
        lambda name: "99" if name in names else importlib.metadata.version(name),
    )


def edit(old: str, new: str) -> None:
    path = Path("small.yaml")
    path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(cli.app, list(arguments), env={"COLUMNS": "200"})


def folders(name: str, root: Path, *settings: str) -> dict[str, Path]:
    found = find_run(name, settings, root)
    return {} if found is None else dict(found.folders)


# --- what reading commands take --------------------------------------------------------------------------------------


def test_after_an_upgrade_the_run_is_taken_and_the_library_named(root, monkeypatch, caplog):
    before = folders("small.yaml", root)
    upgrade(monkeypatch, "kss", "tokenizers")
    caplog.clear()
    assert folders("small.yaml", root) == before
    assert list(before) == list(BUILT)
    assert "library kss: " in caplog.text
    assert "-> 99" in caplog.text


@pytest.mark.parametrize("name", ["small", "small.yaml"])
def test_neither_the_raw_data_nor_the_recipe_is_needed(name, root, monkeypatch):
    before, place = folders("small.yaml", root), root.with_name("elsewhere")
    place.mkdir()
    monkeypatch.chdir(place)
    edited = find_run(name, (), root, "dataset")
    assert edited is not None
    assert (edited.name, dict(edited.folders), edited.recipe) == ("small", before, None)


def test_an_id_is_the_first_digits_of_a_fingerprint(root):
    before = folders("small.yaml", root)
    for stage, folder in before.items():
        assert folders(folder.name[:6], root)[stage] == folder
    assert list(folders(before["tokenizer"].name, root)) == ["corpora", "tokenizer"]
    with pytest.raises(KobertError, match="neither a shipped recipe nor a file"):
        folders("0" * 16, root)


def test_digits_of_several_artifacts_name_none_of_them(root):
    shutil.copytree(folders("small.yaml", root)["corpora"], root / "corpora" / "abcdef0000000000")
    shutil.copytree(folders("small.yaml", root)["corpora"], root / "corpora" / "abcdef1111111111")
    with pytest.raises(KobertError, match=r"corpora/abcdef0000000000, corpora/abcdef1111111111. Give more digits"):
        folders("abcdef", root)


def test_an_edited_recipe_takes_what_it_used_last_and_says_so_but_set_does_not(root, caplog):
    before = folders("small.yaml", root)
    edit("vocab_size: 992", "vocab_size: 976")
    assert folders("small.yaml", root) == before
    assert "setting vocab_size: 992 -> 976" in caplog.text
    assert list(folders("small.yaml", root, "tokenizer.vocab_size=960")) == ["corpora"]
    assert find_run("small.yaml", ("tokenizer.vocab_size=960",), root, "dataset") is None
    assert find_run("small.yaml", (), root, "dataset", strict=True) is None


def test_of_several_runs_the_settings_decide_and_then_the_last_use(root, home, monkeypatch):
    first = folders("small.yaml", root)
    recipe = load_recipe("small.yaml", ("tokenizer.vocab_size=976",))
    second = run(recipe, root, until="tokenizer")
    assert folders("small.yaml", root, "tokenizer.vocab_size=976") == second
    assert folders("small.yaml", root) == first
    upgrade(monkeypatch, "tokenizers")
    third = run(load_recipe("small.yaml"), root, until="tokenizer")
    assert third["tokenizer"] != first["tokenizer"]
    assert folders("small.yaml", root) == first, "the store was made from the first tokenizer"
    found = find_run("small.yaml", (), root, "tokenizer")
    assert found is not None
    assert found.folders["tokenizer"] == third["tokenizer"]


def test_set_needs_a_recipe_and_an_unknown_name_lists_what_is_known(root):
    with pytest.raises(KobertError, match="--set changes a recipe, and small is not one"):
        find_run("small", ("seed=1",), root)
    with pytest.raises(RecipeError, match="did you mean `quickstart`"):
        find_run("quikstart", (), root)
    with pytest.raises(RecipeError, match=r"kobert init other\.yaml"):
        find_run("other.yaml", (), root)
    with pytest.raises(
        RecipeError, match=r"neither a shipped recipe nor a file; `kobert recipes` lists the shipped ones\.$"
    ):
        find_run("xyz", (), root)
    with pytest.raises(RecipeError, match=r"not of a recipe\. `kobert run small\.yaml --tag x` makes it"):
        load_recipe("small.yaml:x")


def test_a_plan_is_made_for_a_recipe(root):
    with pytest.raises(KobertError, match=r"small: a finished run\. A plan is made for a recipe"):
        plan("small", artifacts=root)


def test_a_damaged_manifest_is_named_and_hides_no_other_run(root, caplog):
    (root / "corpora" / "0123456789abcdef").mkdir()
    (root / "corpora" / "0123456789abcdef" / "manifest.json").write_text("{}", encoding="utf-8")
    assert list(folders("small.yaml", root)) == list(BUILT)
    assert "0123456789abcdef" in caplog.text


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        (["inspect", "small", "tokens", "대한민국의 수도"], "this recipe\t"),
        (["inspect", "{tokenizer}", "tokens", "대한민국의 수도"], "morphemes"),
        (["report", "small"], "small.html"),
        (["report", "{dataset}"], ".html"),
        (["push", "small.yaml", "--to", "me/it", "--what", "tokenizer"], "me/it"),
        (["push", "small.yaml", "--to", "me/it", "--what", "dataset"], "me/it"),
        (["status", "small"], "finished"),
        (["status", "small.yaml"], "notes.txt"),
    ],
    ids=" ".join,
)
def test_commands_that_read_need_no_data_and_no_old_library(arguments, shown, root, monkeypatch):
    ids = {stage: folder.name for stage, folder in folders("small.yaml", root).items()}
    edit(str(Path(load_recipe("small.yaml").corpora.sources[0].path)), "/no/such/notes.txt")
    upgrade(monkeypatch, "kss", "tokenizers")
    result = invoke(*(argument.format(**ids) for argument in arguments))
    assert result.exit_code == 0, result.output
    assert shown in result.output
    assert not list(root.rglob("*.partial"))


def test_a_page_is_not_replaced_by_an_emptier_one(root, monkeypatch):
    page = Path(invoke("report", "small.yaml").stdout.strip())
    whole = page.read_text(encoding="utf-8")
    upgrade(monkeypatch, "kss", "torch", "tokenizers")
    edit("vocab_size: 992", "vocab_size: 976")
    assert Path(invoke("report", "small.yaml").stdout.strip()) == page
    assert page.read_text(encoding="utf-8") == whole


def test_eval_and_extend_take_a_run_a_folder_or_a_name_on_the_hub(root, tmp_path):
    assert model_of("klue/roberta-base", root) == "klue/roberta-base"
    assert model_of(str(tmp_path), root) == str(tmp_path)
    for name in ("small.yaml", "small"):
        with pytest.raises(KobertError, match=f"{name}: no trained model for these settings. Run `kobert run {name}"):
            model_of(name, root)


# --- what a run repeats ----------------------------------------------------------------------------------------------


def took(root: Path, seconds: float) -> None:
    """Every finished stage says that it took so long."""
    for path in root.rglob(RUN):
        path.write_text(json.dumps(read_json(path) | {"seconds": seconds}), encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("", ()),
        ("kss", BUILT),
        ("tokenizers", BUILT[1:]),
        ("torch", ()),
        ("setting", ()),
        ("data", ()),
    ],
)
def test_repeated_work_has_the_same_settings_and_data_and_other_versions(change, expected, root, home, monkeypatch):
    if change == "setting":
        upgrade(monkeypatch, "kss")
        edit("min_characters: 5", "min_characters: 6")
    elif change == "data":
        upgrade(monkeypatch, "kss")
        text = root.with_name("notes.txt")
        text.write_text(TEXT.read_text(encoding="utf-8") + "\n\n새 문서다.\n", encoding="utf-8")
        edit((home / "notes.txt").as_posix(), text.as_posix())
    elif change:
        upgrade(monkeypatch, change)
    assert tuple(each.stage for each in repeats(load_recipe("small.yaml"), root, BUILT)) == expected


def test_a_minute_of_finished_work_is_not_repeated_unasked(root, monkeypatch, capsys):
    upgrade(monkeypatch, "kss")
    recipe = load_recipe("small.yaml")
    took(root, 20)
    confirm_repeats(recipe, root, BUILT)
    took(root, 600)
    with pytest.raises(KobertError, match=r"in about 30 min\? Add --yes"):
        confirm_repeats(recipe, root, BUILT)
    shown = capsys.readouterr().err
    assert "library kss: " in shown
    assert [line.split()[0] for line in shown.splitlines() if line.startswith("  ")] == list(BUILT)


def test_run_asks_and_yes_answers(root, monkeypatch):
    upgrade(monkeypatch, "kss")
    took(root, 600)
    refused = invoke("run", "small.yaml", "--until", "corpora")
    assert isinstance(refused.exception, KobertError)
    assert len(list((root / "corpora").iterdir())) == 2, "the artifact and its lock"
    assert invoke("run", "small.yaml", "--until", "corpora", "--yes").exit_code == 0
    assert not repeats(load_recipe("small.yaml"), root, BUILT[:1])


def test_what_was_begun_goes_on_unasked(root, monkeypatch):
    upgrade(monkeypatch, "kss")
    took(root, 600)
    recipe = load_recipe("small.yaml")
    monkeypatch.setattr("kobert_pipeline.handover.check_corpora", lambda recipe, root: None)
    monkeypatch.setattr("corpora.build.build", lambda *_, **__: (_ for _ in ()).throw(InputError("power cut")))
    with pytest.raises(InputError, match="power cut"):
        run(recipe, root, until="corpora")
    assert repeats(recipe, root, BUILT[:1]) == []


def test_a_run_from_which_nothing_differs_is_taken_without_a_word(root, caplog):
    with caplog.at_level(logging.WARNING):
        folders("small.yaml", root)
    assert caplog.messages == []
