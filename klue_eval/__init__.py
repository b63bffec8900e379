"""Stage 5: scores of an encoder on KLUE (Park et al. 2021), official and corrected, on the dev split.

`task.py` is the contract of a task, `tasks/` holds one file per task, `metrics/` the arithmetic, `build.py` the stage.
"""
