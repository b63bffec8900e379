"""STAGE 2: sentences -> a WordPiece tokenizer whose pieces respect morphemes."""
