"""STAGE 3: sentences + tokenizer -> a token store that knows no objective, and plans of examples drawn from it."""
