"""STAGE 3: sentences + tokenizer -> a token store that depends on no objective, and plans of the examples drawn from
it."""
