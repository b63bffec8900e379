"""Scores without training: a model that writes chooses the label word that is likeliest after a prompt (Brown et al. 2020, section
2.4). EleutherAI's lm-evaluation-harness builds the prompts and computes the likelihoods; its task files are the YAML files here."""
