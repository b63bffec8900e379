"""A model's folder that was cut off, edited or mixed up: one line that names it, in every command that reads one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from finished_run import PIECES, export_model

from klue_eval.config import EvaluationConfig
from kobert_pipeline.ground.errors import KobertError
from kobert_pipeline.pretrain.config import PretrainConfig
from kobert_pipeline.pretrain.models import require_start
from kobert_pipeline.uses import USES

NESTED = '{"a": ' * 100_000


def truncate(folder: Path, name: str) -> None:
    data = (folder / name).read_bytes()
    (folder / name).write_bytes(data[: len(data) // 2])


def write(name: str, text: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_text(text, encoding="utf-8")


def other_sizes(folder: Path) -> None:
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    (folder / "config.json").write_text(json.dumps(config | {"intermediate_size": 24}), encoding="utf-8")


DAMAGE: dict[str, Callable[[Path], object]] = {
    "weights cut off": lambda folder: truncate(folder, "model.safetensors"),
    "weights empty": write("model.safetensors", ""),
    "weights of another kind": write("model.safetensors", "<html>sign in</html>" * 40),
    "config cut off": lambda folder: truncate(folder, "config.json"),
    "config empty": write("config.json", ""),
    "config of another type": write("config.json", "[1, 2]"),
    "config nested": write("config.json", NESTED),
    "config contradicts the weights": other_sizes,
    "tokenizer cut off": lambda folder: truncate(folder, "tokenizer.json"),
    "tokenizer empty": write("tokenizer.json", ""),
    "tokenizer of another kind": write("tokenizer.json", "{}"),
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return export_model(tmp_path_factory.mktemp("whole") / "model")


@pytest.fixture
def model(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "model"))


def one_line(error: pytest.ExceptionInfo[KobertError], model: Path) -> None:
    text = str(error.value)
    assert str(model) in text or model.name in text
    assert len(text.splitlines()) == 1, text


@pytest.mark.parametrize("damage", DAMAGE)
def test_fill_names_a_damaged_model(damage: str, model: Path) -> None:
    DAMAGE[damage](model)
    with pytest.raises(KobertError) as error:
        USES["fill_mask"].load(str(model))
    one_line(error, model)


@pytest.mark.parametrize("damage", DAMAGE)
def test_an_evaluation_names_a_damaged_model(damage: str, model: Path, tmp_path: Path) -> None:
    from klue_eval.build import evaluate_model

    DAMAGE[damage](model)
    config = EvaluationConfig.parse({"tasks": ["ynat"], "protocols": {"one": {"seeds": 1, "train_rows": 8}}})
    with pytest.raises(KobertError) as error:
        evaluate_model(str(model), config, tmp_path / "artifacts", 1)
    one_line(error, model)


def names_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


@pytest.mark.parametrize("damage", [name for name in DAMAGE if not name.startswith("tokenizer")])
def test_continued_pretraining_names_a_damaged_checkpoint(damage: str, model: Path) -> None:
    from kobert_pipeline.architectures import ARCHITECTURES
    from kobert_pipeline.architectures.architecture import ModelSpec
    from kobert_pipeline.pretrain.start import load_weights

    sizes = {"layers": 1, "hidden": 8, "heads": 1, "feed_forward": 8, "positions": 32}
    config = PretrainConfig.parse(
        {
            "objective": {"name": "mlm"}, "architecture": {"name": "bert", **sizes}, "max_steps": 1,
            "phases": [{"max_length": 16, "batch_size": 1}],
        }
    )  # fmt: skip
    require_start(config, model, names_in(model))
    DAMAGE[damage](model)
    architecture = ARCHITECTURES["bert"]

    def read() -> None:
        require_start(config, model, names_in(model))
        built = architecture.build(config.sizes, ModelSpec(len(PIECES), 0, 2, 3, 16), ("tokens",))
        load_weights(built, model, architecture.weights, ("tokens",))

    with pytest.raises(KobertError) as error:
        read()
    one_line(error, model)
