"""`kobert extend`: the checkpoint reads new words about as it read their pieces."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import published_models
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file
from transformers import AutoModelForMaskedLM, AutoTokenizer, BertConfig, BertForMaskedLM

from kobert_pipeline.extending import extend, grow
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.ground.files import read_json, write_json
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


@st.composite
def tables(draw: st.DrawFn) -> tuple[int, list[list[int]], int]:
    """Rows of a model, the rows that new ones replace, and the first new one, which may be inside or after them."""
    rows = draw(st.integers(8, 40))
    parts = draw(st.lists(st.lists(st.integers(0, 7), min_size=1, max_size=3), min_size=1, max_size=5))
    return rows, parts, draw(st.integers(8, 44))


@pytest.mark.parametrize(
    "kind", ["BertForMaskedLM", "BertForPreTraining", "RobertaForMaskedLM", "ModernBertForMaskedLM"]
)
@settings(max_examples=15)
@given(given=tables())
def test_rows_of_pieces_keep_their_values(kind: str, given: tuple[int, list[list[int]], int]) -> None:
    rows, parts, begin = given
    network = published_models.network(kind, rows, published_models.SPECIAL)
    torch.nn.init.normal_(network.get_output_embeddings().bias)
    ends = (
        network.get_input_embeddings().weight,
        network.get_output_embeddings().weight,
        network.get_output_embeddings().bias,
    )
    before = [table.detach().clone() for table in ends]
    grow(network, parts, begin)
    ends = (
        network.get_input_embeddings().weight,
        network.get_output_embeddings().weight,
        network.get_output_embeddings().bias,
    )
    assert network.config.vocab_size == max(rows, begin + len(parts))
    for old, new in zip(before, ends, strict=True):
        kept = [row for row in range(rows) if not begin <= row < begin + len(parts)]
        assert torch.equal(new[kept], old[kept])
        for place, ids in enumerate(parts):
            assert torch.allclose(new[begin + place], old[ids].mean(0))


def written(
    folder: Path, added: Sequence[str] = (), kind: str = "BertForMaskedLM", rows: int = len(PIECES), **sizes: Any
) -> Path:
    """A checkpoint whose tokenizer has more special tokens than its vocabulary."""
    folder.mkdir()
    published_models.network(kind, rows, PIECES, **sizes).save_pretrained(folder)
    normalizer = published_models.bert_normalizer(strip_accents=False, lowercase=False)
    published_models.wordpiece(PIECES, normalizer, added).save(str(folder / "tokenizer.json"))
    write_json(folder / "tokenizer_config.json", {"tokenizer_class": "PreTrainedTokenizerFast", **ROLES})
    return folder


def test_added_tokens_keep_their_ids_and_rows(corpora: Path, tmp_path: Path) -> None:
    """As of checkpoints that were fine-tuned with `<subj>` and `<obj>`, with rows rounded up."""
    checkpoint = written(tmp_path / "old", ("<subj>", "<obj>"), rows=16)
    extend(str(checkpoint), corpora, tmp_path / "new", 2, ALONE)
    (old, new), (before, after) = (
        [kind.from_pretrained(place) for place in (checkpoint, tmp_path / "new")]
        for kind in (AutoTokenizer, AutoModelForMaskedLM)
    )
    assert {token: new.get_vocab()[token] for token in old.get_vocab()} == old.get_vocab()
    assert sorted(new.get_vocab().values()) == list(range(len(PIECES) + 4))
    assert new.tokenize("<subj>환자를</subj> <obj>") == ["<subj>", "환자", "##를", *old.tokenize("</subj>"), "<obj>"]
    assert new.convert_tokens_to_ids(["<subj>", "<obj>"]) == [12, 13]
    rows = [model.get_input_embeddings().weight for model in (before, after)]
    assert torch.equal(rows[0][:14], rows[1][:14])
    assert new.mask_token == "[MASK]"
    assert (tmp_path / "new" / "vocab.txt").read_text(encoding="utf-8").splitlines()[12:] == ["<subj>", "<obj>", "치료", "환자"]  # fmt: skip


def test_the_pooler_and_the_pair_head_are_kept(corpora: Path, tmp_path: Path) -> None:
    checkpoint = written(tmp_path / "old", kind="BertForPreTraining")
    extend(str(checkpoint), corpora, tmp_path / "new", 2, ALONE)
    old, new = (load_file(place / "model.safetensors") for place in (checkpoint, tmp_path / "new"))
    assert set(new) == set(old)
    same = [name for name in old if torch.equal(old[name], new[name][: len(old[name])])]
    assert same == list(old)
    assert read_json(tmp_path / "new" / "config.json")["architectures"] == ["BertForPreTraining"]


@pytest.mark.parametrize("kind", ["BertForPreTraining", "RobertaForMaskedLM", "ModernBertForMaskedLM"])
def test_an_output_matrix_of_its_own_grows_too(kind: str, corpora: Path, tmp_path: Path) -> None:
    checkpoint = written(tmp_path / "old", kind=kind, tie_word_embeddings=False)
    extend(str(checkpoint), corpora, tmp_path / "new", 2, ALONE)
    old, new = (load_file(place / "model.safetensors") for place in (checkpoint, tmp_path / "new"))
    assert set(new) == set(old)
    assert read_json(tmp_path / "new" / "config.json")["tie_word_embeddings"] is False
    grown = [name for name in old if len(new[name]) == len(old[name]) + 2]
    assert len(grown) == (3 if kind.startswith("Modern") else 4)
    for name in grown:
        assert torch.equal(new[name][:-2], old[name])
        assert torch.allclose(new[name][-2], old[name][[PIECES.index("치"), PIECES.index("##료")]].mean(0))


def test_tokens_that_are_added_next_to_a_vocab_txt_keep_their_ids(corpora: Path, tmp_path: Path) -> None:
    """As transformers 4 saved them."""
    checkpoint = written(tmp_path / "old", rows=14)
    (checkpoint / "tokenizer.json").unlink()
    (checkpoint / "vocab.txt").write_text("\n".join(PIECES) + "\n", encoding="utf-8")
    write_json(checkpoint / "added_tokens.json", {"<subj>": 12, "<obj>": 13})
    settings = {"tokenizer_class": "BertTokenizer", "do_lower_case": False, "strip_accents": False}
    write_json(checkpoint / "tokenizer_config.json", settings)
    extend(str(checkpoint), corpora, tmp_path / "new", 2, ALONE)
    new = AutoTokenizer.from_pretrained(tmp_path / "new")
    assert new.convert_tokens_to_ids(["<subj>", "<obj>", "치료", "환자"]) == [12, 13, 14, 15]
    assert new.tokenize("<obj> 환자를") == ["<obj>", "환자", "##를"]


def test_a_tokenizer_that_transformers_reads_otherwise_is_refused(corpora: Path, tmp_path: Path) -> None:
    """WordPiece in a RoBERTa folder that does not name its class."""
    checkpoint = written(tmp_path / "old", kind="RobertaForMaskedLM")
    (checkpoint / "tokenizer_config.json").unlink()
    with pytest.raises(InputError, match=r"reads other tokens than its files hold, as RobertaTokenizer"):
        extend(str(checkpoint), corpora, tmp_path / "new", 2, ALONE)


def test_a_folder_without_a_tokenizer_is_refused(corpora: Path, tmp_path: Path) -> None:
    checkpoint = written(tmp_path / "old")
    (checkpoint / "tokenizer.json").unlink()
    with pytest.raises(InputError, match=r"it holds no tokenizer\.json or vocab\.txt\. Save the tokenizer"):
        extend(str(checkpoint), corpora, tmp_path / "new", 2, ALONE)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"model": {"type": "WordPiece"}}', "\x00"])
def test_a_tokenizer_that_does_not_load_is_one_line(content: str, corpora: Path, tmp_path: Path) -> None:
    checkpoint = written(tmp_path / "old")
    (checkpoint / "tokenizer.json").write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match="its tokenizer does not load") as caught:
        extend(str(checkpoint), corpora, tmp_path / "new", 2, ALONE)
    assert "\n" not in str(caught.value)
