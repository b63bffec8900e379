"""The rules of the house, measured: sizes, one-way imports, names that cannot be confused. `make house` prints the
figures."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from house import House, Layer, Module, read_house, row, strong_components, unannotated, words

ROOT = Path(__file__).parents[1]
FILE_LINES, FUNCTION_LINES = 350, 40
SHARED_NAMES = {
    "__init__.py": "Python's name",
    "build.py": "the entry of a stage: every stage has one",
    "config.py": "the settings of a stage: every stage has one",
}
"""File names that may occur in several packages, with the reason."""
COMMANDS = "kobert_pipeline.commands."
"""A file of this package has the name of its command: `commands/push.py` reads the arguments of `kobert push` and calls `hub/push.py`."""
OUTSIDE_THE_LAYERS = {"kobert_pipeline": "holds the version, and looks whether the packages next to it are its own"}

MASKED = re.compile(r"(?<![A-Za-z])(?i:mlm|nsp)(?![a-z])|\[MASK\]|AutoModelForMaskedLM")
"""Words that only masked language models need."""
ROOMS_OF_MASKING = tuple(f"kobert_pipeline.{room}" for room in ("objectives", "masking", "uses", "recipes", "architectures", "tour"))  # fmt: skip
SPEAK_OF_MASKS = {
    "tokenizer.train": "lists the special tokens of the vocabulary, [MASK] among them",
    "kobert_pipeline.ground.korean.help_texts": "translates the help of every use",
    "kobert_pipeline.ground.korean.setting_errors": "translates the errors of every objective",
}
"""Modules elsewhere that may use these words, with the reason."""


@pytest.fixture(scope="module")
def house() -> House:
    return read_house()


def assert_none(found: Iterable[str]) -> None:
    """Fails with every entry on a line of its own."""
    __tracebackhide__ = True
    entries = list(found)
    assert not entries, "\n".join(["", *entries])


def test_no_file_is_longer_than_350_lines(house: House) -> None:
    assert_none(f"{module.path}: {module.lines}" for module in house.modules.values() if module.lines > FILE_LINES)


def test_no_function_is_longer_than_40_lines(house: House) -> None:
    assert_none(f"{name}: {lines}" for name, lines in house.function_lines().items() if lines > FUNCTION_LINES)


def test_every_function_is_annotated(house: House) -> None:
    assert_none(function for module in house.modules.values() for function in unannotated(module))


def test_no_files_import_each_other(house: House) -> None:
    assert_none(" <-> ".join(group) for group in house.cycles())


def test_no_import_leads_up_or_across_the_layers(house: House) -> None:
    assert_none(f"{source} -> {target}" for source, target in house.arrows_up())


def test_every_module_belongs_to_a_layer(house: House) -> None:
    assert_none(name for name in house.without_layer() if name not in OUTSIDE_THE_LAYERS)


def test_no_file_name_occurs_twice_where_a_reader_could_confuse_the_two(house: House) -> None:
    assert_none(f"{name}: {', '.join(modules)}" for name, modules in confusable(house))


def confusable(house: House) -> Iterator[tuple[str, list[str]]]:
    for name, modules in house.equal_names().items():
        others = [module for module in modules if not module.startswith(COMMANDS)]
        if name not in SHARED_NAMES and len(others) > 1:
            yield name, others


def test_only_the_rooms_of_masking_speak_of_masks(house: House) -> None:
    assert_none(masked_words(house))


def masked_words(house: House) -> Iterator[str]:
    for module in house.modules.values():
        if module.name.startswith(ROOMS_OF_MASKING) or module.name in SPEAK_OF_MASKS:
            continue
        yield from (f"{module.path}:{line}: {text}" for line, text in words(module) if MASKED.search(text))


def test_no_template_speaks_of_masks() -> None:
    paths = [path for pattern in ("*.jinja", "*.js") for path in sorted((ROOT / "kobert_pipeline").rglob(pattern))]
    assert paths
    lines = ((path, line) for path in paths for line in path.read_text(encoding="utf-8").splitlines())
    assert_none(f"{path.name}: {line}" for path, line in lines if MASKED.search(line))


def test_the_exceptions_are_still_needed(house: House) -> None:
    assert SHARED_NAMES.keys() <= house.equal_names().keys()
    assert all(any(MASKED.search(text) for _, text in words(house.modules[name])) for name in SPEAK_OF_MASKS)


# --- the measure itself -----------------------------------------------------------------------------------------------


def small_house(**sources: str) -> House:
    """Modules `a__b` of package `a`, with the layers of three packages."""
    names = {name.replace("__", "."): source for name, source in sources.items()}
    modules = {name: Module(name, Path(name.replace(".", "/") + ".py"), source) for name, source in names.items()}
    return House(modules, (Layer(("top",), True), Layer(("left", "right"), True), Layer(("low", "base"), False)))


def test_an_import_from_below_is_an_arrow_up() -> None:
    house = small_house(top__x="from left import y", left__y="def f():\n    import top.x\n")
    assert house.arrows_up() == [("left.y", "top.x")]


def test_an_import_between_independent_packages_of_a_layer_is_an_arrow_up() -> None:
    house = small_house(left__x="from right.y import z", right__y="", low__x="import base.y", base__y="")
    assert house.arrows_up() == [("left.x", "right.y")]


def test_a_cycle_over_three_files_is_one_group() -> None:
    house = small_house(low__a="import low.b", low__b="from low import c", low__c="from low.a import x", low__d="")
    assert house.cycles() == [["low.a", "low.b", "low.c"]]
    assert strong_components("ab", [("a", "b")]) == []


def test_a_function_is_measured_from_def_to_its_last_line() -> None:
    house = small_house(low__a="@decorated\ndef f(x):\n    return (\n        x\n    )\n")
    assert house.function_lines() == {"low.a:2 f": 4}
    assert unannotated(house.modules["low.a"]) == ["low.a:2 f"]


def test_words_are_names_and_strings_but_not_docstrings() -> None:
    module = Module("a", Path("a.py"), '"""mlm"""\nfrom b import c as d\nx = f"[MASK] {y.mlm}"\n')
    found = {text for _, text in words(module)}
    assert {"c", "d", "x", "y", "mlm", "[MASK] "} <= found
    assert MASKED.search("mlm_accuracy")
    assert MASKED.search("MlmOptions")
    assert not MASKED.search("transparent")


def test_the_table_has_a_column_for_every_checkout(house: House) -> None:
    assert row(house)["import cycles"] == "0"
    assert row(small_house(low__a="def f() -> None:\n    pass\n\n\ndef g() -> None: ...\n"))["longest function"].startswith("2 ")  # fmt: skip
