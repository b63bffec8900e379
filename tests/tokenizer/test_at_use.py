"""`morpheme: inference`: MeCab cuts first, wherever the tokenizer is loaded. It is a fast tokenizer like any other."""

from __future__ import annotations

import copy
import json
import pickle
import re
import shutil
import subprocess
import sys
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kobert_pipeline.extending import extend
from kobert_pipeline.ground.artifacts import Identity, Workspace, read_manifest
from kobert_pipeline.ground.errors import ArtifactMismatch, InputError, RecipeError
from kobert_pipeline.ground.files import read_json, write_json
from kobert_pipeline.ground.parallel import ExecutionConfig
from kobert_pipeline.morphology import tokenization_mecab_ko
from kobert_pipeline.morphology.auto_tokenizer import auto_tokenizer, cuts_at_use
from kobert_pipeline.morphology.mecab import morphemes
from kobert_pipeline.morphology.tokenization_mecab_ko import cut_at_morphemes
from kobert_pipeline.report.pieces import vocabulary
from tokenizer.adopt import adopt
from tokenizer.build import build
from tokenizer.config import TokenizerConfig
from tokenizer.load import GOLDEN, assemble, load_tokenizer, open_tokenizer, save
from tokenizer.train import ROLES

CODE = "tokenization_mecab_ko.py"
TEXTS = [
    "나는 학교에서 밥을 먹었다.",
    "“정말?”이라고  ABC-123 물었다…",
    "세종(世宗)은 ㅋㅋㅋ ㅠㅠ",
    " 수도는 [MASK]이다. ",
]
PIECES = [*ROLES.values(), *"가나.#", "학교", "학교에서", "##에서", "##는"]


@pytest.fixture(scope="module")
def folder(trained: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pieces of `trained`, saved as a tokenizer that cuts at morphemes."""
    place = tmp_path_factory.mktemp("at-use")
    golden = trained.sentences[:32]
    save(assemble(trained.pieces), trained.pieces, trained.special_tokens, place, golden, at_morphemes=True)
    return place


@pytest.fixture(scope="module")
def backend(folder: Path) -> Any:
    return load_tokenizer(folder)


@pytest.fixture(scope="module")
def plain(trained: Any) -> Any:
    """The same pieces without MeCab, with the special tokens, too."""
    return load_tokenizer(trained.folder)


@pytest.fixture(scope="module")
def cut(backend: Any) -> Any:
    """A function for hypothesis, which prints its arguments: a tokenizer that holds MeCab cannot be printed."""
    return lambda text: backend.encode(text, add_special_tokens=False)


@pytest.fixture(scope="module")
def auto(folder: Path) -> Any:
    return auto_tokenizer(folder)


# --- cutting ---------------------------------------------------------------------------------------------------------


def test_a_piece_that_swallows_a_boundary_never_matches() -> None:
    plain, at_use = assemble(PIECES), cut_at_morphemes(assemble(PIECES))
    assert plain.encode("학교에서", add_special_tokens=False).tokens == ["학교에서"]
    assert at_use.encode("학교에서", add_special_tokens=False).tokens == ["학교", "##에서"]


def test_inner_morphemes_are_inner_pieces_and_unknown_ones_alone_are_unknown() -> None:
    at_use = cut_at_morphemes(assemble(PIECES))
    assert at_use.encode("나는 #에서", add_special_tokens=False).tokens == ["나", "##는", "#", "[UNK]"]
    assert at_use.encode("학교를", add_special_tokens=False).tokens == ["학교", "[UNK]"]


def test_every_boundary_of_morphemes_is_cut(trained: Any, backend: Any) -> None:
    """Except boundaries between digits, and in what the normaliser removes."""
    for text in trained.sentences:
        starts = {start for start, _ in backend.encode(text, add_special_tokens=False).offsets}
        missed = {item.start for item in morphemes(text)} - starts
        assert all(text[start].isdecimal() or not text[start].isprintable() for start in missed), text


def test_a_morpheme_inside_a_word_is_one_piece(backend: Any) -> None:
    text = "주민이 시장에서 주민을 만났다."
    assert backend.encode(text, add_special_tokens=False).tokens[:5] == ["주민", "##이", "시장", "##에서", "주민"]


def test_offsets_point_into_the_text(trained: Any, backend: Any) -> None:
    for text in trained.sentences[:200]:
        encoding = backend.encode(text, add_special_tokens=False)
        for piece, (start, end) in zip(encoding.tokens, encoding.offsets, strict=True):
            assert piece in (ROLES["unk_token"], text[start:end], f"##{text[start:end]}")


@pytest.mark.parametrize("text", TEXTS)
def test_decomposed_text_gives_the_same_ids(backend: Any, text: str) -> None:
    assert backend.encode(unicodedata.normalize("NFD", text)).ids == backend.encode(text).ids


@settings(max_examples=50)
@given(data=st.data())
def test_decoding_gives_the_text_back(trained: Any, cut: Any, data: st.DataObject) -> None:
    syllables = sorted({character for text in trained.sentences for character in text if "가" <= character <= "힣"})
    words = data.draw(st.lists(st.text(st.sampled_from(syllables), min_size=1, max_size=6), min_size=1, max_size=6))
    text = " ".join(words) + data.draw(st.sampled_from(["", ".", "?", "!"]))
    assert trained.tokenizer.decode(cut(text).ids) == text


@settings(max_examples=200)
@given(text=st.text(st.one_of(st.sampled_from(" \t\n\x00\x01\u200b#[]中ㅋé한Ð"), st.characters(exclude_categories=["Cs"])), max_size=40))  # fmt: skip
def test_any_text_is_cut_and_its_pieces_are_where_the_plain_ones_are(plain: Any, cut: Any, text: str) -> None:
    """The words are those of the plain tokenizer; only [UNK] may cover less than a word."""
    mine, theirs = cut(text), plain.encode(text, add_special_tokens=False)
    words = {start for (start, _), piece in zip(theirs.offsets, theirs.tokens, strict=True) if piece[:2] != "##"}
    assert words <= {start for start, _ in mine.offsets}


def test_many_texts_at_once_are_cut_as_each_by_itself(trained: Any, backend: Any) -> None:
    texts = trained.sentences[:300]
    alone = [backend.encode(text).ids for text in texts]
    assert [encoding.ids for encoding in backend.encode_batch(texts)] == alone
    assert [encoding.ids for encoding in backend.encode_batch_fast(texts)] == alone


def test_numbers_stay_as_they_are() -> None:
    at_use = cut_at_morphemes(assemble([*ROLES.values(), "1", "2", "##1", "##2", "12", "21"], digits="pairs"))
    assert at_use.encode("121221", add_special_tokens=False).tokens == ["12", "12", "21"]


# --- the folder ------------------------------------------------------------------------------------------------------


def test_the_folder_holds_its_code_and_says_so(folder: Path, trained: Any) -> None:
    names = {path.name for path in folder.iterdir()}
    assert names == {"tokenizer.json", "tokenizer_config.json", "vocab.txt", GOLDEN, CODE}
    assert (folder / CODE).read_bytes() == Path(tokenization_mecab_ko.__file__).read_bytes()
    config = read_json(folder / "tokenizer_config.json")
    assert config["auto_map"] == {"AutoTokenizer": ["tokenization_mecab_ko.MecabKoTokenizer", None]}
    assert str(folder.parent) not in json.dumps(config)
    assert cuts_at_use(folder)
    assert not cuts_at_use(trained.folder)


def test_what_mecab_does_not_decide_is_in_the_plain_file(folder: Path, trained: Any) -> None:
    assert (folder / "tokenizer.json").read_bytes() == (trained.folder / "tokenizer.json").read_bytes()


def test_another_way_of_cutting_is_found_when_it_is_loaded(folder: Path, tmp_path: Path) -> None:
    copied = Path(shutil.copytree(folder, tmp_path / "copy"))
    golden = read_json(copied / GOLDEN)
    golden[0]["pieces"][1:3] = ["".join(golden[0]["pieces"][1:3])]
    write_json(copied / GOLDEN, golden)
    with pytest.raises(ArtifactMismatch, match=r"or the tokenizers library, MeCab or its dictionary changed"):
        load_tokenizer(copied)


def test_the_code_asks_for_the_dictionary_that_this_project_uses() -> None:
    pinned = re.search(r'"(python-mecab-ko-dic==[^"]+)"', Path("pyproject.toml").read_text(encoding="utf-8"))
    assert pinned
    assert Path(tokenization_mecab_ko.__file__).read_text(encoding="utf-8").count(pinned[1]) == 2


# --- transformers ----------------------------------------------------------------------------------------------------


def test_transformers_cuts_as_our_own_code(trained: Any, backend: Any, auto: Any) -> None:
    for text in [*TEXTS, *trained.sentences[:100]]:
        assert auto(text)["input_ids"] == backend.encode(text).ids
    assert [auto(text)["input_ids"] for text in TEXTS] == auto(TEXTS)["input_ids"]
    assert {role: getattr(auto, role) for role in ROLES} == dict(ROLES)
    assert len(auto) == len(trained.pieces)
    assert auto.is_fast


def test_pairs_masks_truncation_and_offsets_work(auto: Any) -> None:
    pair = auto("주민이", "시장에서", return_offsets_mapping=True)
    assert auto.convert_ids_to_tokens(pair["input_ids"]) == [
        "[CLS]", "주민", "##이", "[SEP]", "시장", "##에서", "[SEP]",
    ]  # fmt: skip
    assert pair["token_type_ids"] == [0, 0, 0, 0, 1, 1, 1]
    assert pair["offset_mapping"][1:3] == [(0, 2), (2, 3)]
    assert auto.tokenize("수도는 [MASK]이다.").count("[MASK]") == 1
    short = auto("주민이 시장에서 만났다.", truncation=True, max_length=4, padding="max_length")
    assert len(short["input_ids"]) == 4
    assert (
        auto.decode(auto("주민이 시장에서 만났다.")["input_ids"], skip_special_tokens=True) == "주민이 시장에서 만났다."
    )


def test_saving_it_saves_everything(folder: Path, auto: Any, tmp_path: Path) -> None:
    before = auto(TEXTS)["input_ids"]
    auto.save_pretrained(tmp_path)
    for name in ("tokenizer.json", CODE):
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()
    assert auto_tokenizer(tmp_path)(TEXTS)["input_ids"] == auto(TEXTS)["input_ids"] == before


def test_it_can_be_copied_and_sent_to_another_process(auto: Any) -> None:
    for other in (copy.deepcopy(auto), pickle.loads(pickle.dumps(auto))):
        assert other(TEXTS)["input_ids"] == auto(TEXTS)["input_ids"]


def test_other_tokenizers_are_loaded_as_usual(trained: Any) -> None:
    assert type(auto_tokenizer(trained.folder)).__name__ != "MecabKoTokenizer"
    assert open_tokenizer(str(trained.folder)).encode("학교에서").ids == trained.tokenizer.encode("학교에서").ids


STRANGER = """
import json, sys

BLOCKED = set(json.loads(sys.argv[2]))

class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            raise ImportError(f"No module named {name!r}")

sys.meta_path.insert(0, Blocked())
from transformers import AutoTokenizer
auto = AutoTokenizer.from_pretrained(sys.argv[1], trust_remote_code=json.loads(sys.argv[3]))
print(json.dumps([auto(text)["input_ids"] for text in json.load(sys.stdin)]))
"""
OURS = ["corpora", "tokenizer", "kobert_pipeline", "klue_eval", "kss"]


def _elsewhere(folder: Path, blocked: list[str], cache: Path, texts: list[str], trust: bool = True) -> Any:
    return subprocess.run(
        [sys.executable, "-c", STRANGER, str(folder), json.dumps(blocked), json.dumps(trust)],
        cwd=cache, input=json.dumps(texts), capture_output=True, text=True,
        env={"HF_MODULES_CACHE": str(cache / "modules"), "HF_HUB_OFFLINE": "1", "PATH": "", "HOME": str(cache)},
    )  # fmt: skip


@pytest.mark.system
def test_the_folder_loads_where_our_code_is_not_installed(
    trained: Any, folder: Path, backend: Any, tmp_path: Path
) -> None:
    texts = [*TEXTS, *trained.sentences[:50]]
    done = _elsewhere(folder, OURS, tmp_path, texts)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [backend.encode(text).ids for text in texts]


@pytest.mark.system
def test_without_mecab_one_line_says_what_to_install(folder: Path, tmp_path: Path) -> None:
    done = _elsewhere(folder, [*OURS, "MeCab"], tmp_path, TEXTS)
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith(
        "ImportError: This tokenizer cuts at morphemes, which MeCab finds: pip install mecab-python3"
    )


@pytest.mark.system
def test_transformers_does_not_load_it_untrusted(folder: Path, tmp_path: Path) -> None:
    done = _elsewhere(folder, OURS, tmp_path, TEXTS, trust=False)
    assert done.returncode == 1
    assert "trust_remote_code=True" in done.stderr


# --- the stage, and what it cannot be combined with --------------------------------------------------------------------------


def test_the_stage_builds_it_and_measures_it_as_it_cuts(tiny: Any, tmp_path: Path) -> None:
    config = TokenizerConfig(vocab_size=992, ks_x_1001=False, morpheme="inference", surplus=2, source_exponent=1)
    with Workspace(tmp_path, Identity("tokenizer", 1, {}, {}, 0, {})) as out:
        summary = build(config, tiny.corpora, out, special_tokens=(), execution=ExecutionConfig(workers=1))
        folder = out.finish(summary, {})
    assert read_manifest(folder).summary["training_text"]["cut_recall"] > 0.99
    assert (folder / "vocab.txt").read_bytes() == (tiny.tokenizer / "vocab.txt").read_bytes()
    assert load_tokenizer(folder).encode("봄이 오면").tokens[1] == "봄"


def test_it_is_neither_adopted_nor_extended_nor_shown_by_a_page(tiny: Any, folder: Path, tmp_path: Path) -> None:
    with (
        Workspace(tmp_path, Identity("tokenizer", 1, {}, {}, 0, {})) as out,
        pytest.raises(InputError, match="cannot be adopted"),
    ):
        adopt(folder, tiny.corpora, out, special_tokens=())
    with pytest.raises(InputError, match="cannot be extended"):
        extend(str(folder), tiny.corpora, tmp_path / "more", 10)
    assert vocabulary(folder) is None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"adopt": "hub:a/b"}, "an adopted tokenizer keeps its own way of cutting"),
        ({"left_space_penalty": True}, "does not support the left-space penalty"),
    ],
)
def test_settings_that_it_cannot_have_are_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        TokenizerConfig.parse({"morpheme": "inference"} | settings)
