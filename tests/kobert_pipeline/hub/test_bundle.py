"""What is published, file by file, and the dry run that shows it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from finished_run import PLANTED

from kobert_pipeline.ground.artifacts import read_manifest
from kobert_pipeline.ground.errors import ArtifactMismatch, InputError
from kobert_pipeline.ground.files import read_json, write_json
from kobert_pipeline.hub.bundle import Bundle, dataset_bundle, model_bundle, tokenizer_bundle
from kobert_pipeline.hub.config import HubConfig
from kobert_pipeline.hub.publishable import is_publishable
from kobert_pipeline.hub.push import Destination, describe

CONFIG = HubConfig(license="CC-BY-SA-4.0", title="Small Korean model")
PAGE = "<!doctype html><p>a run</p>"


def model_of(run: dict[str, Path]) -> Bundle:
    return model_bundle(CONFIG, "small", run, repo="me/model", page=PAGE)


def with_licences(run: dict[str, Path], **licences: str) -> None:
    path = run["corpora"] / "manifest.json"
    manifest = read_json(path)
    for name, licence in licences.items():
        manifest["summary"]["sources"][name]["license"] = licence
    write_json(path, manifest)


def test_a_model_goes_with_its_tokenizer_card_scores_page_and_manifests(run: dict[str, Path]) -> None:
    bundle = model_of(run)
    assert set(bundle.files) == {
        *("config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "vocab.txt"),
        *("README.md", "recipe.yaml", "run.html", "scores.json", ".eval_results/klue.yaml"),
        *(f"manifests/{stage}.json" for stage in ("corpora", "tokenizer", "dataset", "pretrain", "klue_eval")),
    }
    assert bundle.not_sent == ()


def test_the_card_names_the_repository_and_what_training_took(run: dict[str, Path]) -> None:
    write_json(run["pretrain"] / "run.json", {"seconds": 5400.0, "hardware": "x86_64, 2 CPU cores"})
    card = model_of(run).card
    assert 'name = "me/model"\n' in card
    assert "| hours, hardware | 1.50, x86_64, 2 CPU cores |" in card


def test_a_tokenizer_goes_without_the_sentences_it_is_checked_by(run: dict[str, Path]) -> None:
    bundle = tokenizer_bundle(CONFIG, "small", run, repo="me/tokenizer")
    assert "golden.json" in bundle.not_sent
    assert {"tokenizer.json", "vocab.txt", "README.md", "manifests/tokenizer.json"} <= set(bundle.files)
    assert all(PLANTED not in text for text in bundle.texts().values())


def test_a_corpus_goes_without_what_was_dropped_from_it(run: dict[str, Path]) -> None:
    with_licences(run, reviews="CC0-1.0")
    bundle = dataset_bundle(CONFIG, "small", run, repo="me/texts")
    assert set(bundle.files) == {"shards/00000.parquet", "README.md", "manifests/corpora.json"}
    assert "dropped.jsonl" in bundle.not_sent
    assert (bundle.license, bundle.documents) == ("other", 2)


def test_a_corpus_of_unknown_licence_is_not_given_away(run: dict[str, Path]) -> None:
    with pytest.raises(InputError, match=r"does not allow these texts to be published: reviews \(unknown\)"):
        dataset_bundle(CONFIG, "small", run, repo="me/texts")


@pytest.mark.parametrize(
    "name",
    ["optimizer.ckpt", ".env", "manifests/secrets.json", "run.json", "model.bin", "model-1.safetensors", "모델.bin"],
)
def test_a_planted_file_is_never_sent_and_named(run: dict[str, Path], name: str) -> None:
    (run["hub"] / "publish" / name).write_bytes(b"planted")
    bundle = model_of(run)
    assert name not in bundle.files
    assert bundle.not_sent == (name,)
    assert f"not sent  {name}" in describe(bundle, Destination("me/model"))
    assert not any(is_publishable(name, kind) for kind in ("model", "tokenizer", "dataset"))


def test_a_link_is_never_followed(run: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("key", encoding="utf-8")
    (run["hub"] / "publish" / "special_tokens_map.json").symlink_to(tmp_path / "secret")
    assert model_of(run).not_sent == ("special_tokens_map.json",)


def test_a_file_that_was_edited_after_it_was_checked_is_refused(run: dict[str, Path]) -> None:
    path = run["hub"] / "publish" / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(ArtifactMismatch, match=r"model\.safetensors: content changed since it was written"):
        model_of(run)


# --- the dry run -------------------------------------------------------------------------------------------------------


def test_the_dry_run_lists_every_size_the_whole_card_and_what_to_answer(run: dict[str, Path]) -> None:
    bundle = model_of(run)
    text = describe(bundle, Destination("me/model", tag="v1"), ["the licence"])
    total = sum(bundle.size(name) for name in bundle.files)
    assert text.startswith(
        f"Dry run: nothing was sent. To me/model (private model repository, branch main, tag v1) would go 15 files, {total:,} bytes"
    )
    for name in bundle.files:
        assert f"{bundle.size(name):>15,}  {name}\n" in text
    assert "\n  # Small Korean model\n" in text
    assert bundle.card.rstrip().splitlines()[-1] in text
    assert "To answer before it is sent: the licence\n" in text


def test_a_file_of_five_gigabytes_is_listed_without_being_read(run: dict[str, Path], tmp_path: Path) -> None:
    weights = tmp_path / "model.safetensors"
    with weights.open("wb") as stream:
        stream.truncate(5_000_000_000)
    bundle = model_of(run)
    bundle = dataclasses.replace(bundle, files=bundle.files | {"model.safetensors": weights})
    assert "  5,000,000,000  model.safetensors\n" in describe(bundle, Destination("me/model"))
    assert "model.safetensors" not in bundle.texts()


def test_a_public_repository_on_a_branch_is_said_so(run: dict[str, Path]) -> None:
    to = Destination("org/model", private=False, revision="실험/하나")
    fingerprint = read_manifest(run["hub"]).fingerprint[:8]
    expected = f"To org/model (public model repository, branch 실험/하나, tag run-{fingerprint})"
    assert expected in describe(model_of(run), to)


@pytest.mark.parametrize(
    "repo", ["model", "me/mo del", "me/model/more", "-me/model", "me/mo--del", "me/model.git", "", "나/모델"]
)
def test_a_repository_name_that_the_hub_would_refuse_is_an_error(repo: str) -> None:
    with pytest.raises(InputError, match="--to"):
        Destination(repo)


@pytest.mark.parametrize("name", ["-x", "a..b", "refs/heads/x", "a b", "x.lock", "x/", "a~1", "a:b"])
def test_a_branch_or_tag_that_git_would_refuse_is_an_error(name: str) -> None:
    with pytest.raises(InputError, match="--revision"):
        Destination("me/model", revision=name)
    with pytest.raises(InputError, match="--tag"):
        Destination("me/model", tag=name)
