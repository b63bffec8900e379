"""`tests/bench/tokenizer_question.py`: stores by the dataset stage without MeCab, bits that do not depend on how text is cut, jobs that parse."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from bare_machine import BLOCK

from klue_eval.config import EvaluationConfig
from kobert_pipeline.dataset.store import TRAIN, VALIDATION, Store
from kobert_pipeline.ground.artifacts import verify
from kobert_pipeline.objectives.objective import TokenizerInfo
from kobert_pipeline.pretrain.config import PretrainConfig

BENCH = Path(__file__).parent / "bench"
ROOT = BENCH.parent.parent
MODULES = ("tokenizer_question", "word_bits", "systems", "parts", "run", "other_tokenizers")


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.syspath_prepend(str(BENCH))
    yield importlib.import_module
    for name in MODULES:
        sys.modules.pop(name, None)


@pytest.fixture(scope="module")
def made(tiny: Any, tiny_bytes: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Packed here; unpacked and cut in a process that has neither MeCab nor what else the other machine lacks."""
    root = tmp_path_factory.mktemp("question")
    for name, folder in (("words", tiny.tokenizer), ("bytes", tiny_bytes.tokenizer)):
        shutil.copytree(folder, root / "tokenizers" / name)
    (root / "path").mkdir()
    (root / "path" / "sitecustomize.py").write_text(BLOCK)
    for arguments, path in (
        (["pack", str(tiny.corpora), "text.tar.bz2"], []),
        (["stores", "text.tar.bz2", "tokenizers", "stores"], [str(root / "path")]),
    ):
        command = [sys.executable, str(BENCH / "tokenizer_question.py"), *arguments]
        given = os.environ | {"PYTHONPATH": os.pathsep.join([str(ROOT), *path])}
        run = subprocess.run(command, cwd=root, env=given, capture_output=True, text=True, check=False)
        assert run.returncode == 0, run.stdout + run.stderr
    return root


@pytest.mark.system
def test_a_store_made_from_what_travels_is_that_of_the_stage(made: Path, tiny: Any) -> None:
    store, expected = Store(made / "stores" / "words" / "dataset"), Store(tiny.dataset)
    assert verify(store.folder) == []
    assert store.inputs == expected.inputs
    store.require_tokenizer(made / "stores" / "words" / "tokenizer")
    for split in (TRAIN, VALIDATION):
        pairs = zip(store.blocks(split), expected.blocks(split), strict=True)
        assert all(np.array_equal(store.read(one).tokens, expected.read(other).tokens) for one, other in pairs)


@pytest.mark.system
def test_all_stores_measure_the_same_sentences(made: Path, bench: Any) -> None:
    bits = bench("word_bits")
    common = [bits.read_json(made / "stores" / name / "dataset" / bits.COMMON) for name in ("words", "bytes")]
    assert common[0] == common[1]
    assert 0 < common[0]["usable"] <= common[0]["of"]
    texts = bits.validation_texts(made / "stores" / "corpora", made / "stores" / "words" / "dataset")
    assert all(len(texts[name][row]) == size for name, row, size in common[0]["sentences"])


def test_what_follows_in_the_eojeol_is_masked_too(bench: Any) -> None:
    starts = np.array([True, False, False, True])
    assert bench("word_bits").masked_places(starts, words=True).astype(int).tolist() == [
        [1, 1, 1, 0],
        [0, 1, 1, 0],
        [0, 0, 1, 0],
        [0, 0, 0, 1],
    ]
    assert np.array_equal(bench("word_bits").masked_places(starts, words=False), np.eye(4, dtype=bool))


class Remembering:
    """Knows an eojeol by heart as soon as it sees one of its tokens: 1 bit for the first token, 0 for the others."""

    def __init__(self, info: TokenizerInfo) -> None:
        self.student, self.info = self, info

    def hidden(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        masks = (batch["input_ids"] == self.info.mask_id).sum(1)
        return masks[:, None, None].expand(*batch["input_ids"].shape, 1).float()

    def logits(self, head: str, states: torch.Tensor) -> torch.Tensor:
        """Token 7 has half of the probability where all of its eojeol is masked, and all of it elsewhere."""
        first = torch.full((8,), -1e9)
        first[6:] = 0.0
        known = torch.full((8,), -1e9)
        known[7] = 0.0
        return torch.where(states == self.tokens, first, known)

    tokens = 0


@pytest.mark.parametrize("tokens", [2, 3, 5])
def test_an_eojeol_costs_what_it_costs_however_it_is_cut(bench: Any, tokens: int) -> None:
    """One bit for the eojeol, ten characters: a tenth. With single masks the same model looks as if it knew everything."""
    bits = bench("word_bits")
    info = TokenizerInfo(8, 0, 1, 2, 3, 4, np.arange(5, 8))
    model, starts = Remembering(info), np.arange(tokens) == 0
    model.tokens = tokens
    for words, expected in ((True, 0.1), (False, 0.0)):
        rows = bits.copies(np.full(tokens, 7), starts, info, 3, words=words)
        batch = {name: torch.from_numpy(array) for name, array in rows.items()}
        characters = torch.zeros(bits.GROUPS, dtype=torch.int64)
        characters[3] = 10
        found = bits.bits(model, [batch | {"characters": characters}], torch.device("cpu"))
        assert found[0] == pytest.approx(expected, abs=1e-6)
        assert found[4] == pytest.approx(expected, abs=1e-6)


def test_errors_of_differences_are_those_of_pairs(bench: Any) -> None:
    bits = bench("word_bits")
    groups = np.random.default_rng(0).normal(2, 0.3, bits.GROUPS)
    one, other = (
        {"word_bits": value.mean()} | {f"word_bits_{number:02}": float(each) for number, each in enumerate(value)}
        for value in (groups, groups + 0.1)
    )
    mean, error = bits.bits_and_error(one)
    assert (mean, error) == (pytest.approx(groups.mean()), pytest.approx(groups.std(ddof=1) / bits.GROUPS**0.5))
    assert bits.difference(other, one) == (pytest.approx(0.1), pytest.approx(0, abs=1e-9))


def test_jobs_are_settings_of_the_stages(bench: Any, tiny: Any, tmp_path: Path) -> None:
    shutil.copytree(tiny.tokenizer, tmp_path / "plain")
    shutil.copytree(tiny.tokenizer, tmp_path / "ours")
    found = list(bench("tokenizer_question").jobs(tmp_path, (42, 43)))
    assert [job["name"] for job in found] == [
        f"tokenizers/{name}/{seed}" for seed in (42, 43) for name in ("ours", "plain")
    ]
    for job in found:
        config = PretrainConfig.parse(job["pretrain"])
        assert config.max_tokens
        assert config.max_steps is None
        assert (config.precision, config.measured_sentences) == ("fp32", 100)
        assert EvaluationConfig.parse(job["scores"][0] | {"data": "package:klue_eval/sample"}).tasks == ("ynat",)


def test_the_table_compares_on_the_same_sentences(bench: Any, tiny: Any, tmp_path: Path) -> None:
    for name in ("ours", "plain"):
        shutil.copytree(tiny.tokenizer, tmp_path / name)
    groups = np.random.default_rng(1).normal(2, 0.3, 20)
    results = []
    for name, worse in (("plain", 0.25), ("ours", 0.0)):
        found = {
            f"{figure}_{number:02}": value + worse
            for figure in ("word_bits", "token_bits")
            for number, value in enumerate(groups)
        }
        found |= {"word_bits": groups.mean() + worse, "token_bits": 1.5}
        line = {
            "name": f"tokenizers/{name}/42",
            "what": "trained",
            "measures": found,
            "tokens": 8_200_000,
            "parameters": 5_000_000,
        }
        results += [line, {"name": f"tokenizers/{name}/42", "what": "scored", "values": [60.0, 62.0]}]
    ours, plain = bench("tokenizer_question").rows_of([*results, {"name": "other/1", "what": "done"}], tmp_path)
    assert (ours["tokenizer"], plain["tokenizer"]) == ("ours", "plain")
    assert plain["from ours"] == "+0.250 ± 0.000"
    assert plain["YNAT"] == "61.0 (60.0 to 62.0)"
    assert float(plain["bits"]) == pytest.approx(groups.mean() + 0.25, abs=1e-3)
