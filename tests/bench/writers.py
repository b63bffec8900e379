"""Models that write, for the minutes of two cores: jobs for `sweep.py`, and the table of what they found.

`speeds STORES` measures the CPU seconds of a token, system by system in turns, next to `modernbert-mini`, whose speed on two idle
cores is known. STORES has a folder with `tokenizer/` and `dataset/` for each tokenizer: `main` (WordPiece), `writers` (the recipe
`gpt2-mini`), and `writers-bart` and `writers-t5`, whose tokenizers have the same ids, [SEP] after a text and T5's sentinels after all others. `jobs OUT`
writes the jobs: each system at three learning rates; Llama and GPT-2 at half the width, and at 1, 2 and 4 times the tokens; T5 with other
optimizers. `table RESULTS` prints what was found. Figures are kept in `build/writers/speeds.json`.

`against STORES/writers` trains GPT-2 as `gpt2-mini` does, and as Hugging Face's `run_clm` does with the same rows of 256 tokens, in turns, and
compares CPU seconds.
"""

from __future__ import annotations

import itertools
import json
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import sweep
import torch
from parts import table

from kobert_pipeline.ground.files import read_json, write_json, write_text
from kobert_pipeline.recipe import Recipe, load_recipe

RESULT = Path("build/writers/speeds.json")
KNOWN, KNOWN_SPEED = "modernbert-mini", 5_450
"""Tokens a second in float32 on two idle cores, validation included."""
SECONDS = 25 * 60
ROUNDS, WARMUP = 6, 1
SYSTEMS = {"Llama": "llama-mini", "GPT-2": "gpt2-mini", "T5": "t5-mini", "BART": "bart-mini", "GPT": "gpt-mini"}
ENCODER_DECODERS = ("T5", "BART")


def store_of(system: str) -> str:
    return f"writers-{system.lower()}" if system in ENCODER_DECODERS else "writers"


MULTIPLES = (1.0, 2.0, 0.5)
LONG = "pretrain.phases=[{max_length: 512, row_length: 512, batch_size: 8}]"
"""Rows that hold a prompt with 16 examples."""
NARROW = {
    "Llama": "{name: llama, positions: 512, layers: 4, hidden: 128, heads: 2, feed_forward: 352}",
    "GPT-2": "{name: gpt2, positions: 512, layers: 4, hidden: 128, heads: 2, feed_forward: 512, dropout: 0.0}",
}
WIDE = {
    "Llama": "{name: llama, size: mini, positions: 512}",
    "GPT-2": "{name: gpt2, size: mini, positions: 512, dropout: 0.0}",
}
LABELS = {"train_rows": 1_000, "selection_rows": 500, "evaluations_per_epoch": 0}
CLASSIFIER: dict[str, Any] = {
    "tasks": ["ynat"], "tfidf": False, "precision": "32-true",
    "protocols": {"1,000 rows": {**LABELS, "seeds": 3, "learning_rates": [1e-4, 3e-4, 1e-3], "epochs": [4, 12]}},
}  # fmt: skip
PAIRS: dict[str, Any] = {
    "tasks": ["sts", "nli"], "tfidf": False, "precision": "32-true",
    "protocols": {"all rows": {"seeds": 1, "learning_rates": [3e-4], "evaluations_per_epoch": 0}},
    "settings": {"sts": {"epochs": 2}, "nli": {"epochs": 2}},
}  # fmt: skip
IN_WORDS: dict[str, Any] = {
    "training": "text_to_text",
    "seeds": 1,
    "learning_rates": [1e-3],
    "evaluations_per_epoch": 0,
}
WORDS: list[dict[str, Any]] = [
    {"tasks": ["ynat"], "tfidf": False, "precision": "32-true",
     "protocols": {"1,000 rows, in words": {**LABELS, **IN_WORDS, "seeds": 3, "epochs": [12]}}},
    {"tasks": ["sts", "nli"], "tfidf": False, "precision": "32-true", "protocols": {"all rows, in words": IN_WORDS},
     "settings": {"sts": {"epochs": 4}, "nli": {"epochs": 2}}},
]  # fmt: skip


# --- speeds ----------------------------------------------------------------------------------------------------------


def speeds(stores: str) -> None:
    stepping = {KNOWN: steps(recipe(KNOWN), Path(stores) / "main")}
    stepping |= {name: steps(recipe(system), Path(stores) / store_of(name)) for name, system in SYSTEMS.items()}
    stepping |= {
        f"{name}, 512": steps(
            recipe(SYSTEMS[name], f"pretrain.architecture={WIDE[name]}", LONG), Path(stores) / "writers"
        )
        for name in WIDE
    }
    microseconds = in_turns(stepping)
    rows = {
        name: {"CPU µs/token": each, "tokens/s": KNOWN_SPEED * microseconds[KNOWN] / each}
        for name, each in microseconds.items()
    }
    write_json(RESULT, rows)
    print(table([{"system": name} | row for name, row in rows.items()]))  # noqa: T201


def in_turns(stepping: dict[str, Iterator[int]]) -> dict[str, float]:
    """CPU microseconds of a token. All take a step in turn; the first steps do not count."""
    spent = {name: [0.0, 0] for name in stepping}
    for number, name in itertools.product(range(ROUNDS), stepping):
        began = time.process_time()
        tokens = next(stepping[name])
        if number >= WARMUP:
            spent[name][0] += time.process_time() - began
            spent[name][1] += tokens
    return {name: 1e6 * seconds / tokens for name, (seconds, tokens) in spent.items()}


def recipe(name: str, *settings: str) -> Recipe:
    return load_recipe(name, ("pretrain.precision=fp32", *settings))


def steps(recipe: Recipe, folder: Path) -> Iterator[int]:
    """Takes a training step, and gives its number of tokens, each time it is asked."""
    from kobert_pipeline.dataset.store import Store
    from kobert_pipeline.pretrain.data import BatchStream
    from kobert_pipeline.pretrain.models import build_models, objective_of
    from kobert_pipeline.pretrain.sums import total_loss
    from kobert_pipeline.pretrain.tokenizer_info import tokenizer_info
    from kobert_pipeline.training.optimizer import OPTIMIZERS

    config, info = recipe.pretrain, tokenizer_info(folder / "tokenizer")
    objective = objective_of(config)
    models = build_models(config, info, {}, info.vocab_size)
    stream = BatchStream(Store(folder / "dataset"), objective, config, info, 42)
    optimizer = OPTIMIZERS[config.optimizer](models, learning_rate=1e-4)
    for batch, _ in stream:
        total_loss(objective.loss(models, batch, torch.Generator(), config.options)).backward()
        torch.nn.utils.clip_grad_norm_(models.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        yield int(batch["attention_mask"].sum())


# --- run_clm ---------------------------------------------------------------------------------------------------------


def against(writers: str) -> None:
    """Rows of text end to end, float32 (what a CPU without bfloat16 has), AdamW, clipping."""
    folder = Path(writers)
    stepping = {"ours": steps(recipe("gpt2-mini"), folder), "run_clm": trainer_steps(recipe("gpt2-mini"), folder)}
    rows = [{"who": name, "CPU µs/token": each} for name, each in in_turns(stepping).items()]
    ours, theirs = (row["CPU µs/token"] for row in rows)
    print(f"{table(rows)}\n\nrun_clm / ours: {theirs / ours:.2f}")  # noqa: T201


def trainer_steps(recipe: Recipe, folder: Path) -> Iterator[int]:
    """`Trainer` with the settings of `run_clm` and text grouped into rows, a step each time it is asked."""
    import transformers

    from kobert_pipeline.dataset.store import TRAIN, Store
    from kobert_pipeline.pretrain.tokenizer_info import tokenizer_info

    store, length = Store(folder / "dataset"), 256
    tokens = store.read(store.blocks(TRAIN)[0]).tokens
    rows = [
        {"input_ids": (row := tokens[at : at + length].tolist()), "labels": row}
        for at in range(0, len(tokens) - length, length)
    ]
    sizes = recipe.pretrain.architecture
    config = transformers.GPT2Config(
        vocab_size=tokenizer_info(folder / "tokenizer").vocab_size, n_layer=sizes["layers"], n_embd=sizes["hidden"],
        n_head=sizes["heads"], n_positions=length, bos_token_id=1, eos_token_id=1,
    )  # fmt: skip
    arguments = transformers.TrainingArguments(
        output_dir="build/writers/trainer", per_device_train_batch_size=16, use_cpu=True, save_strategy="no", report_to=[],
        disable_tqdm=True, max_steps=10_000,
    )  # fmt: skip
    trainer = transformers.Trainer(
        model=transformers.GPT2LMHeadModel(config), args=arguments, train_dataset=rows, data_collator=transformers.default_data_collator,
    )  # fmt: skip
    trainer.current_gradient_accumulation_steps = 1
    trainer.create_optimizer_and_scheduler(arguments.max_steps)
    for batch in trainer.get_train_dataloader():
        trainer.training_step(trainer.model, batch)
        trainer.accelerator.clip_grad_norm_(trainer.model.parameters(), arguments.max_grad_norm)
        trainer.optimizer.step()
        trainer.lr_scheduler.step()
        trainer.model.zero_grad()
        yield batch["input_ids"].numel()


# --- jobs ------------------------------------------------------------------------------------------------------------


def jobs(out: str) -> None:
    """The most valuable come first; scores of other learning rates come last."""
    known = read_json(RESULT)
    wanted = [
        *(rated(known, name, 1.0, scores=[CLASSIFIER, PAIRS]) for name in SYSTEMS),
        *(rated(known, name, multiple) for multiple in MULTIPLES[1:] for name in SYSTEMS),
        *(long(known, name, times, width) for name, times, width in LONG_RUNS),
        *optimized(known),
        *(scored(run_name(name, 1.0), "in words", WORDS) for name in ENCODER_DECODERS),
        *(scored(run_name(name, 2.0), "classified", [CLASSIFIER, PAIRS]) for name in SYSTEMS),
        scored(run_name("Llama", 1.0), "shots", []) | {"patch": "writers:few_shots"},
    ]
    write_text(Path(out), "".join(json.dumps(job, ensure_ascii=False) + "\n" for job in wanted))


def run_name(name: str, multiple: float) -> str:
    return f"writers/{name}/25/{multiple:g}"


def rated(known: Any, name: str, multiple: float, scores: Sequence[Any] = ()) -> dict[str, Any]:
    """25 minutes at a multiple of the recipe's learning rate."""
    rate = recipe(SYSTEMS[name]).pretrain.learning_rate * multiple
    keep = multiple == 1 and name in ("Llama", "T5")
    return job(run_name(name, multiple), known[name], name, 1, f"pretrain.learning_rate={rate:g}") | {
        "scores": list(scores), "keep": keep,
    }  # fmt: skip


LONG_RUNS = (
    ("Llama", 1, "wide"), ("Llama", 4, "wide"), ("Llama", 1, "narrow"), ("GPT-2", 1, "wide"), ("GPT-2", 4, "wide"),
    ("GPT-2", 1, "narrow"), ("Llama", 2, "wide"), ("GPT-2", 2, "wide"),
)  # fmt: skip


def long(known: Any, name: str, times: int, width: str) -> dict[str, Any]:
    """Rows of 512 tokens. A narrow model sees as many tokens as the wide one."""
    architecture = (NARROW if width == "narrow" else WIDE)[name]
    return job(
        long_name(name, times, width), known[f"{name}, 512"], name, times, f"pretrain.architecture={architecture}", LONG
    )


def long_name(name: str, times: int, width: str) -> str:
    return f"writers/{name}/{25 * times}, 512, {width}/1"


def optimized(known: Any) -> Iterator[dict[str, Any]]:
    """T5 with Adafactor, whose rate in the paper is 0.01, with AdamW of steps relative to the parameter, and with Muon."""
    for kind, rates in (("adafactor", (0.01, 0.02, 0.005)), ("relative AdamW", (0.01, 0.02, 0.005)), ("muon", (4e-3,))):
        for rate in rates:
            optimizer = "adamw" if kind == "relative AdamW" else kind
            settings = (f"pretrain.optimizer={optimizer}", f"pretrain.learning_rate={rate:g}")
            patch = {"patch": "writers:relative_adamw_once"} if kind == "relative AdamW" else {}
            yield job(f"writers/T5, {kind}/25/{rate:g}", known["T5"], "T5", 1, *settings) | patch


def job(name: str, speed: Any, system: str, times: int, *settings: str) -> dict[str, Any]:
    tokens = round(SECONDS * times * speed["tokens/s"])
    made = recipe(SYSTEMS[system], f"pretrain.max_tokens={tokens}", "pretrain.measured_sentences=0", *settings)
    return {
        "name": name, "store": store_of(system), "seed": made.seed,
        "pretrain": made.pretrain.model_dump(mode="json", exclude_none=True), "scores": [], "patch": "writers:no_five_gram",
    }  # fmt: skip


def scored(model: str, how: str, scores: Sequence[Any]) -> dict[str, Any]:
    return {"name": f"{model}/{how}", "model": model, "scores": list(scores)}


def no_five_gram() -> None:
    """The 5-gram, which is the same for all runs, is measured once, elsewhere."""
    from kobert_pipeline.objectives import five_gram

    changed: dict[str, Any] = vars(five_gram)
    changed["_training"] = lambda *_: (None, 1.0)
    changed["log2_probabilities"] = lambda *_, **__: np.zeros(1)


def relative_adamw_once() -> None:
    """The next run of this process has AdamW whose steps are relative to the root mean square of their parameter."""
    from types import MappingProxyType

    from optimizers import relative

    from kobert_pipeline.pretrain import module
    from kobert_pipeline.training.optimizer import OPTIMIZERS

    def once(*arguments: Any, **named: Any) -> Any:
        module.OPTIMIZERS = OPTIMIZERS
        return relative(*arguments, **named)

    module.OPTIMIZERS = MappingProxyType({**OPTIMIZERS, "adamw": once})
    no_five_gram()


# --- few examples ----------------------------------------------------------------------------------------------------


SHOTS, ROWS, SEEDS, BATCH = (0, 1, 4, 16), 1_000, 3, 128
SHOT_TASKS = ("ynat", "sts", "nli")


def few_shots() -> None:
    """The scores of `kobert eval --shots` for every long run, without lm-evaluation-harness, which a machine without a network may
    lack: lines of the sweep's results."""
    for name, times, width in LONG_RUNS:
        run = long_name(name, times, width)
        while not (sweep.model_folder(run).is_dir() or sweep.failure_of(run).exists()):
            time.sleep(1)
        found = (
            [] if sweep.failure_of(run).exists() else shots_of(sweep.model_folder(run), sweep.PLACE / "stores" / "klue")
        )
        for score in found:
            line = {"name": run, "what": "shots"} | score
            with (sweep.PLACE / sweep.RESULTS).open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(line, ensure_ascii=False) + "\n")


def shots_of(folder: Path, data: Path, rows: int = ROWS) -> Iterator[dict[str, Any]]:
    from klue_eval.few_shot.likelihoods import as_records, score
    from kobert_pipeline.uses.generate import USE, longest_text

    tokenizer, network = USE.load(str(folder))
    network.to("cuda" if torch.cuda.is_available() else "cpu")
    limit = longest_text(tokenizer, network)
    for task, shots in itertools.product(SHOT_TASKS, SHOTS):
        prompts = [list(prompted(task, shots, str(data), rows, seed)) for seed in range(SEEDS if shots else 1)]
        tries = [chosen(tokenizer, network, found, limit) for found in prompts]
        if all(tries):
            yield from as_records([score(task, shots, [found for found in tries if found], str(data))])


def prompted(task: str, shots: int, data: str, rows: int, seed: int) -> Iterator[tuple[str, str, list[str], int]]:
    """guid, prompt, words and the number of the right word of each row, after the task's file for the harness."""
    from jinja2 import Template

    from klue_eval.data import drawing_order
    from klue_eval.few_shot.prompt_rows import prompt_row
    from klue_eval.task_data import read_task

    described, read = task_file(task), read_task(task, data)
    text, words = Template(described["doc_to_text"]), [f" {word}" for word in described["doc_to_choice"]]
    draw = random.Random(seed)
    for row in [prompt_row(task, row) for row in drawing_order(read.dev)[:rows]]:
        solved = [prompt_row(task, other) for other in draw.sample(list(read.train), shots)]
        before = "".join(f"{text.render(one)}{words[one['choice']]}\n\n" for one in solved)
        yield row["guid"], before + text.render(row), words, row["choice"]


def task_file(task: str) -> Any:
    import yaml

    import klue_eval.few_shot

    class Loader(yaml.SafeLoader):
        pass

    Loader.add_constructor("!function", lambda loader, node: node.value)
    path = Path(klue_eval.few_shot.__file__).parent / f"klue_{task}.yaml"
    return yaml.load(path.read_text(encoding="utf-8"), Loader)


def chosen(tokenizer: Any, network: Any, prompts: Sequence[Any], limit: int) -> list[Any]:
    """What the model finds likeliest for each row; nothing if a prompt is longer than the model takes."""
    from klue_eval.few_shot.harness import Chosen

    asked = [
        (tokenizer(before + word)["input_ids"], len(tokenizer(before)["input_ids"]))
        for _, before, words, _ in prompts
        for word in words
    ]
    if max(len(ids) for ids, _ in asked) > limit:
        return []
    nats = iter(likelihoods(network, asked))
    return [
        Chosen(guid, tuple((before, word) for word in words), tuple(next(nats) for _ in words), right)
        for guid, before, words, right in prompts
    ]


@torch.no_grad()
def likelihoods(network: Any, asked: Sequence[tuple[list[int], int]]) -> list[float]:
    """The nats of the tokens from a place on, of each list of ids."""
    found = [0.0] * len(asked)
    order = sorted(range(len(asked)), key=lambda place: len(asked[place][0]))
    for first in range(0, len(order), BATCH):
        part = order[first : first + BATCH]
        rows = [torch.tensor(asked[place][0]) for place in part]
        ids = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True).to(network.device)
        mask = torch.nn.utils.rnn.pad_sequence([torch.ones_like(row) for row in rows], batch_first=True)
        logits = network(input_ids=ids, attention_mask=mask.to(ids.device)).logits[:, :-1].float()
        nats = -torch.nn.functional.cross_entropy(logits.transpose(1, 2), ids[:, 1:], reduction="none")
        starts = torch.tensor([asked[place][1] for place in part])[:, None]
        counted = (torch.arange(1, ids.shape[1]) >= starts) & mask[:, 1:].bool()
        for place, value in zip(part, (nats.cpu() * counted).sum(1).tolist(), strict=True):
            found[place] = value
    return found


# --- table -----------------------------------------------------------------------------------------------------------


def results(path: str) -> None:
    """A row of each run, and one for each task that was scored with few examples."""
    lines = [line for line in sweep.read(Path(path)) if line["name"].startswith("writers/")]
    runs = {line["name"]: line for line in lines if line["what"] == "trained"}
    rows = []
    for name, run in runs.items():
        scores = {
            line["title"]: sum(line["values"]) / len(line["values"])
            for line in lines
            if line["what"] == "scored" and f"{line['name']}/".startswith(f"{name}/")
        }
        rows.append(
            {"run": name, "M tokens": run["tokens"] / 1e6, "steps": run["steps"], "M parameters": run["parameters"] / 1e6,
             "figure": run["headline"], "validation": run["last"][run["headline"]], **scores}
        )  # fmt: skip
    print(table(rows))  # noqa: T201
    shots = [line for line in lines if line["what"] == "shots"]
    print("\n" + table([_shown(line) for line in shots]))  # noqa: T201


def _shown(line: Any) -> dict[str, Any]:
    values = line["scores"]
    return {
        "run": line["name"], "task": f"{line['task']} {line['metric']}", "examples": line["shots"],
        "score": sum(values) / len(values), "from": min(values), "to": max(values), "frequent": line["frequent"],
    }  # fmt: skip


COMMANDS: dict[str, Callable[..., None]] = {"speeds": speeds, "against": against, "jobs": jobs, "table": results}

if __name__ == "__main__":
    COMMANDS[sys.argv[1]](*sys.argv[2:])
