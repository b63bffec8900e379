"""The folder to publish: model, tokenizer, model card, scores and how they were made."""
