"""What differs between two runs: settings, seeds, libraries, inputs. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kobert_pipeline.ground.contents.artifact_reader import ArtifactReader
from kobert_pipeline.ground.contents.artifact_set import ArtifactSet
from kobert_pipeline.hub.wording import one_line, plain_number
from kobert_pipeline.report.picture import STAGES

NAME = "recipe"
"""The setting of the hub stage that two recipes cannot share."""
LONGEST = 80
"""Characters of a setting's value; a longer one is cut."""
MISSING = "–"

Both = tuple[ArtifactSet, ArtifactSet]


@dataclass(frozen=True)
class Difference:
    stage: str
    what: str
    """The setting's path, `library …`, `seed` or `input …`."""
    values: tuple[str, str]
    """MISSING for a run that does not have it."""


def differences(both: Both) -> list[Difference]:
    """Everything that decides the content of a stage and is not equal in both runs, except the artifacts of other stages."""
    found = []
    for stage in common(both):
        left, right = (_decisive(artifacts.by_stage[stage]) for artifacts in both)
        for key in dict.fromkeys([*left, *right]):
            values = left.get(key, MISSING), right.get(key, MISSING)
            if values[0] != values[1] and key != NAME:
                found.append(Difference(stage, key, values))
    return found


def common(both: Both) -> list[str]:
    """Stages that both runs have finished."""
    return [stage for stage in STAGES if all(stage in artifacts.by_stage for artifacts in both)]


def shared(both: Both) -> list[str]:
    """Stages for which both runs use the same artifact."""
    left, right = (artifacts.by_stage for artifacts in both)
    return [stage for stage in common(both) if left[stage].fingerprint == right[stage].fingerprint]


def _decisive(artifact: ArtifactReader[Any]) -> dict[str, str]:
    values = flat(artifact.config) | {"seed": artifact.seed, "code version": artifact.version}
    values |= {f"library {name}": version for name, version in artifact.libraries.items()}
    values |= {f"input {name}": sha[:16] for name, sha in artifact.inputs.items() if name not in STAGES}
    return {name: shown(value) for name, value in values.items()}


def flat(value: Any, path: str = "") -> dict[str, Any]:
    """Nested settings -> `a.b` and `list[0].c` -> value."""
    if isinstance(value, Mapping) and value:
        parts = [(f"{path}.{key}" if path else str(key), inner) for key, inner in value.items()]
    elif isinstance(value, Sequence) and any(isinstance(item, Mapping) for item in value):
        parts = [(f"{path}[{number}]", inner) for number, inner in enumerate(value)]
    else:
        return {path: value}
    return {name: item for key, inner in parts for name, item in flat(inner, key).items()}


def shown(value: Any) -> str:
    """A setting's value as one short line."""
    if isinstance(value, float):
        return plain_number(value)
    text = "none" if value is None else one_line(str(value))
    return text if len(text) <= LONGEST else text[:LONGEST].rstrip() + " …"
