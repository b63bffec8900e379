"""Banners and advice of libraries stay off the console; what they warn of is one line of ours."""

from __future__ import annotations

import logging
import warnings
from contextlib import suppress
from pathlib import Path

import pytest

from kobert_pipeline.training import quiet as module
from kobert_pipeline.training.quiet import EXPECTED, LOUD, quiet


@pytest.fixture(autouse=True)
def nothing_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_told", set())


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == module.__name__]


@pytest.mark.parametrize(
    "name", [*LOUD, "transformers.tokenization_utils_base", "lightning.pytorch.utilities.rank_zero"]
)
def test_a_warning_of_a_library_is_one_line_once(
    name: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with quiet():
        for _ in range(3):
            logging.getLogger(name).warning("The GPU is too old\n  for %s", "this build")
        logging.getLogger(name).info("GPU available: True. Tip: buy more")
        logging.getLogger(name).error("the rank %d does not answer", 3)
    library = name.partition(".")[0]
    assert lines(caplog) == [f"{library}: The GPU is too old for this build", f"{library}: the rank 3 does not answer"]
    assert capfd.readouterr() == ("", "")


def test_a_python_warning_is_one_line_unless_it_is_for_developers(caplog: pytest.LogCaptureFixture) -> None:
    with quiet():
        for category in (UserWarning, RuntimeWarning, DeprecationWarning, FutureWarning, UserWarning):
            warnings.warn(f"overflow in {category.__name__}", category, stacklevel=1)
    assert lines(caplog) == ["test_quiet.py: overflow in UserWarning", "test_quiet.py: overflow in RuntimeWarning"]


EXAMPLES = (
    "\x1b[1mBertModel LOAD REPORT\x1b[0m from: model", "This checkpoint seem corrupted. The tied weights mapping …",
    "You're resuming from a checkpoint that ended before the epoch ended and your dataloader is not resumable",
    "Checkpoint directory /a exists and is not empty.", "The `srun` command is available on your system but is not used.",
    "Detected call of `lr_scheduler.step()` before `optimizer.step()`.",
    "Please use the new API settings to control TF32 behavior",
)  # fmt: skip


def test_what_is_expected_is_not_told(caplog: pytest.LogCaptureFixture) -> None:
    with quiet():
        for text in EXAMPLES:
            warnings.warn(text, UserWarning, stacklevel=1)
            logging.getLogger("transformers").warning(text)
    assert lines(caplog) == []
    assert all(EXPECTED.values())


def test_afterwards_everything_is_as_it_was() -> None:
    def state() -> list[object]:
        kept = [logging.getLogger(name) for name in LOUD]
        return [(item.level, item.handlers, item.propagate) for item in kept] + [
            warnings.showwarning,
            warnings.filters[:],
        ]

    before = state()
    with suppress(ValueError), quiet():
        assert state() != before
        raise ValueError
    assert state() == before


def test_a_model_with_two_output_matrices_is_told(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    """A real warning of transformers: config.json says that both matrices are one, and the weights differ."""
    from safetensors.torch import load_file, save_file
    from transformers import BertConfig, BertForMaskedLM

    sizes = {
        "num_hidden_layers": 1,
        "hidden_size": 8,
        "num_attention_heads": 1,
        "intermediate_size": 8,
        "vocab_size": 9,
    }
    BertForMaskedLM(BertConfig(**sizes)).save_pretrained(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    other = {"cls.predictions.decoder.weight": weights["bert.embeddings.word_embeddings.weight"] + 1}
    save_file(weights | other, tmp_path / "model.safetensors", metadata={"format": "pt"})
    with quiet():
        BertForMaskedLM.from_pretrained(tmp_path)
    (line,) = lines(caplog)
    assert line.startswith("transformers: The tied weights mapping")
