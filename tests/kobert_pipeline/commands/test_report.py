import pytest

from kobert_pipeline.commands.report import report
from kobert_pipeline.ground.errors import KobertError


def test_two_runs_are_not_compared_with_other_tokenizers(tmp_path):
    with pytest.raises(KobertError, match="of a single run"):
        report(["quickstart", "bert-mini"], compared=["klue/bert-base"], artifacts=tmp_path)
