"""Settings of the tokenizer stage."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from kobert_pipeline.ground.config import Config, runtime
from kobert_pipeline.ground.errors import WrongValue
from kobert_pipeline.ground.stage import StageSpec
from tokenizer.words import Digits

SPEC = StageSpec(name="tokenizer", version=7, libraries=("tokenizers", "mecab-python3", "python-mecab-ko-dic"))
OF_WORDPIECE = ("ks_x_1001", "syllable_min_frequency", "character_coverage", "surplus", "cut_price")
"""Settings that mean nothing where every byte has a row."""


class TokenizerConfig(Config):
    adopt: str | None = runtime(None)
    """An existing WordPiece tokenizer, used unchanged instead of a learned one: a folder (such as `kobert extend`
    writes) or `hub:owner/name`. The other settings of this section then have no effect. Its files are part of the
    fingerprint, its path is not."""
    model: Literal["wordpiece", "bpe"] = "wordpiece"
    """`wordpiece`: BERT's. `bpe`: byte-level byte pairs, which give every text back as it was, for systems that write.
    `ks_x_1001`, `syllable_min_frequency`, `character_coverage`, `surplus` and `cut_price` then have no effect."""
    vocab_size: int = Field(32_000, ge=512)
    """Exact number of pieces, special and unused ones included. A multiple of 64 is fastest on a GPU."""
    morpheme: Literal["training", "none", "inference"] = "training"
    """`training`: while the vocabulary is learned, no piece crosses a boundary between MeCab-ko's morphemes; at use the
    tokenizer is plain WordPiece. `none`: plain WordPiece over eojeols, the baseline. `inference`: MeCab cuts first at
    use, too; whoever loads the tokenizer needs MeCab and `trust_remote_code=True`."""
    left_space_penalty: bool = False
    """Let MeCab find morphemes as mecab-ko does: a particle, ending or suffix after a space costs more, so that 이하 in
    백 명 이하는 is one noun, not 이+하. Exact, and slower. Has no effect where `morpheme` is `none`."""
    ks_x_1001: bool = True
    """Give rows, word-initial and inner, to all 2,350 Hangul syllables of KS X 1001 and to every other syllable that
    occurs, so that no Korean word is ever [UNK]; also to the enclosed letters ㈀ to ㈜ and ㉠ to ㉻, which number the items
    of lists. For small vocabularies choose false; then `character_coverage` decides about syllables like any other
    characters."""
    syllable_min_frequency: int = Field(1, ge=1)
    """How often a syllable outside KS X 1001 must occur to get its two rows. 363 MB of text have 1,386 such syllables,
    1,073 of them five times or less, most of them typing errors. `character_coverage` decides about rarer ones."""
    character_coverage: float = Field(0.9999, gt=0, le=1)
    """Characters get rows by frequency until they make up this share of the text; rarer ones become [UNK]. Letters and
    combining marks of other scripts get rows for the beginning of words or for the inside, as they occur; all others
    for both."""
    digits: Digits = "whole"
    """`whole`: numbers are learned like other words. `pairs`, `single`: a number is split from its left into words of
    two digits or one, so that all numbers are cut by one rule. This costs pieces."""
    min_frequency: int = Field(2, ge=1)
    """A pair of pieces that occurs less often is not merged."""
    surplus: float = Field(1.25, ge=1, le=4)
    """How many pieces are learned for each one that is kept. Those are removed that contribute least to cutting the
    text at its morphemes. 1 keeps all. Needs `morpheme: training`: otherwise no piece can cross a boundary, or none is
    known."""
    cut_price: float = Field(1.0087, ge=0, le=2)
    """The cost of a cut, relative to the cost 1 of a wrong cut, when pieces are removed. At 0 only agreement with
    morphemes counts. At 1 a piece may cross a boundary if nothing else gets worse. Above 1, more and more frequent
    words and endings (`있다`, `##에서는`) stay one piece: fewer pieces per eojeol, but fewer cuts where morphemes meet. Has
    no effect where `surplus` is 1."""
    source_exponent: float = Field(0.5, ge=0, le=1)
    """The weight of a source of the corpus is its size to this power (Conneau et al. 2020 sample languages in this
    way): 1 keeps the sizes, 0 makes all sources equal. Below 1, an encyclopedia of 240 MB leaves words to 1 MB of
    news."""
    unused_tokens: int = Field(128, ge=0)
    """Rows `[unused0]`, `[unused1]`, … reserved for later use."""

    @model_validator(mode="after")
    def _bytes_need_nothing_at_use(self) -> Self:
        if self.model != "bpe":
            return self
        if self.adopt is not None:
            raise WrongValue("an adopted tokenizer is WordPiece: leave out `adopt`, or `model: bpe`")
        if self.morpheme == "inference":
            raise WrongValue("`model: bpe` needs nothing at use: set morpheme: training, or model: wordpiece")
        return self

    def content(self) -> dict[str, Any]:
        """Without what has no effect, and without a model that is the default: other fingerprints stay as they are."""
        without = OF_WORDPIECE if self.model == "bpe" else ("model",)
        return {name: value for name, value in super().content().items() if name not in without}

    @model_validator(mode="after")
    def _mecab_at_use_is_plain(self) -> Self:
        if self.morpheme != "inference":
            return self
        if self.adopt is not None:
            raise WrongValue(
                "an adopted tokenizer keeps its own way of cutting: leave out `adopt`, or `morpheme: inference`"
            )
        if self.left_space_penalty:
            raise WrongValue(
                "the code that is saved with `morpheme: inference` does not support the left-space penalty: set left_space_penalty: false"
            )
        return self
