"""`hub.onnx`: ONNX files in the folder to publish, listed on the card in both languages, with an example that runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from finished_run import publish
from pushing import REPO

from kobert_pipeline import handover
from kobert_pipeline.ground.contents.hub_folder import HubFolder
from kobert_pipeline.ground.errors import InputError, RecipeError
from kobert_pipeline.hub.bundle import model_bundle
from kobert_pipeline.hub.checkpoints_on_the_way import checkpoints_of
from kobert_pipeline.hub.config import HubConfig
from kobert_pipeline.hub.publishable import is_publishable
from kobert_pipeline.recipe import load_recipe

FILES = ["onnx/model.onnx", "onnx/model_int8.onnx"]
CONFIG = HubConfig.parse({"license": "CC-BY-SA-4.0", "onnx": ["onnx", "onnx-int8"], "checkpoints": ["last"]})


@pytest.mark.system
@pytest.mark.usefixtures("without_load_back")
def test_onnx_files_are_published_listed_in_both_languages_and_their_example_runs(
    tmp_path: Path, folders: dict[str, Path]
) -> None:
    from kobert_pipeline.exporting.exported_folder import onnx_files

    pytest.importorskip("onnxruntime", reason="needs the extra onnx")
    published = publish(tmp_path, folders, CONFIG, write_onnx=onnx_files)
    contents = {name: (published / name).read_bytes() for name in FILES}
    found = HubFolder(published.parent).summary.onnx
    assert found is not None
    assert {each.name: each.size for each in found.files} == {name: len(content) for name, content in contents.items()}
    card = (published / "README.md").read_text(encoding="utf-8")
    assert all(part.count(f"`{name}`") == 1 for part in card.split("\n# 한국어\n") for name in FILES)
    assert "\n- onnx\n" in card
    example = next(block for block in re.findall(r"```python\n(.*?)```", card, re.DOTALL) if "onnxruntime" in block)
    assert len([line for line in example.splitlines() if line.strip()]) == 6
    done = subprocess.run(
        [sys.executable, "-P", "-c", example], cwd=published, capture_output=True, text=True, check=False,
        env=os.environ | {"HF_HUB_OFFLINE": "1", "PYTHONPATH": ""},
    )  # fmt: skip
    assert re.fullmatch(r"\(1, \d+, 13\)", done.stdout.strip()), done.stderr
    assert not any(place in content for content in contents.values() for place in machine())
    onnx_files(folders["pretrain"] / "model", tmp_path / "again", CONFIG.onnx)
    assert {name: (tmp_path / "again" / name).read_bytes() for name in FILES} == contents
    run = folders | {"hub": published.parent}
    pushed = model_bundle(CONFIG, "small", run, repo=REPO, page="")
    assert set(FILES) <= set(pushed.files)
    assert f'snapshot_download("{REPO}", allow_patterns="onnx/model.onnx*")' in pushed.card
    (checkpoint,) = checkpoints_of(CONFIG, "small", run, repo=REPO)
    assert not set(FILES) & set(checkpoint.bundle.files)


def machine() -> list[bytes]:
    """What the exporter could note of the machine: places of this project and of Python."""
    return [
        str(place).encode()
        for place in (Path(__file__).parents[3], Path(sys.prefix), Path.home() / "x", "torch/nn/modules")
    ]


def test_a_recipe_without_onnx_keeps_its_fingerprint_and_what_has_no_file_is_refused() -> None:
    assert "onnx" not in HubConfig().content()
    assert handover.hub_inputs(load_recipe("quickstart"), None) == {}  # type: ignore[arg-type]
    with pytest.raises(RecipeError, match=r"hub\.onnx"):
        load_recipe("quickstart", ("hub.onnx=[onnx-int4]",))
    with pytest.raises(InputError, match=r"hub\.onnx: architecture t5 is an encoder–decoder"):
        handover.check_hub(load_recipe("t5-mini", ("hub.onnx=[onnx]",)), Path())
    assert [name for name in (*FILES, "onnx/model.onnx.data", "onnx/other.onnx") if is_publishable(name)] == [
        *FILES, "onnx/model.onnx.data",
    ]  # fmt: skip
