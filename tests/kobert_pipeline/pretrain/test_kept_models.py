"""The models of steps that `hub.checkpoints` names are exported next to the last one, which does not change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from tiny_training import SEED, config_of

from kobert_pipeline.ground.artifacts import Identity, Workspace, verify
from kobert_pipeline.ground.contents.pretrained_run import PretrainedRun
from kobert_pipeline.pretrain.build import build

SHORT = {"max_steps": 6, "validation_steps": 6, "log_steps": 2, "measured_sentences": 0, "checkpoint_minutes": 1e-6, "keep_last": 9}  # fmt: skip


def trained(root: Path, tiny: Any, *keep: int) -> Path:
    config = config_of(SHORT)
    with Workspace(root, Identity("pretrain", 1, config.content(), {}, SEED, {})) as out:
        return out.finish(build(config, tiny.tokenizer, tiny.dataset, out, seed=SEED, keep=keep), {})


def test_models_on_the_way_are_kept_and_the_last_one_stays_the_same(tiny: Any, tmp_path: Path) -> None:
    plain, kept = trained(tmp_path / "plain", tiny), trained(tmp_path / "kept", tiny, 2, 4)
    run = PretrainedRun(kept)
    assert run.kept_steps() == [2, 4]
    assert run.model_at(3) is None
    assert run.model_at(6) == run.model
    assert verify(kept) == []
    assert (run.model / "model.safetensors").read_bytes() == (plain / "model" / "model.safetensors").read_bytes()
    assert not list((kept / "run" / "checkpoints").glob("keep-*"))
    for step in (2, 4):
        folder = run.model_at(step)
        assert folder is not None
        assert {path.name for path in folder.iterdir()} == {path.name for path in run.model.iterdir()}
        state = torch.load(kept / "run" / "checkpoints" / f"step-{step:08d}.ckpt", weights_only=True)["state_dict"]
        (name,) = (name for name in state if name.endswith("word_embeddings.weight"))
        (found,) = (value for key, value in load_file(folder / "model.safetensors").items() if key.endswith("word_embeddings.weight"))  # fmt: skip
        assert torch.equal(found, state[name])
        assert not torch.equal(found, load_file(run.model / "model.safetensors")["bert.embeddings.word_embeddings.weight"])  # fmt: skip
