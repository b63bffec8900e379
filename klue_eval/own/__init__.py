"""A labelled task of the user's own: a table or a CoNLL file -> a task with the same contract as KLUE's."""
