from typer.testing import CliRunner

from kobert_pipeline import cli


def test_status_says_what_would_run(tmp_path):
    result = CliRunner().invoke(cli.app, ["status", "quickstart", "--artifacts", str(tmp_path)])
    assert result.exit_code == 0
    assert result.stdout.count("would run") == 6
    assert "                      - not built yet\n" in result.stdout
