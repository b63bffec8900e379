"""`kobert extend`: the checkpoint reads new words about as it read their pieces."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from transformers import AutoModelForMaskedLM, AutoTokenizer, BertConfig, BertForMaskedLM

from kobert_pipeline.extending import extend
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.ground.parallel import ALONE
from tokenizer.load import assemble, save
from tokenizer.train import ROLES

PIECES = [*ROLES.values(), "환", "##자", "##를", "치", "##료", "##한다", "."]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkpoint")
    torch.manual_seed(0)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    network = BertForMaskedLM(BertConfig(vocab_size=len(PIECES), **sizes))
    torch.nn.init.normal_(network.cls.predictions.bias)
    network.save_pretrained(folder)
    save(assemble(PIECES), PIECES, (), folder, [])
    return folder


@pytest.fixture(scope="module")
def corpora(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpora")
    (folder / "shards").mkdir()
    pq.write_table(
        pa.table({"source": ["clinic"], "sentences": [["환자를 치료한다."] * 9]}), folder / "shards" / "00000.parquet"
    )
    return folder


def test_new_rows_are_means_and_old_rows_are_unchanged(checkpoint: Path, corpora: Path, tmp_path: Path) -> None:
    added = extend(str(checkpoint), corpora, tmp_path / "out", 2, ALONE)
    assert added["pieces"] == ["치료", "환자"]
    assert added["pieces_per_eojeol"] == (3.5, 2.5)
    old = AutoModelForMaskedLM.from_pretrained(checkpoint)
    new, tokenizer = (kind.from_pretrained(tmp_path / "out") for kind in (AutoModelForMaskedLM, AutoTokenizer))
    assert tokenizer.tokenize("환자를 치료한다.") == ["환자", "##를", "치료", "##한다", "."]
    assert len(tokenizer) == new.config.vocab_size == len(PIECES) + 2
    assert (tmp_path / "out" / "vocab.txt").read_text(encoding="utf-8").split("\n")[-3:] == ["치료", "환자", ""]
    for name in ("bert.embeddings.word_embeddings.weight", "cls.predictions.bias"):
        before, after = old.state_dict()[name], new.state_dict()[name]
        assert torch.equal(after[: len(PIECES)], before)
        assert torch.allclose(after[-2], before[[PIECES.index("치"), PIECES.index("##료")]].mean(0))
        assert torch.allclose(after[-1], before[[PIECES.index("환"), PIECES.index("##자")]].mean(0))
    ids = torch.tensor([[2, 4, 7, 11, 3]])
    assert torch.allclose(new(ids).logits[..., : len(PIECES)], old(ids).logits, atol=1e-6)


def test_a_run_that_fails_leaves_no_folder_and_the_next_one_succeeds(
    checkpoint: Path, corpora: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("kobert_pipeline.extending.write_text", _fail)
        with pytest.raises(OSError, match="no space"):
            extend(str(checkpoint), corpora, tmp_path / "out", 2, ALONE)
    assert not (tmp_path / "out").exists()
    extend(str(checkpoint), corpora, tmp_path / "out", 2, ALONE)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def _fail(*_: object) -> None:
    raise OSError("no space left")


def test_an_existing_folder_is_not_written_over(checkpoint: Path, corpora: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="exists already"):
        extend(str(checkpoint), corpora, tmp_path, 2, ALONE)
