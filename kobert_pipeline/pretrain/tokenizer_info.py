"""What objectives and architectures need to know about a tokenizer."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from kobert_pipeline.morphology.auto_tokenizer import auto_tokenizer
from kobert_pipeline.morphology.byte_level import characters_spelled
from kobert_pipeline.objectives.objective import TokenizerInfo


def tokenizer_info(folder: Path) -> TokenizerInfo:
    """The ids of the special tokens, and of the tokens that may be drawn as replacements."""
    tokenizer = auto_tokenizer(folder)
    special, vocabulary = set(tokenizer.all_special_ids), tokenizer.get_vocab()
    unused = {number for piece, number in vocabulary.items() if piece.startswith("[unused")}
    ordinary = set(vocabulary.values()) - special - unused
    return TokenizerInfo(
        vocab_size=len(tokenizer),
        pad_id=tokenizer.pad_token_id,
        unk_id=tokenizer.unk_token_id,
        cls_id=tokenizer.cls_token_id,
        sep_id=tokenizer.sep_token_id,
        mask_id=tokenizer.mask_token_id,
        replacements=np.array(sorted(ordinary), dtype=np.int64),
        characters=characters_spelled(tokenizer.backend_tokenizer),
        unused=np.array(sorted(unused), dtype=np.int64),
        special=dict(zip(tokenizer.all_special_tokens, tokenizer.all_special_ids, strict=True)),
    )
