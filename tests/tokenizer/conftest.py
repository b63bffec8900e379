"""One small tokenizer for all tests here: 4,000 pieces learned from the sample corpus, where each line is a sentence."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tokenizers import Tokenizer

from corpora.cleaning import clean
from corpora.config import CorporaConfig, SourceConfig
from corpora.documents import Document
from corpora.inputs import input_files, read
from kobert_pipeline.morphology.mecab import separated
from tokenizer.config import TokenizerConfig
from tokenizer.load import assemble, save
from tokenizer.train import learn_vocabulary
from tokenizer.words import count_units


@dataclass(frozen=True)
class Trained:
    sentences: list[str] = field(repr=False)
    counts: Counter[str] = field(repr=False)
    config: TokenizerConfig
    special_tokens: tuple[str, ...]
    pieces: list[str] = field(repr=False)
    tokenizer: Tokenizer = field(repr=False)
    folder: Path
    """Saved, with the first 32 sentences as golden ones."""


@pytest.fixture(scope="session")
def sample_sentences() -> list[str]:
    config = CorporaConfig(sources=(SourceConfig(name="sample", path="package:corpora/sample"),))
    items = [item for file in input_files(config) for item, _ in read(file)]
    texts = [clean(item.text) for item in items if isinstance(item, Document)]
    return [line for text in texts for line in text.split("\n") if line]


@pytest.fixture(scope="session")
def trained(sample_sentences: list[str], tmp_path_factory: pytest.TempPathFactory) -> Trained:
    config = TokenizerConfig(vocab_size=4_000, ks_x_1001=False, character_coverage=1.0)
    special_tokens = ("[SEP]", "[DOC]")
    counts = count_units(map(separated, sample_sentences))
    pieces = learn_vocabulary(counts, config, special_tokens)
    tokenizer = assemble(pieces)
    folder = tmp_path_factory.mktemp("tokenizer")
    save(tokenizer, pieces, special_tokens, folder, sample_sentences[:32])
    return Trained(sample_sentences, counts, config, special_tokens, pieces, tokenizer, folder)
