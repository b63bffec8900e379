"""`kobert embed`: figures against references, training by sentence-transformers, and a folder that it loads without our code."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_exports import export_tiny
from typer.testing import CliRunner

from kobert_pipeline import cli
from kobert_pipeline.embedding.config import EmbeddingConfig
from kobert_pipeline.embedding.embedding_folder import embed_model
from kobert_pipeline.embedding.measures import anisotropy, of_vectors, rank_correlation, recall_of_topics
from kobert_pipeline.embedding.methods import METHODS, without_most
from kobert_pipeline.embedding.pair_files import Triplet, read_pairs, read_sentences, read_triplets
from kobert_pipeline.embedding.resumed import work_folder
from kobert_pipeline.embedding.word_baselines import bm25, character_tfidf, of_bags
from kobert_pipeline.ground.errors import InputError, KobertError

SAMPLE = "package:klue_eval/sample"
needs_extra = pytest.mark.skipif(
    __import__("importlib.util").util.find_spec("sentence_transformers") is None, reason="needs the extra embed"
)

# --- figures ------------------------------------------------------------------------------------------------------------


def unit(rows: Any) -> Any:
    vectors = np.asarray(rows, dtype=np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def test_anisotropy_is_the_mean_cosine_of_two_different_texts() -> None:
    vectors = unit(np.random.default_rng(0).normal(size=(50, 8)) + 0.5)
    cosines = vectors @ vectors.T
    assert anisotropy(vectors) == pytest.approx(cosines[~np.eye(50, dtype=bool)].mean(), abs=1e-6)
    assert anisotropy(unit(np.eye(4))) == pytest.approx(0)
    assert anisotropy(unit(np.ones((4, 3)))) == pytest.approx(1)


def test_recall_of_topics_counts_same_topics_among_the_ten_nearest() -> None:
    vectors = unit([[1, 0.01 * number] for number in range(12)] + [[0, 1 + 0.01 * number] for number in range(4)])
    assert recall_of_topics(of_vectors(vectors), ["a"] * 12 + ["b"] * 4) == pytest.approx(100)
    assert recall_of_topics(of_vectors(vectors), ["a"] * 15 + ["c"]) == pytest.approx(100 * (15 * 1.0) / 15, abs=8)
    assert recall_of_topics(lambda numbers: np.zeros((16, 16))[numbers], list("ab" * 8)) < 80


def test_ranks_decide_and_equal_figures_are_no_correlation() -> None:
    assert rank_correlation([0.1, 0.5, 0.9], [0, 3, 5]) == pytest.approx(100)
    assert rank_correlation([1, 1, 1], [0, 3, 5]) == 0


def test_bm25_is_that_of_the_formula() -> None:
    texts = ["비가 온다", "비가 비가 온다 내일도", "배가 고프다"]
    scores = bm25(texts)(slice(0, 3))
    from kobert_pipeline.morphology.mecab import morphemes

    words = [[morpheme.surface for morpheme in morphemes(text)] for text in texts]
    mean = sum(map(len, words)) / 3

    def expected(query: int, document: int) -> float:
        total = 0.0
        for word in set(words[query]):
            count, present = words[document].count(word), sum(word in other for other in words)
            rarity = np.log(1 + (3 - present + 0.5) / (present + 0.5))
            total += rarity * count * 2.5 / (count + 1.5 * (0.25 + 0.75 * len(words[document]) / mean))
        return total

    assert np.allclose(scores, [[expected(query, document) for document in range(3)] for query in range(3)])
    bags = character_tfidf(texts)
    assert np.allclose(np.diag(of_bags(bags)(slice(0, 3))), 1)


# --- data -------------------------------------------------------------------------------------------------------------


def test_a_file_without_scores_is_one_clear_message(tmp_path: Path) -> None:
    table = tmp_path / "sts-dev.tsv"
    table.write_text("genre\tsentence1\tsentence2\nnews\t비가 온다.\t비가 내린다.\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"sts-dev\.tsv: no column `score`; its columns are genre, sentence1, sentence2\. Without scores"):  # fmt: skip
        read_pairs(str(table))
    for cell in ("", "nan", "9", "셋"):
        table.write_text(f"score\tsentence1\tsentence2\n4.2\t가\t나\n{cell}\t다\t라\n", encoding="utf-8")
        with pytest.raises(InputError, match=r"sts-dev\.tsv, row 2: `score` is .*a number from 0 to 5"):
            read_pairs(str(table))
    result = CliRunner().invoke(cli.app, ["embed", str(tmp_path), "--sts-dev", str(tmp_path / "none.tsv")])
    assert isinstance(result.exception, KobertError)


def test_korsts_is_read_with_its_quotation_marks(tmp_path: Path) -> None:
    table = tmp_path / "sts-train.tsv"
    table.write_text('genre\tscore\tsentence1\tsentence2\nnews\t3.800\t"네" 하고 답했다.\t그는 "네"라고 했다.\n', encoding="utf-8")  # fmt: skip
    assert read_pairs(str(table)) == [('"네" 하고 답했다.', '그는 "네"라고 했다.', 3.8)]


def test_triplets_pair_each_entailment_with_a_contradiction_of_its_premise(tmp_path: Path) -> None:
    table = tmp_path / "kornli.tsv"
    rows = ["A\ta1\tentailment", "A\ta2\tentailment", "A\ta3\tcontradiction", "A\ta4\tneutral", "B\tb1\tentailment"]
    table.write_text("\n".join(["sentence1\tsentence2\tgold_label", *rows]), encoding="utf-8")
    assert read_triplets(str(table)) == [Triplet("A", "a1", "a3"), Triplet("A", "a2", "a3")]


def test_sentences_are_drawn_evenly_and_damaged_ones_keep_a_word(tmp_path: Path, tiny: Any) -> None:
    lines = tmp_path / "lines.txt"
    lines.write_text("\n".join(f"문장 {number}" for number in range(100)) + "\n문장 3\n", encoding="utf-8")
    assert read_sentences(lines, 4) == ["문장 0", "문장 25", "문장 50", "문장 75"]
    assert len(read_sentences(tiny.corpora, 20)) == 20
    damaged = [without_most("하나 둘 셋 넷 다섯 여섯 일곱 여덟 아홉 열", random.Random(seed)) for seed in range(200)]
    assert all(damaged)
    assert np.mean([len(text.split()) for text in damaged]) == pytest.approx(4, abs=0.4)


# --- training and the folder ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def encoder(tiny: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_tiny("bert", tmp_path_factory.mktemp("encoder"), tiny, tiny)


LOAD = """
import json, sys
from sentence_transformers import SentenceTransformer
model = SentenceTransformer(sys.argv[1])
vectors = model.encode(["비가 온다.", "배우들의 연기"], normalize_embeddings=True)
assert not {name for name in sys.modules if name.partition(".")[0] in ("kobert_pipeline", "klue_eval", "tokenizer", "corpora")}
print(json.dumps(vectors.tolist()))
"""


def test_a_work_folder_goes_on_with_what_was_begun_alike_and_takes_over_what_holds_nothing(tmp_path: Path) -> None:
    target, partial = tmp_path / "out", tmp_path / "out.partial"

    def die(fingerprint: str, weights: bool) -> None:
        with work_folder(target, fingerprint) as work:
            assert not (work / "before.json").exists()
            with pytest.raises(KobertError, match="another process is writing this folder"):
                work_folder(target, fingerprint).__enter__()
            if weights:
                (work / "after-0.pt").write_bytes(b"weights")
            raise OSError("dead")

    partial.mkdir()
    (partial / "before.json").write_text("{}")  # of a process that was killed before it trained
    for weights in (False, True):
        with pytest.raises(OSError, match="dead"):
            die("one", weights)
        assert partial.exists() is weights
    with pytest.raises(InputError, match="begun with another model, data or settings"):
        die("two", False)
    with work_folder(target, "one") as work:
        assert (work / "after-0.pt").read_bytes() == b"weights"
        (work / "result").mkdir()
        (work / "result" / "README.md").write_text("card")
    assert [path.name for path in target.iterdir()] == ["README.md"]
    assert not partial.exists()


KILLED = """
import json, os, signal, sys
from pathlib import Path
from kobert_pipeline.embedding import resumed, trainings
from kobert_pipeline.embedding.config import EmbeddingConfig
from kobert_pipeline.embedding.embedding_folder import embed_model
whole = resumed.save_weights
def save_weights(module, path):
    whole(module, path)
    if path.parts[-3:-1] == ("step-1", "checkpoint-2"):  # not yet complete
        os.kill(os.getpid(), signal.SIGKILL)
resumed.save_weights, trainings.SAVED_AFTER = save_weights, 0.0
embed_model(Path(sys.argv[1]), Path(sys.argv[2]), EmbeddingConfig.parse(json.loads(sys.argv[3])), Path(sys.argv[4]))
"""
"""Dies while it saves a checkpoint in the second step."""


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@needs_extra
@pytest.mark.system
def test_every_method_trains_goes_on_after_a_kill_and_loads_in_a_fresh_process(
    encoder: Path, tiny: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    steps = [{"method": name, "max_steps": 3, "batch_size": 4} for name in METHODS]
    pairs = [f"문장 {number}이다.\t{text}\t{label}" for number in range(8) for text, label in (("그렇다.", "entailment"), ("아니다.", "contradiction"))]  # fmt: skip
    (tmp_path / "nli.tsv").write_text("\n".join(["sentence1\tsentence2\tgold_label", *pairs]), encoding="utf-8")
    settings = {"steps": steps, "klue": SAMPLE, "max_length": 32, "nli_train": str(tmp_path / "nli.tsv")}
    config = EmbeddingConfig.parse(settings)
    figures = embed_model(encoder, tmp_path / "out", config, tiny.corpora)
    assert "train_runtime" not in capsys.readouterr().out
    killed = [
        sys.executable,
        "-c",
        KILLED,
        str(encoder),
        str(tmp_path / "again"),
        json.dumps(settings),
        str(tiny.corpora),
    ]
    assert subprocess.run(killed, check=False).returncode == -signal.SIGKILL
    with pytest.raises(InputError, match=r"again\.partial: begun with another model, data or settings"):
        embed_model(encoder, tmp_path / "again", config.model_copy(update={"max_length": 16}), tiny.corpora)
    assert embed_model(encoder, tmp_path / "again", config, tiny.corpora) == figures
    assert contents(tmp_path / "again") == contents(tmp_path / "out")
    assert {path.name for path in tmp_path.iterdir()} == {"out", "again", "nli.tsv"}
    assert figures["before"] != figures["after"]
    assert set(figures) == {"before", "after", "character TF-IDF", "BM25"}
    assert json.loads((tmp_path / "out" / "scores.json").read_text(encoding="utf-8")) == figures
    card = (tmp_path / "out" / "README.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in card for name in METHODS)
    done = subprocess.run(
        [sys.executable, "-P", "-c", LOAD, str(tmp_path / "out")], capture_output=True, text=True, check=False,
        cwd=tmp_path, env=os.environ | {"HF_HUB_OFFLINE": "1", "PYTHONPATH": ""},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    vectors = np.array(json.loads(done.stdout.splitlines()[-1]))
    assert vectors.shape == (2, 32)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)


@needs_extra
def test_what_does_not_fit_is_said_before_training_and_leaves_nothing(
    encoder: Path, tiny: Any, tiny_bytes: Any, tmp_path: Path
) -> None:
    def refusal(model: Path, **settings: Any) -> str:
        with pytest.raises(KobertError) as caught:
            embed_model(model, tmp_path / "out", EmbeddingConfig.parse(settings))
        assert "\n" not in str(caught.value)
        assert not [path for path in tmp_path.iterdir() if path.name.startswith("out")]
        return str(caught.value)

    assert "simcse needs sentences" in refusal(encoder, steps=[{"method": "simcse"}])
    assert "sts needs labelled pairs" in refusal(encoder, steps=[{"method": "sts"}])
    decoder = export_tiny("gpt2", tmp_path / "decoder", tiny, tiny_bytes)
    assert "gpt2 is not an encoder" in refusal(decoder)
