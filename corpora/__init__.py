"""Stage 1 of kobert-pipeline: raw text -> documents of clean sentences."""
