"""The folder to publish (model, tokenizer, card, scores, how they were made) and its way to the Hub and back."""
