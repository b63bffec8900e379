"""Settings of the tokenizer stage."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from kobert_pipeline.ground.config import Config, runtime
from kobert_pipeline.ground.stage import StageSpec
from tokenizer.words import Digits

SPEC = StageSpec(name="tokenizer", version=5, libraries=("tokenizers", "mecab-python3", "python-mecab-ko-dic"))


class TokenizerConfig(Config):
    adopt: str | None = runtime(None)
    """A WordPiece tokenizer that exists, taken as it is instead of learning one: a folder (such as `kobert extend` writes) or
    `hub:owner/name`. No other setting of this section counts then. Its files are part of the fingerprint, its path is not."""
    vocab_size: int = Field(32_000, ge=512)
    """Exact number of pieces, special and unused ones included. A multiple of 64 is fastest on a GPU."""
    morpheme: Literal["training", "none", "inference"] = "training"
    """`training`: MeCab-ko morphemes bound the pieces while the vocabulary is learned; at use it is plain WordPiece.
    `none`: plain WordPiece over eojeols, the baseline. `inference`: MeCab cuts first at use, too; whoever loads the tokenizer
    needs MeCab, and `trust_remote_code=True`."""
    left_space_penalty: bool = False
    """Let MeCab find morphemes as mecab-ko does: a particle, ending or suffix behind a space costs more, so that 이하 in
    백 명 이하는 is one noun, not 이+하. Exact, and slower. Without effect where `morpheme` is `none`."""
    ks_x_1001: bool = True
    """Give rows, word-initial and inner, to all 2,350 Hangul syllables of KS X 1001 and to every other that occurs, so that
    no Korean word is ever [UNK]; and to the enclosed letters ㈀ to ㈜ and ㉠ to ㉻, which number lists. Small vocabularies:
    false; then syllables are kept by `character_coverage` like the rest."""
    syllable_min_frequency: int = Field(1, ge=1)
    """How often a syllable outside KS X 1001 has to occur for its two rows. In 363 MB of text there are 1,386 such syllables,
    1,073 of them five times or less, most in slips of the keyboard. Rarer ones are kept by `character_coverage`."""
    character_coverage: float = Field(0.9999, gt=0, le=1)
    """Characters get rows by frequency until they make up this share of the text; what is rarer becomes [UNK]. Letters and
    marks of other scripts get rows for the beginning of words or for inside, as they occur; all else for both."""
    digits: Digits = "whole"
    """`whole`: numbers are learned like other words. `pairs`, `single`: a number falls into words of two digits or one, from
    its left, so that no two numbers differ by chance; it costs pieces."""
    min_frequency: int = Field(2, ge=1)
    """A pair of pieces that occurs less often is not merged."""
    surplus: float = Field(1.25, ge=1, le=4)
    """So many pieces are learned for each that stays: those go again that help least to cut the text as its morphemes do. 1
    keeps all that are learned. Only where `morpheme` is `training`: otherwise no piece can swallow a boundary, or none is known."""
    cut_price: float = Field(1.0087, ge=0, le=2)
    """What a cut weighs beside a wrong cut when pieces go again: at 0 agreement with morphemes alone decides; at 1 a boundary
    may be swallowed where that costs nothing else; above 1 more and more frequent words and endings (`있다`, `##에서는`) stay one
    piece. Fewer pieces an eojeol, for fewer cuts where morphemes meet. Without effect where `surplus` is 1."""
    source_exponent: float = Field(0.5, ge=0, le=1)
    """A source of the corpus weighs by its size to this power (Conneau et al. 2020 draw languages so): at 1 as it is, at 0 all
    alike. At less than 1, an encyclopedia of 240 MB does not leave 1 MB of news without words."""
    unused_tokens: int = Field(128, ge=0)
    """Rows `[unused0]`, `[unused1]`, … kept free for later use."""

    @model_validator(mode="after")
    def _mecab_at_use_is_plain(self) -> Self:
        if self.morpheme != "inference":
            return self
        if self.adopt is not None:
            raise ValueError("an adopted tokenizer cuts as it does: leave `adopt` out, or `morpheme: inference`")
        if self.left_space_penalty:
            raise ValueError(
                "the code that comes with `morpheme: inference` knows no left-space penalty: set left_space_penalty: false"
            )
        return self
