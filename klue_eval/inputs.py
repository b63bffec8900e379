"""What an evaluation starts from: the model's folder, the data's files, and the hashes by which both are known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from klue_eval.config import EvaluationConfig
from klue_eval.data import (
    HUB,
    ONLY,
    SAMPLE,
    drawing_order,
    find_split,
    held_out,
    hub_repository,
    read_split,
    resolve_folder,
)
from klue_eval.examples import Row
from klue_eval.tasks import TASKS, find_task
from kobert_pipeline.ground.errors import InputError
from kobert_pipeline.ground.files import FileHashes, read_json
from kobert_pipeline.ground.fingerprints import fingerprint_of

CODE = (".py",)
"""What comes with a model and is run only where it is trusted."""

DEV, HELD_OUT = "dev", ONLY


@dataclass(frozen=True)
class TaskData:
    train: list[Row]
    """In the order of `drawing_order`."""
    dev: list[Row]
    unlabelled: int
    split: str = DEV
    """What `dev` is: the task's scored split, or HELD_OUT where it is a part of the one labelled file and `train` the rest of it."""


def data_files(config: EvaluationConfig) -> dict[str, Path]:
    """`ynat_train` -> the file it is read from, for fingerprints. Empty for data on the Hub."""
    if config.data.startswith(HUB):
        return {}
    folder = resolve_folder(config.data)
    return {
        f"{name}_{split}": find_split(name, folder, ONLY if name in config.held_out else split)
        for name in config.tasks
        for split in ("train", "dev")
    }


def hash_data(config: EvaluationConfig, root: Path) -> dict[str, str]:
    """Name of each input -> sha256 of the file, or the commit of the data set on the Hub."""
    if config.data.startswith(HUB):
        commit = _commit(hub_repository(config.data))
        return {f"{name}_{split}": commit for name in config.tasks for split in ("train", "dev")}
    hashes = FileHashes(root)
    return {name: hashes[path] for name, path in data_files(config).items()}


def _commit(repository: str) -> str:
    from huggingface_hub import HfApi

    try:
        return str(HfApi().dataset_info(repository).sha)
    except Exception as error:  # the client lets errors of its HTTP library through
        raise InputError(
            f"hub:{repository}: the Hub does not answer ({type(error).__name__}). "
            "Go online, or name a folder with KLUE's files: klue_eval.data in a recipe, --data for `kobert eval`."
        ) from None


def resolve_model(model: Path | str, trust_remote_code: bool = False) -> Path:
    """A folder as it is; a Hub id downloaded, with its Python code where that is trusted. Raises InputError for neither."""
    folder = Path(model)
    if folder.is_dir():
        if not (folder / "config.json").is_file():
            raise InputError(f"{folder}: no config.json; name a folder that `save_pretrained` wrote")
        return folder
    if isinstance(model, Path) or model.count("/") > 1:
        raise InputError(f"{model}: no such folder")
    return _download(model, CODE if trust_remote_code else ())


def _download(repository: str, code: Sequence[str]) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    patterns = ["*.json", "*.txt", "*.model", "*.safetensors", "pytorch_model*.bin", *(f"*{suffix}" for suffix in code)]
    try:
        return Path(snapshot_download(repository, allow_patterns=patterns))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        raise InputError(f"{repository}: neither a folder nor a model that can be downloaded: {error}") from None


def folder_identity(folder: Path, root: Path, trust_remote_code: bool = False) -> str:
    """Hash of the weights, the configuration and the tokenizer, and of the code where it is run."""
    hashes = FileHashes(root)
    suffixes = {".json", ".txt", ".model", ".safetensors", ".bin", *(CODE if trust_remote_code else ())}
    return fingerprint_of({path.name: hashes[path] for path in sorted(folder.iterdir()) if path.suffix in suffixes})


def untrained_identity(folder: Path, trust_remote_code: bool = False) -> str:
    """Hash of the architecture and the tokenizer: two checkpoints of one architecture share their untrained runs."""
    config = read_json(folder / "config.json")
    passing = ("_name_or_path", "architectures", "transformers_version", "dtype", "torch_dtype")
    code = sorted(path.name for path in folder.iterdir() if trust_remote_code and path.suffix in CODE)
    texts = {
        name: (folder / name).read_text(encoding="utf-8")
        for name in ("tokenizer.json", "tokenizer_config.json", "vocab.txt", *code)
        if (folder / name).is_file()
    }
    return fingerprint_of({"config": {key: config[key] for key in config if key not in passing}, **texts})


def read_task(name: str, data: str, split: str = DEV) -> TaskData:
    """Train and dev; for HELD_OUT, the one labelled file cut in two, whose larger part stands for train."""
    if split == HELD_OUT:
        whole = read_split(name, data, ONLY)
        rest, held = held_out(whole.rows)
        return TaskData(drawing_order(rest), held, whole.unlabelled, HELD_OUT)
    train, dev = read_split(name, data, "train"), read_split(name, data, "dev")
    return TaskData(
        drawing_order(train.rows), dev.rows, train.unlabelled + dev.unlabelled, find_task(name).scored_split
    )


def data_name(config: EvaluationConfig, hashes: Mapping[str, str], root: Path) -> str:
    """What the table calls the data: by content, and never by its path, which belongs to one machine."""
    if config.data.startswith(HUB):
        return config.data
    if not set(config.tasks) <= set(TASKS):
        return "released files"
    sample = hash_data(config.model_copy(update={"data": SAMPLE}), root)
    return SAMPLE if all(hashes[name] == sample[name] for name in sample) else "KLUE files"
