"""Readers of artifacts: typed summaries, and files that are compared with the manifest when the folder is opened."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from tiny_training import train

from kobert_pipeline.ground.artifacts import Identity, Workspace, read_manifest
from kobert_pipeline.ground.contents.artifact_reader import library_versions
from kobert_pipeline.ground.contents.corpus import Corpus
from kobert_pipeline.ground.contents.cost import Cost
from kobert_pipeline.ground.contents.hub_folder import HubFolder
from kobert_pipeline.ground.contents.pretrained_run import PretrainedRun
from kobert_pipeline.ground.contents.token_store import TokenStore
from kobert_pipeline.ground.contents.tokenizer_folder import TokenizerFolder
from kobert_pipeline.ground.errors import ArtifactMismatch

SUMMARIES: dict[str, dict[str, Any]] = {
    "corpora": {
        "sources": {
            "wiki": {
                "license": "CC-BY-SA-4.0", "continuity": True,
                "counts": {"documents": 10, "kept": 8, "too_short": 2, "duplicate": 0, "sentences": 30, "bytes": 300, "raw_bytes": 400},
                "dropped_sentences": {"duplicate": 3}, "personal_data": {"phone": 2, "email": 0}, "encodings": {"utf-8": 1},
            },
            "reviews": {
                "license": "unknown", "continuity": False,
                "counts": {"documents": 5, "kept": 5, "sentences": 10, "bytes": 100, "raw_bytes": 100},
                "dropped_sentences": {"contaminated": 1, "duplicate": 4}, "personal_data": {"phone": 1}, "encodings": {"cp949": 2},
            },
        },
        "totals": {"documents": 15, "kept": 13, "too_short": 2, "duplicate": 0, "sentences": 40, "bytes": 400, "raw_bytes": 500},
        "near_duplicates": {"clusters": 1, "documents": 2, "largest": 3},
        "decontamination": {"files": ["ynat_dev.json"], "ngrams": 12},
    },
    "tokenizer": {
        "vocab_size": 12, "inner_pieces": 4, "distinct_morphemes": 7,
        "training_text": {"eojeols": 9, "pieces_per_eojeol": 2.0, "unknown_share": 0.0, "inner_share": 0.4, "cut_f1": 0.8},
    },
    "dataset": {
        "vocab_size": 12, "files": {"train": {"00000.arrow": 3}, "validation": {"00000.arrow": 1}},
        "train": {"documents": 2, "sentences": 3, "tokens": 20}, "validation": {"documents": 1, "sentences": 1, "tokens": 5},
        "sources": [{"name": "wiki", "continuity": True, "tokens": 20}], "unigram_entropy": 2.5, "annotations": ["eojeol_start"],
    },
    "pretrain": {
        "objective": "mlm", "architecture": "bert", "use": "fill_mask", "parameters": 1000, "steps": 10, "tokens": 500, "epochs": 2,
        "unigram_entropy": 2.5, "headline": "mlm", "chance": {"value": 2.5, "name": "unigram entropy"},
        "figures": [
            {"name": "mlm", "title": "Masked language model loss", "unit": "nats", "chance": 2.5, "better": -1, "group": ""},
            {"name": "mlm_accuracy_noun", "title": "noun", "unit": "share", "chance": None, "better": 1, "group": "part of speech"},
            {"name": "mlm_accuracy_verb", "title": "verb", "unit": "share", "chance": None, "better": 1, "group": "part of speech"},
        ],
        "validation": [{"step": 0, "tokens": 0, "mlm": 2.6}, {"step": 10, "tokens": 500, "mlm": 2.1, "mlm_accuracy_noun": 0.2}],
        "measures": {"pseudo_perplexity": 8.2},
    },
    "hub": {"files": {"README.md": 120}, "load_back": "ok"},
}  # fmt: skip
READERS = {reader.stage: reader for reader in (Corpus, TokenizerFolder, TokenStore, PretrainedRun, HubFolder)}


def finished(root: Path, stage: str, run: dict[str, Any] | None = None) -> Path:
    """An artifact with one file, `part/file.txt`, and a curve."""
    with Workspace(root, Identity(stage, 1, {"mask_personal_data": True}, {}, 0, {stage: "1.0"})) as out:
        (out.path / "part").mkdir()
        (out.path / "part" / "file.txt").write_text("내용", encoding="utf-8")
        (out.path / "losses.csv").write_text("step,mlm,mfu\n1,2.5,\n2,2.25,0.5\n", encoding="utf-8")
        return out.finish(SUMMARIES[stage], run or {})


@pytest.mark.parametrize("stage", READERS)
def test_a_file_that_is_missing_or_cut_off_is_named_when_the_artifact_is_opened(stage, tmp_path):
    folder = finished(tmp_path, stage)
    assert READERS[stage](folder).summary
    (folder / "part" / "file.txt").write_bytes(b"x")
    with pytest.raises(ArtifactMismatch, match=r"file\.txt: has 1 bytes, not the 6 .*run the .* stage again") as error:
        READERS[stage](folder)
    assert str(error.value).count("\n") == 0
    (folder / "part" / "file.txt").unlink()
    with pytest.raises(ArtifactMismatch, match=r"file\.txt: is missing"):
        READERS[stage](folder)


@pytest.mark.parametrize("stage", READERS)
def test_a_manifest_can_be_read_without_its_files(stage, tmp_path):
    manifest = read_manifest(finished(tmp_path, stage))
    reader = READERS[stage].of(manifest)
    assert reader.summary == READERS[stage](tmp_path / stage / manifest.fingerprint[:16]).summary
    assert (reader.fingerprint, reader.bytes) == (manifest.fingerprint, 6 + len("step,mlm,mfu\n1,2.5,\n2,2.25,0.5\n"))


def test_the_artifact_of_another_stage_is_refused(tmp_path):
    with pytest.raises(ArtifactMismatch, match="of the stage hub, not of corpora"):
        Corpus(finished(tmp_path, "hub"))


@pytest.mark.parametrize("stage", READERS)
def test_every_figure_that_a_summary_lacks_is_named(stage, tmp_path):
    manifest = read_manifest(finished(tmp_path, stage))
    first = next(iter(SUMMARIES[stage]))
    short = dataclasses.replace(
        manifest, summary={name: value for name, value in manifest.summary.items() if name != first}
    )
    with pytest.raises(ArtifactMismatch, match=f"{first}: Field required"):
        _ = READERS[stage].of(short).summary


def test_a_corpus_tells_what_became_of_each_source(tmp_path):
    corpus = Corpus(finished(tmp_path, "corpora"))
    sources = {source.name: source for source in corpus.summary.sources}
    assert (sources["wiki"].kept, sources["wiki"].share, sources["wiki"].drops) == (8, 0.75, {"too_short": 2})
    assert not sources["reviews"].continuity
    assert corpus.summary.licences == {"reviews": "unknown", "wiki": "CC-BY-SA-4.0"}
    total = corpus.summary.total
    assert (total.documents, total.share, total.drops) == (15, 1.0, {"too_short": 2})
    assert (total.dropped_sentences, total.personal_data) == ({"contaminated": 1, "duplicate": 7}, {"phone": 3})
    assert corpus.summary.near_duplicates is not None
    assert corpus.summary.decontamination is not None
    assert corpus.summary.decontamination.files == ("ynat_dev.json",)
    assert corpus.masks_personal_data
    assert (corpus.shards(), corpus.dropped_samples, corpus.near_duplicates) == ([], None, None)


def test_a_pretraining_tells_how_much_better_than_chance_it_ended(tmp_path):
    run = PretrainedRun(finished(tmp_path, "pretrain"))
    summary = run.summary
    loss = summary.headline_figure
    assert (summary.start(loss), summary.end(loss)) == (2.6, 2.1)
    assert summary.gain == pytest.approx(0.4)
    assert not summary.is_trial
    assert [figure.name for figure in summary.overall] == ["mlm"]
    assert [figure.name for figure in summary.group("part of speech")] == ["mlm_accuracy_noun"]
    assert summary.last["step"] == 10
    assert isinstance(summary.last["step"], int)
    assert (summary.warnings, summary.packing, summary.measures) == ({}, (), {"pseudo_perplexity": 8.2})
    assert run.curve() == [{"step": 1.0, "mlm": 2.5}, {"step": 2.0, "mlm": 2.25, "mfu": 0.5}]
    assert run.speed() == []


def test_the_cost_of_an_artifact_is_read_from_its_run_record(tmp_path):
    run = {"seconds": 7200.0, "peak_mib": 512, "hardware": "8 CPU cores"}
    cost = HubFolder(finished(tmp_path, "hub", run)).cost
    assert cost == Cost(7200.0, 512, "8 CPU cores")
    assert cost.hours == 2
    assert Corpus(finished(tmp_path, "corpora")).cost is None


def test_the_libraries_of_all_stages_are_one_sorted_list(tmp_path):
    artifacts = {stage: READERS[stage](finished(tmp_path, stage)) for stage in ("hub", "dataset")}
    assert list(library_versions(artifacts)) == ["dataset", "hub"]


def test_the_stages_artifacts_are_read(tiny):
    corpus, tokenizer, store = Corpus(tiny.corpora), TokenizerFolder(tiny.tokenizer), TokenStore(tiny.dataset)
    assert [shard.name for shard in corpus.shards()] == ["00000.parquet", "00001.parquet"]
    assert tokenizer.summary.vocab_size == store.summary.vocab_size
    assert tokenizer.golden.is_file()
    assert [source.name for source in store.summary.sources] == [source.name for source in corpus.summary.sources]
    assert sum(source.tokens for source in store.summary.sources) == store.summary.train.tokens


def test_what_pretraining_writes_is_read(tiny, tmp_path):
    run = PretrainedRun(train(tmp_path, tiny, max_steps=4, validation_steps=2, log_steps=2))
    summary = run.summary
    assert summary.figures[0].name == summary.headline == "mlm"
    assert [row["step"] for row in summary.validation] == [0, 2, 4]
    assert summary.gain == summary.chance.value - summary.last["mlm"]
    assert set(summary.measures) <= {figure.name for figure in summary.figures}
    assert [row["step"] for row in run.curve()] == [2.0, 4.0]
    assert (run.model / "config.json").is_file()
