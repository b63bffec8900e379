"""Measures the source of the packages by its syntax trees: sizes, import cycles, imports against the layers, equal file
names.

`python tests/support/house.py [CHECKOUT…]` prints one row per checkout; without an argument, that of this one.
"""

from __future__ import annotations

import ast
import re
import statistics
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

PACKAGES = ("kobert_pipeline", "corpora", "tokenizer", "klue_eval")
ROOT = Path(__file__).parents[2]

Function = ast.FunctionDef | ast.AsyncFunctionDef
Arrow = tuple[str, str]
"""(module that imports, module that is imported)."""


@dataclass(frozen=True)
class Module:
    """One Python file of the packages."""

    name: str
    """Full name; a package's `__init__.py` has the package's name."""
    path: Path
    source: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.source)

    @property
    def lines(self) -> int:
        return self.source.count("\n")

    @property
    def functions(self) -> Iterator[Function]:
        return (node for node in ast.walk(self.tree) if isinstance(node, Function))


@dataclass(frozen=True)
class Layer:
    """One line of the import-linter contract."""

    members: tuple[str, ...]
    independent: bool
    """Members must not import each other: they are separated by `|`, not by `:`."""


@dataclass(frozen=True)
class House:
    """The packages of a checkout."""

    modules: Mapping[str, Module] = field(repr=False)
    layers: tuple[Layer, ...]
    """Of the import-linter contract, highest first."""

    @cached_property
    def arrows(self) -> set[Arrow]:
        """Every import of a module by another, wherever it is written."""
        return {
            (module.name, target)
            for module in self.modules.values()
            for target in _imported(module, self.modules)
            if target != module.name
        }

    def layer(self, module: str) -> tuple[int, str] | None:
        """Number and member of the layer that contains the module; the longest name wins. None outside the contract."""
        found = [
            (len(member), number, member)
            for number, layer in enumerate(self.layers)
            for member in layer.members
            if module == member or module.startswith(f"{member}.")
        ]
        return max(found)[1:] if found else None

    def arrows_up(self) -> list[Arrow]:
        """Imports from a higher layer, or from another independent member of the same layer."""
        return sorted(arrow for arrow in self.arrows if self._is_up(*arrow))

    def _is_up(self, source: str, target: str) -> bool:
        above, below = self.layer(source), self.layer(target)
        if above is None or below is None or above[1] == below[1]:
            return False
        return above[0] > below[0] or (above[0] == below[0] and self.layers[above[0]].independent)

    def without_layer(self) -> list[str]:
        """Modules with statements that no layer contains."""
        return sorted(name for name, module in self.modules.items() if _statements(module) and self.layer(name) is None)

    def cycles(self) -> list[list[str]]:
        """Groups of modules that import each other, directly or over others."""
        return strong_components(self.modules, self.arrows)

    def equal_names(self) -> dict[str, list[str]]:
        """File name -> modules, for every name that occurs more than once."""
        found = defaultdict(list)
        for module in self.modules.values():
            found[module.path.name].append(module.name)
        return {name: sorted(modules) for name, modules in sorted(found.items()) if len(modules) > 1}

    def function_lines(self) -> dict[str, int]:
        """`module:line name` -> lines, from `def` to the last one."""
        return {
            f"{module.name}:{function.lineno} {function.name}": _length(function)
            for module in self.modules.values()
            for function in module.functions
        }


def read_house(root: Path = ROOT) -> House:
    """The packages under `root` and the layers of its `pyproject.toml`."""
    return House({module.name: module for module in _read_modules(root)}, read_layers(root))


def read_layers(root: Path = ROOT) -> tuple[Layer, ...]:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = (each for each in project["tool"]["importlinter"]["contracts"] if each["type"] == "layers")
    return tuple(Layer(tuple(re.split(r"\s*[|:]\s*", line)), ":" not in line) for line in contract["layers"])


def _read_modules(root: Path) -> Iterator[Module]:
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            parts = path.relative_to(root).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            yield Module(name, path.relative_to(root), path.read_text(encoding="utf-8"))


def _imported(module: Module, modules: Mapping[str, Module]) -> Iterator[str]:
    """`from package import name` is an import of the submodule `package.name` where there is one."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in modules)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                yield from (each for each in (name if name in modules else node.module,) if each in modules)


def strong_components(nodes: Iterable[str], arrows: Iterable[Arrow]) -> list[list[str]]:
    """Groups of at least two nodes each of which can be reached from each other."""
    targets = defaultdict(set)
    for source, target in arrows:
        targets[source].add(target)
    reached = {node: _reached(node, targets) for node in nodes}
    groups = {frozenset(other for other in reached[node] if node in reached[other]) for node in nodes}
    return sorted(sorted(group) for group in groups if len(group) > 1)


def _reached(start: str, targets: Mapping[str, set[str]]) -> set[str]:
    found: set[str] = set()
    waiting = [start]
    while waiting:
        new = targets.get(waiting.pop(), set()) - found
        found |= new
        waiting.extend(new)
    return found


def _length(function: Function) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def _statements(module: Module) -> list[ast.stmt]:
    """Without docstrings and `from __future__`."""
    return [
        node
        for node in module.tree.body
        if not (isinstance(node, ast.ImportFrom) and node.module == "__future__") and not is_docstring(node)
    ]


def is_docstring(node: ast.AST) -> bool:
    """A string that is a statement: of a module, class, function, or of the field above it."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


# --- annotations and docstrings ---------------------------------------------------------------------------------------


def unannotated(module: Module) -> list[str]:
    """Functions with an argument or a result without an annotation."""
    methods = {
        function
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef)
        for function in node.body
        if isinstance(function, Function)
    }
    return [
        f"{module.name}:{function.lineno} {function.name}"
        for function in module.functions
        if function.returns is None or not all(each.annotation for each in _arguments(function, function in methods))
    ]


def _arguments(function: Function, is_method: bool) -> list[ast.arg]:
    """All but `self` and `cls`."""
    given = function.args
    is_static = any(isinstance(each, ast.Name) and each.id == "staticmethod" for each in function.decorator_list)
    positional = [*given.posonlyargs, *given.args][int(is_method and not is_static) :]
    return [*positional, *given.kwonlyargs, *(each for each in (given.vararg, given.kwarg) if each)]


def public(module: Module) -> list[Function | ast.ClassDef]:
    """Functions and classes at the top of a module whose names do not begin with `_`."""
    return [
        node for node in module.tree.body if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_")
    ]


# --- words ------------------------------------------------------------------------------------------------------------


def words(module: Module) -> Iterator[tuple[int, str]]:
    """(line, text) of every name and of every string that is not a docstring."""
    docstrings = {id(node.value) for node in ast.walk(module.tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(module.tree):
        line = getattr(node, "lineno", 0)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield line, node.value
        yield from ((line, name) for name in _names(node))


def _names(node: ast.AST) -> Iterator[str]:
    for slot in ("id", "attr", "arg", "name", "asname", "module"):
        value = getattr(node, slot, None)
        if isinstance(value, str):
            yield value


# --- the table --------------------------------------------------------------------------------------------------------


def row(house: House) -> dict[str, str]:
    """Figure -> value, as the table shows them."""
    modules, functions = list(house.modules.values()), house.function_lines()
    lengths = sorted(functions.values())
    longest_file = max(modules, key=lambda module: module.lines)
    longest = max(functions, key=lambda name: functions[name])
    offered = [node for module in modules for node in public(module)]
    documented = sum(1 for node in offered if ast.get_docstring(node))
    return {
        "files": f"{len(modules)}",
        "lines": f"{sum(module.lines for module in modules):,}",
        "longest file": f"{longest_file.lines} ({longest_file.path})",
        "files over 350 lines": f"{sum(module.lines > 350 for module in modules)}",
        "longest function": f"{functions[longest]} ({longest})",
        "functions over 40 lines": f"{sum(length > 40 for length in lengths)}",
        "function lines, median / 90th percentile": (
            f"{statistics.median(lengths):g} / {statistics.quantiles(lengths, n=10)[-1]:g}"
        ),
        "functions without all annotations": f"{sum(len(unannotated(module)) for module in modules)}",
        "public names with a docstring": f"{documented} of {len(offered)}",
        "arrows up": f"{len(house.arrows_up())}",
        "modules without a layer": f"{len(house.without_layer())}",
        "import cycles": f"{len(house.cycles())}",
        "file names used more than once": f"{len(house.equal_names())}",
    }


def table(checkouts: Mapping[str, House]) -> str:
    """One column per checkout, as Markdown."""
    rows = {name: row(house) for name, house in checkouts.items()}
    figures = list(next(iter(rows.values())))
    lines = [["", *rows], ["---"] * (1 + len(rows)), *([name, *(each[name] for each in rows.values())] for name in figures)]  # fmt: skip
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main(roots: list[str]) -> None:
    checkouts = {Path(root).resolve().name: read_house(Path(root)) for root in roots or [str(ROOT)]}
    print(table(checkouts))  # noqa: T201
    for name, house in checkouts.items():
        print(f"\n{name}: file names used more than once")  # noqa: T201
        for file, modules in house.equal_names().items():
            print(f"  {file}: {', '.join(modules)}")  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1:])
