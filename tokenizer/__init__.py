"""STAGE 2: sentences -> a morpheme-aware WordPiece tokenizer."""
