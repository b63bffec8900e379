"""Stage 2 of kobert-pipeline: sentences -> a WordPiece tokenizer whose pieces respect morphemes."""
