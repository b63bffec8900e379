import platform
import subprocess
import sys

import pytest

FAULTS = """
import resource, sys
import torch
from kobert_pipeline.training.memory import keep_freed_memory
if sys.argv[1] == "keep":
    assert keep_freed_memory()
def faults(): return resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10): torch.ones(12_000_000).sum()
before = faults()
for _ in range(10): torch.ones(12_000_000).sum()
print(faults() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="the C library is not glibc")
@pytest.mark.system
def test_large_arrays_are_not_given_back_and_taken_again():
    """An array of 48 MB has 11,719 pages of 4 KiB."""

    def faults(mode: str) -> int:
        done = subprocess.run([sys.executable, "-c", FAULTS, mode], capture_output=True, text=True, check=True)
        return int(done.stdout)

    assert faults("keep") < faults("leave") / 3
