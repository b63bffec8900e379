import pytest
from typer.testing import CliRunner

from kobert_pipeline import cli
from kobert_pipeline.commands.init import write_recipe
from kobert_pipeline.ground.errors import KobertError
from kobert_pipeline.recipe import load_recipe


def test_init_writes_a_recipe_that_loads_and_never_overwrites(tmp_path):
    path = tmp_path / "mine.yaml"
    result = CliRunner().invoke(cli.app, ["init", str(path)])
    assert result.output == f"Wrote {path}. Put your files under `path`, then: kobert run {path}\n"
    text = path.read_text(encoding="utf-8")
    assert "#" in text
    assert load_recipe(str(path)).name == "mine"
    with pytest.raises(KobertError, match="exists already"):
        write_recipe(path, "quickstart")
    assert path.read_text(encoding="utf-8") == text
