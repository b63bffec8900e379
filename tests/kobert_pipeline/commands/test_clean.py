"""`kobert clean`: a list with sizes, and nothing deleted without --yes."""

from pathlib import Path

from typer.testing import CliRunner

from kobert_pipeline import cli
from kobert_pipeline.ground.artifacts import Identity, Workspace


def clean(root: Path, *options: str) -> str:
    result = CliRunner().invoke(cli.app, ["clean", *options, "--artifacts", str(root)])
    assert result.exit_code == 0, result.output
    return result.output


def test_the_command_lists_and_deletes_only_with_yes(tmp_path):
    with Workspace(tmp_path, Identity("corpora", 1, {}, {}, 0, {})) as out:
        old = out.finish({}, {})
    with Workspace(tmp_path, Identity("dataset", 1, {}, {}, 0, {})) as out:
        partial = out.path
    shown = clean(tmp_path)
    assert f"corpora/{old.name}" in shown
    assert "not finished" in shown
    assert shown.splitlines()[-1].startswith("2 folders, ")
    assert shown.splitlines()[-1].endswith("Nothing was deleted; --yes deletes them.")
    assert old.is_dir()
    assert partial.is_dir()
    assert clean(tmp_path, "--yes").splitlines()[-1].startswith("Deleted 2 folders, ")
    assert not old.exists()
    assert not partial.exists()
    assert not list(tmp_path.rglob("*.lock"))
    assert clean(tmp_path, "--yes") == "Nothing to delete: recipes use all artifacts.\n"
