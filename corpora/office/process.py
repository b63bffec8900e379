"""The parser of office documents, as a process that answers one question at a time and is started when it is needed."""

from __future__ import annotations

import atexit
import functools
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Converted:
    """What became of a file."""

    text: str = ""
    reason: str = ""
    """Why there is no text; empty if there is some."""
    parts: Sequence[tuple[str, str]] = ()
    """Pages that could not be read: (reason, number from 1)."""


class Converter:
    """Parses documents in a process of its own (`corpora.office.worker`), which a hostile file may take down."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def convert(self, path: str) -> Converted:
        """Gives the text of a file, or the reason why there is none: `too_slow` and `parser_died` if the process ended."""
        process = self._running()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(json.dumps(path) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            return Converted(reason=self._death(process))
        answer = json.loads(line)
        parts = [(reason, number) for reason, number in answer.get("parts", ())]
        return Converted(answer.get("text", ""), answer.get("reason", ""), parts)

    def _running(self) -> subprocess.Popen[str]:
        if self._process is not None and self._process.poll() is not None:
            self.close()
        return self._process or self._start()

    def _start(self) -> subprocess.Popen[str]:
        """A session of its own: Ctrl-C is for the parent, whose end the process sees as the end of its input."""
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONIOENCODING": "utf-8"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", "corpora.office.worker"], env=environment, encoding="utf-8", start_new_session=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        atexit.register(self.close)
        return self._process

    def _death(self, process: subprocess.Popen[str]) -> str:
        self.close()
        return "too_slow" if process.returncode == -signal.SIGPROF else "parser_died"

    def close(self) -> None:
        """Ends the process, if there is one."""
        process, self._process = self._process, None
        if process is not None:
            atexit.unregister(self.close)
            process.communicate()


@functools.cache
def converter() -> Converter:
    """The converter of this process."""
    return Converter()
