"""The extra `mteb`: its Korean benchmark exists, and it measures a folder of `kobert embed` as `kobert embed` does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tiny_exports import export_tiny

from kobert_pipeline.embedding.config import EmbeddingConfig
from kobert_pipeline.embedding.embedding_folder import embed_model
from kobert_pipeline.embedding.pair_files import klue_pairs

SAMPLE = "package:klue_eval/sample"
README = Path(__file__).parents[3] / "kobert_pipeline" / "embedding" / "README.md"
BENCHMARK = "MTEB(kor, v2)"


@pytest.mark.system
def test_mteb_measures_klue_sts_as_kobert_embed_does(tiny: Any, tmp_path: Path) -> None:
    mteb = pytest.importorskip("mteb", reason="needs the extra mteb")
    from datasets import Dataset
    from sentence_transformers import SentenceTransformer

    tasks = {type(task).__name__: type(task) for task in mteb.get_benchmark(BENCHMARK).tasks}

    class FromTheSample(tasks["KlueSTS"]):  # type: ignore[misc]
        """The same task on the bundled rows: the network is not there."""

        def load_data(self, *_: Any, **__: Any) -> None:
            rows = [{"sentence1": one, "sentence2": other, "score": score} for one, other, score in klue_pairs(SAMPLE, "dev")]  # fmt: skip
            self.dataset, self.data_loaded = {"validation": Dataset.from_list(rows)}, True

    encoder = export_tiny("bert", tmp_path / "encoder", tiny, tiny)
    figures = embed_model(encoder, tmp_path / "out", EmbeddingConfig.parse({"klue": SAMPLE}))
    model = SentenceTransformer(str(tmp_path / "out"))
    (found,) = mteb.evaluate(model, FromTheSample(), cache=None, show_progress_bar=False).task_results
    assert 100 * found.get_score() == pytest.approx(figures["before"]["KLUE-STS dev: Spearman"], abs=0.01)
    assert f'mteb run -m FOLDER -b "{BENCHMARK}"' in README.read_text(encoding="utf-8")
