"""A process as it is on the machine that is lent to us with a GPU: without these packages. Written as `sitecustomize.py`, BLOCK hides them."""

from __future__ import annotations

MISSING = (
    "MeCab",
    "datasets",
    "defusedxml",
    "ftfy",
    "jmespath",
    "kss",
    "mwparserfromhell",
    "rensa",
    "selectolax",
    "stdnum",
)
"""What of our dependencies is not on the machine of the proof."""

BLOCK = f"""
import sys

class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {MISSING}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Missing())
"""
