"""Sentence embeddings: from an encoder to a folder of sentence-transformers, trained by its own trainer and losses, and measured."""
