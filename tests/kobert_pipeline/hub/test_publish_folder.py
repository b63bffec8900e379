"""The hub stage over the small run, and what a fresh process checks of a published model."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from finished_run import publish
from transformers import AutoModelForMaskedLM

from kobert_pipeline.ground.artifacts import Identity, Workspace, read_manifest
from kobert_pipeline.ground.errors import ArtifactMismatch, KobertError
from kobert_pipeline.ground.files import read_json, write_json
from kobert_pipeline.hub import fresh_process, load_back
from kobert_pipeline.hub.config import HubConfig
from kobert_pipeline.hub.fresh_process import check_folder
from kobert_pipeline.hub.load_back import Failure, check, check_dataset
from kobert_pipeline.hub.publishable import RECORDS, STAGES, is_publishable
from kobert_pipeline.uses.fill_mask import USE


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.system
def test_the_folder_loads_back_in_a_fresh_process_and_holds_what_the_summary_says(
    tmp_path: Path, folders: dict[str, Path]
) -> None:
    folder = publish(tmp_path, folders)
    summary = read_manifest(folder.parent).summary
    assert summary["load_back"] == "ok"
    assert summary["files"] == {name: len(content) for name, content in sorted(contents(folder).items())}
    assert {
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
        "vocab.txt",
        *RECORDS,
    } == set(summary["files"])


@pytest.mark.system
def test_a_folder_that_transformers_cannot_load_is_an_error_that_says_what_failed(
    tmp_path: Path, folders: dict[str, Path]
) -> None:
    published = tmp_path / "published"
    shutil.copytree(publish(tmp_path, folders), published)
    weights = published / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:200])
    with pytest.raises(KobertError, match=r"plain transformers cannot use this folder: Safetensor\w*Error"):
        check_folder(published, USE, export=folders["pretrain"] / "model")


@pytest.mark.usefixtures("without_load_back")
def test_an_export_that_was_cut_off_is_not_published(tmp_path: Path, folders: dict[str, Path]) -> None:
    weights = folders["pretrain"] / "model" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:200])
    with pytest.raises(ArtifactMismatch, match=r"has 200 bytes, not the [\d,]+ that were written"):
        publish(tmp_path, folders)
    assert not list((tmp_path / "hub").glob("*/manifest.json"))


@pytest.mark.usefixtures("without_load_back")
def test_a_planted_optimizer_state_stays_behind(
    tmp_path: Path, folders: dict[str, Path], caplog: pytest.LogCaptureFixture
) -> None:
    (folders["pretrain"] / "model" / "optimizer.ckpt").write_bytes(b"moments")
    published = contents(publish(tmp_path, folders))
    assert "optimizer.ckpt" not in published
    assert all(is_publishable(name) for name in published)
    assert "optimizer.ckpt is not a file of a model" in caplog.text


@pytest.mark.usefixtures("without_load_back")
def test_two_machines_publish_the_same_bytes(tmp_path: Path, folders: dict[str, Path]) -> None:
    here = publish(tmp_path / "here", folders, source_folder="/data/mine", workers=1)
    there = publish(tmp_path / "there", folders, source_folder="/mnt/theirs", workers=64)
    assert contents(here) == contents(there)


@pytest.mark.usefixtures("without_load_back")
def test_local_folders_never_appear(tmp_path: Path, folders: dict[str, Path]) -> None:
    private = str(Path.home() / "private")
    for name, content in contents(publish(tmp_path, folders, source_folder=private)).items():
        for place in (private, str(Path.home()) + "/", str(tmp_path)):
            assert place.encode() not in content, name


@pytest.mark.usefixtures("without_load_back")
def test_a_title_that_names_a_local_folder_is_refused(tmp_path: Path, folders: dict[str, Path]) -> None:
    with pytest.raises(KobertError, match=r"README\.md: would publish the local folder"):
        publish(tmp_path, folders, HubConfig(title=f"Model of {tmp_path}/texts"))


@pytest.mark.usefixtures("without_load_back")
def test_the_records_are_those_of_the_run(tmp_path: Path, folders: dict[str, Path]) -> None:
    folder = publish(tmp_path, folders)
    assert read_json(folder / "scores.json") == read_json(folders["klue_eval"] / "scores.json")
    for name in STAGES:
        assert (folder / "manifests" / f"{name}.json").read_bytes() == (folders[name] / "manifest.json").read_bytes()


@pytest.mark.usefixtures("without_load_back")
def test_what_an_interrupted_attempt_left_is_not_published(tmp_path: Path, folders: dict[str, Path]) -> None:
    config = HubConfig()
    with Workspace(tmp_path, Identity("hub", 1, config.content(), {}, 0, {})) as out:
        (out.path / "publish").mkdir()
        (out.path / "publish" / "half.safetensors").write_bytes(b"half")
    assert "half.safetensors" not in contents(publish(tmp_path, folders, config))


def test_a_pretraining_without_a_model_is_an_error(tmp_path: Path, folders: dict[str, Path]) -> None:
    shutil.rmtree(folders["pretrain"] / "model")
    with pytest.raises(ArtifactMismatch, match=r"config\.json: is missing. Remove .* run the pretrain stage again"):
        publish(tmp_path, folders)


# --- the checks of the fresh process, in this one ---------------------------------------------------------------------


@pytest.fixture
def exported(tmp_path: Path, model: Path) -> Path:
    return Path(shutil.copytree(model, tmp_path / "model"))


def check_model(name: str, **options: str) -> None:
    check(name, auto_class=USE.auto_class, use_check=str(USE.check_back), **options)


def edit_tokenizer(folder: Path, old: str, new: str) -> None:
    path = folder / "tokenizer.json"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ('"type": "NFD"', r"composed text is cut into \['\[UNK\]'"),
        ('"type": "Lowercase"', r"decomposed text is cut into .*, but the run's tokenizer cuts it into .*대한민국"),
    ],
)
def test_a_tokenizer_that_lost_its_normaliser_is_found(
    exported: Path, folders: dict[str, Path], change: str, problem: str
) -> None:
    edit_tokenizer(exported, '"type": "NFC"', change)
    write_json(folders["tokenizer"] / "golden.json", [])
    with pytest.raises(Failure, match=problem):
        check_model(str(exported), original=str(folders["tokenizer"]))


@pytest.mark.parametrize("change", ['"type": "NFKC"', '"type": "Lowercase"'])
def test_a_tokenizer_is_compared_with_what_it_was_and_not_with_ours(
    exported: Path, folders: dict[str, Path], change: str
) -> None:
    """An adopted one need not compose Hangul."""
    for folder in (exported, folders["tokenizer"]):
        edit_tokenizer(folder, '"type": "NFC"', change)
    check_model(str(exported), original=str(folders["tokenizer"]))


def test_weights_that_are_missing_are_found_although_transformers_only_warns(exported: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(exported / "model.safetensors")
    del weights["bert.encoder.layer.0.attention.self.query.weight"]
    save_file(weights, exported / "model.safetensors", {"format": "pt"})
    with pytest.raises(Failure, match=r"weights are missing .*query\.weight"):
        check_model(str(exported))


def test_a_diverged_model_is_found(exported: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(exported / "model.safetensors")
    weights["bert.embeddings.word_embeddings.weight"][5] = float("nan")
    save_file(weights, exported / "model.safetensors", {"format": "pt"})
    with pytest.raises(Failure, match="not finite"):
        check_model(str(exported))


def test_a_vocabulary_of_another_size_is_found(exported: Path) -> None:
    edit_tokenizer(exported, '".": 12', '".": 12, "##.": 13')
    with pytest.raises(Failure, match="scores 13 pieces, the tokenizer has 14"):
        check_model(str(exported))


def test_a_model_may_have_more_rows_than_the_tokenizer_has_pieces(exported: Path) -> None:
    """As a checkpoint with padded rows, from which training continued."""
    network = AutoModelForMaskedLM.from_pretrained(exported)
    network.resize_token_embeddings(64)
    network.save_pretrained(exported)
    check_model(str(exported))


def test_a_sentence_that_is_cut_otherwise_is_found(exported: Path, folders: dict[str, Path]) -> None:
    entry = {"text": "대한민국의 수도.", "pieces": ["[CLS]", "대한민국", "##의", "수도", ".", "[SEP]"]}
    original = folders["tokenizer"]
    write_json(original / "golden.json", [entry])
    check_model(str(exported), original=str(original))
    write_json(
        original / "golden.json", [entry | {"pieces": ["[CLS]", "대한", "##민국", "##의", "수도", ".", "[SEP]"]}]
    )
    with pytest.raises(Failure, match="not cut as when the tokenizer was built"):
        check_model(str(exported), original=str(original))


@pytest.mark.parametrize(("shift", "passes"), [(1e-7, True), (1e-3, False)])
def test_hidden_states_are_compared_with_the_export(exported: Path, model: Path, shift: float, passes: bool) -> None:
    from safetensors.torch import load_file, save_file

    weights = load_file(exported / "model.safetensors")
    weights["bert.encoder.layer.0.output.LayerNorm.bias"] += shift
    save_file(weights, exported / "model.safetensors", {"format": "pt"})
    if passes:
        check_model(str(exported), export=str(model))
    else:
        with pytest.raises(Failure, match=r"hidden states differ from the training export's by 1\.0e-03"):
            check_model(str(exported), export=str(model))


def test_a_dataset_that_lost_documents_is_found(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    (tmp_path / "texts" / "shards").mkdir(parents=True)
    pq.write_table(pa.table({"sentences": [["하나."], ["둘."]]}), tmp_path / "texts" / "shards" / "00000.parquet")
    check_dataset(str(tmp_path / "texts"), None, 2)
    with pytest.raises(Failure, match="has 2 documents, 3 were published"):
        check_dataset(str(tmp_path / "texts"), None, 3)


@pytest.mark.system
def test_the_fresh_process_can_import_neither_our_code_nor_mecab(exported: Path) -> None:
    """As a program, which blocks them; here they are imported already."""
    program = f"import sys; from runpy import run_path; main = run_path({load_back.__file__!r})['main']; print(main(['tokenizer', {str(exported)!r}])); import MeCab"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "0"
    assert "ModuleNotFoundError: import of MeCab halted" in done.stderr


def test_what_load_back_found_is_said_in_korean(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its process has none of our tables: it hands over the message with its values."""
    monkeypatch.setenv("KOBERT_LANG", "ko")
    failure = Failure("the tokenizer splits {mask}", mask="[MASK]")
    for message, values in ((failure.message, failure.values), ("{error}", {"error": "OSError: no\nfile"})):
        assert load_back.said(message, values) == 1
    said = capsys.readouterr().out
    assert [fresh_process.reason_in(line) for line in said.splitlines()] == [
        "토크나이저가 [MASK]을(를) 나눕니다",
        "OSError: no file",
    ]
    assert [fresh_process.reason_in(text) for text in ("", "Killed", "[1]")] == ["", "", ""]
