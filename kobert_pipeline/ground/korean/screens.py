"""What commands print in Korean: `init` with the recipe that it writes, the last screen of a run, progress."""

from __future__ import annotations

RECIPE = {
    """\
# A recipe for your own text. What it does not set comes from `{base}`. Every key can be set here, or for one run with
# `--set`, e.g.  kobert run {file} --set pretrain.max_steps=2000
extends: {base}
description: A language model of our own domain.

corpora:
  sources:
{sources}

tokenizer:
{tokenizer}

pretrain:
  max_steps: {max_steps}               # or max_minutes or max_tokens instead
  # learning_rate: {learning_rate}
  # phases: [{{max_length: 128, batch_size: 32}}]

klue_eval:
  # A folder with KLUE's files, or hub:klue to download them. The sample below works offline; its scores mean nothing.
  data: "package:klue_eval/sample"
  tasks: [ynat, sts, nli]         # also ner, re, dp, mrc, wos; without this line all eight

hub:
  license: unknown                # of the published model
""": """\
# 내 텍스트를 위한 레시피입니다. 여기서 정하지 않은 설정은 `{base}`에서 옵니다. 어떤 키든 여기에 적거나, 한 번의 실행에서만
# `--set`으로 바꿀 수 있습니다. 예: kobert run {file} --set pretrain.max_steps=2000
extends: {base}
description: 우리 분야의 텍스트로 만든 언어 모델.

corpora:
  sources:
{sources}

tokenizer:
{tokenizer}

pretrain:
  max_steps: {max_steps}               # 또는 max_minutes나 max_tokens
  # learning_rate: {learning_rate}
  # phases: [{{max_length: 128, batch_size: 32}}]

klue_eval:
  # KLUE 파일이 있는 폴더, 또는 내려받으려면 hub:klue. 아래의 표본은 네트워크 없이 동작하며, 그 점수에는 의미가 없습니다.
  data: "package:klue_eval/sample"
  tasks: [ynat, sts, nli]         # 그 밖에 ner, re, dp, mrc, wos. 이 줄이 없으면 여덟 개 모두

hub:
  license: unknown                # 공개할 모델의 라이선스
""",
    """\
    # One entry per body of text: a file, folder, archive or glob. Text, JSONL, Parquet, CSV, wiki dumps, 모두의 말뭉치, HTML and
    # more, compressed or not, in UTF-8, CP949 or UTF-16; corpora/README.md lists them.
    - name: our-documents
      path: data/*.jsonl
      license: unknown            # SPDX identifier, shown in the model card
      # text_field: body
      # documents: file           # for folders of .txt in which each file is one document
      # continuity: false         # for lines that do not continue each other, such as reviews""": """\
    # 텍스트 묶음마다 항목 하나: 파일, 폴더, 압축 파일 또는 글롭. 일반 텍스트, JSONL, Parquet, CSV, 위키 덤프, 모두의 말뭉치, HTML 등.
    # 압축되어 있어도 되고, 인코딩은 UTF-8, CP949, UTF-16. 형식의 목록은 corpora/README.md에 있습니다.
    - name: our-documents
      path: data/*.jsonl
      license: unknown            # SPDX 식별자. 모델 카드에 표시됩니다
      # text_field: body
      # documents: file           # 파일 하나가 문서 하나인 .txt 폴더
      # continuity: false         # 리뷰처럼 앞뒤 줄이 이어지지 않는 텍스트""",
    "  vocab_size: {vocab_size}              # lower it for a small corpus; the error says how many pieces your text supports": "  vocab_size: {vocab_size}              # 말뭉치가 작으면 줄이세요. 텍스트로 만들 수 있는 크기는 오류 메시지가 알려 줍니다",
    "for about {count:,} characters of text; the error says how many pieces a text supports": "텍스트 약 {count:,}자에 맞춘 크기. 텍스트로 만들 수 있는 크기는 오류 메시지가 알려 줍니다",
    "SPDX identifier, shown in the model card": "SPDX 식별자. 모델 카드에 표시됩니다",
}  # fmt: skip
"""The recipe that `kobert init` writes."""

SURVEY = {
    "1 file": "파일 1개",
    "{count:,} files": "파일 {count:,}개",
    "without ending": "확장자 없음",
    "{counted} {ending} ({format}), {size}: looked into {looked}": "{counted}: {ending} ({format}), {size}. {looked}개를 살펴봄",
    "documents per file: {range}": "파일당 문서 수: {range}",
    "{low:,} to {high:,}": "{low:,}개에서 {high:,}개",
    "could not be looked into: {error}": "살펴보지 못함: {error}",
    "{place}: no such file or folder. Give `--data` a file, a folder or a glob that exists.": "{place}: 그런 파일이나 폴더가 없습니다. 있는 파일이나 폴더, 글롭을 `--data`에 지정하세요.",
    "records that give no document: {reasons}; the first is {place}": "문서가 되지 않는 레코드: {reasons}. 첫 번째는 {place}",
    "no ending": "확장자 없음",
    "system files": "시스템 파일",
    "half of the documents have fewer than {count} characters: they do not continue each other": "문서의 절반이 {count}자보다 짧음: 앞뒤 줄이 이어지지 않음",
    "a file has {lines:,} lines, {parts:,} parts between blank lines and {characters:,} characters (medians)": "파일 하나에 {lines:,}줄, 빈 줄로 나뉜 부분 {parts:,}개, {characters:,}자(중앙값)",
    "each file is one document; `blank_line` would cut it at blank lines": "파일 하나가 문서 하나. `blank_line`이면 빈 줄에서 나뉨",
    "no blank lines: each line is one document; `file` would take the whole file": "빈 줄이 없음: 한 줄이 문서 하나. `file`이면 파일 전체가 문서 하나",
    "each file is one document": "파일 하나가 문서 하나",
    "a document ends at a blank line; `file` would take the whole file": "문서는 빈 줄에서 끝남. `file`이면 파일 전체가 문서 하나",
    "lines were broken for their width, and are joined; `keep` would end a sentence at each": "줄이 너비에 맞춰 끊겨 있어 이어 붙임. `keep`이면 줄마다 문장이 끝남",
    "fields, with the Hangul syllables in each: {fields}": "필드와 그 안의 한글 음절 수: {fields}",
    "no field has Korean text; set text_field": "한국어 텍스트가 있는 필드가 없음. text_field를 정하세요",
}  # fmt: skip
"""What `kobert init --data` saw."""

SCREENS = {
    **RECIPE,
    **SURVEY,
    "Wrote {file}. Put your files under `path`, then: kobert run {file}": "{file} 저장. 파일을 `path`에 두고 실행하세요: kobert run {file}",
    "Wrote {file}. Check the sources in it, then: kobert run {file}": "{file} 저장. 그 안의 소스(sources)를 확인하고 실행하세요: kobert run {file}",
    "Model:  {folder}": "모델:   {folder}",
    "Report: {page}": "보고서: {page}",
    "Next:   {command}": "다음:   {command}",
    "These stages of {name} are finished, but with other versions than this machine has:": "{name}: 다음 단계는 이 컴퓨터와 다른 버전으로 끝났습니다.",
    "Commands that read (fill, report, push, serve, inspect) take them as they are.": "읽기만 하는 명령(fill, report, push, serve, inspect)은 그대로 씁니다.",
    "Build them again, in about {time}?": "다시 만들까요? 약 {time} 걸립니다.",
    "Cost: {cost}.": "비용: {cost}.",
    "`kobert plan RECIPE` measures what a recipe costs on this machine. `kobert run RECIPE` runs it.": "`kobert plan RECIPE`은 이 컴퓨터에서 드는 비용을 측정하고, `kobert run RECIPE`은 레시피를 실행합니다.",
    # progress
    "{time} left": "{time} 남음",
    " of {total}": " / 전체 {total}",
    "{rate} {unit}/s": "초당 {rate} {unit}",
    "documents": "문서",
    "shards": "샤드",
    "steps": "스텝",
    "batches": "배치",
    "comparisons": "비교",
    "corpora: clean": "corpora: 정제",
    "corpora: split into sentences": "corpora: 문장 분리",
    "tokenizer: count morphemes": "tokenizer: 형태소 집계",
    "extend: count morphemes": "extend: 형태소 집계",
    "dataset: tokenise": "dataset: 토큰화",
}  # fmt: skip
