"""Stage 5 of kobert-pipeline: scores an encoder on the dev split of KLUE (Park et al. 2021), with official and corrected
metrics.

`task.py` is the contract of a task, `tasks/` has one file for each task, `metrics/` the arithmetic; `build.py` is the
stage.
"""
