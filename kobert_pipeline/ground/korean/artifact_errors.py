"""Errors of commands, artifacts and files in Korean."""

from __future__ import annotations

COMMANDS = {
    "{name}: no run in {artifacts}. `kobert runs` lists all; `kobert run {name}` makes one.": "{name}: {artifacts}에 이 실행이 없습니다. `kobert runs`로 모두 볼 수 있고, `kobert run {name}`으로 실행할 수 있습니다.",
    "curve({split!r}): the split is `train` or `validation`": "curve({split!r}): split은 `train`이나 `validation`입니다",
    "{name}: the run has no {stage}. It has {stages}.": "{name}: 이 실행에는 {stage}이(가) 없습니다. 있는 단계: {stages}.",
    "nothing": "없음",
    "{foreign} has a package of the same name as one of ours ({ours}): pip uninstall {names}, then {advice}": "{foreign}: 이 프로젝트의 패키지({ours})와 이름이 같은 패키지가 있습니다. pip uninstall {names}을(를) 실행한 뒤 {advice}",
    "{free:.1f} GiB free here: {free_gib} GiB are needed. Choose another disk with --artifacts.": "남은 공간 {free:.1f} GiB: {free_gib} GiB가 필요합니다. --artifacts로 다른 디스크를 지정하세요.",
    "{name} is not installed. Install kobert-pipeline's requirements again.": "{name}이(가) 설치되어 있지 않습니다. kobert-pipeline의 의존 패키지를 다시 설치하세요.",
    "{name}: a finished run. A plan is made for a recipe; its settings are given with --set.": "{name}: 끝난 실행의 이름입니다. plan에는 레시피를 지정하고, 설정은 --set으로 바꾸세요.",
    "There is no token store for these settings, and a plan counts its tokens. Run `kobert run {recipe} --until dataset` first.": "이 설정의 토큰 저장소가 없어 plan이 토큰 수를 알 수 없습니다. 먼저 `kobert run {recipe} --until dataset`을 실행하세요.",
    "--compare-with compares tokenizers with the one of a single run. A page of several runs shows their own.": "--compare-with는 실행 하나의 토크나이저를 다른 것과 비교합니다. 여러 실행의 페이지에는 각자의 토크나이저가 나옵니다.",
    "--json and --csv exclude each other.": "--json과 --csv는 함께 쓸 수 없습니다. 하나를 빼세요.",
    "Name a model: kobert eval MODEL --shots 0,1,4,16.": "모델을 지정하세요: kobert eval MODEL --shots 0,1,4,16.",
    "--rows belongs to --shots. For the number of training rows there is --train-rows.": "--rows는 --shots와 함께 씁니다. 학습 데이터의 행 수는 --train-rows로 정합니다.",
    "--shots {text}: give numbers of examples with commas between them, such as 0,1,4,16.": "--shots {text}: 예시 수를 쉼표로 나누어 쓰세요. 예: 0,1,4,16.",
    "--shots trains nothing, so --{option} does not go with it. Leave one of them out.": "--shots는 학습하지 않으므로 --{option} 옵션과 함께 쓸 수 없습니다. 하나를 빼세요.",
    "{count} of {total} runs failed. The first: {first}": "실행 {total}개 중 {count}개가 실패했습니다. 첫 번째: {first}",
    "{task}={text}: the combinations are numbered 0 to {last}. Submit with --array=0-{last}.": "{task}={text}: 조합의 번호는 0에서 {last}까지입니다. --array=0-{last}로 제출하세요.",
    "{stop}: the tour has {count} stops. Without a number it shows all of them.": "{stop}: 둘러보기는 {count}곳입니다. 번호를 빼면 모두 보여 줍니다.",
    "{what} needs {names}. Install it: pip install 'kobert-pipeline[{extra}]'": "{what}: {names}이(가) 필요합니다. 설치하세요: pip install 'kobert-pipeline[{extra}]'",
    "{folder}: not an artifact in {root}. Nothing was deleted.": "{folder}: {root}의 결과물이 아닙니다. 지우지 않았습니다.",
    "{out} exists already. Name another folder, or remove it.": "{out}: 이미 있습니다. 다른 폴더를 지정하거나 지우세요.",
}  # fmt: skip

ARTIFACTS = {
    "none has a tag": "태그가 있는 실행이 없음",
    "Run the recipe again, which writes it anew, or remove the file.": "레시피를 다시 실행해 새로 쓰게 하거나 파일을 지우세요.",
    "It is made again.": "다시 만듭니다.",
    "Time and memory of this stage are not shown.": "이 단계의 시간과 메모리는 표시하지 않습니다.",
    "{name}: several artifacts begin with these digits: {shown}. Give more digits.": "{name}: 이렇게 시작하는 결과물이 여럿입니다: {shown}. 자릿수를 더 쓰세요.",
    "{path}: {problem}. Remove {folder} and run the {stage} stage again.": "{path}: {problem}. {folder}을(를) 지우고 {stage} 단계를 다시 실행하세요.",
    "{file}: changed since it was written. Remove {folder} and run the {stage} stage again.": "{file}: 만든 뒤에 바뀌었습니다. {folder}을(를) 지우고 {stage} 단계를 다시 실행하세요.",
    "{folder}: its {manifest} lists no {name}. {advice}": "{folder}: {manifest}에 {name}이(가) 없습니다. {advice}",
    "{folder}: no readable {manifest} ({error}). {advice}": "{folder}: {manifest}을(를) 읽을 수 없습니다({error}). {advice}",
    "{path}: begun for fingerprint {fingerprint}. Remove the folder and run again.": "{path}: 핑거프린트 {fingerprint}(으)로 시작된 폴더입니다. 지우고 다시 실행하세요.",
    "{place}: the summary of its manifest is not what {expected} writes: {figure}: {problem}. Remove the folder and run the recipe again.": "{place}: 매니페스트의 요약이 {expected} 단계의 것과 다릅니다: {figure}: {problem}. 폴더를 지우고 레시피를 다시 실행하세요.",
    "{folder}: an artifact of the stage {stage}, not of {expected}.": "{folder}: {expected}이(가) 아니라 {stage} 단계의 결과물입니다. 다른 폴더를 지정하세요.",
    "{place}: built with tokenizer {built}, but {folder} is {given}. Build the dataset again (`kobert run RECIPE --only dataset`), or name the tokenizer it was built with.": "{place}: 토크나이저 {built}(으)로 만들었는데 {folder}은(는) {given}입니다. 데이터셋을 다시 만들거나(`kobert run RECIPE --only dataset`) 만들 때의 토크나이저를 지정하세요.",
    "{place}: holds no {name}. Set dataset.morphemes: true and build it again.": "{place}: {name}이(가) 없습니다. dataset.morphemes: true로 설정하고 다시 만드세요.",
}  # fmt: skip

FILES = {
    "{path}: does not hold what was written there. {remedy}": "{path}: 저장한 내용과 다릅니다. {remedy}",
    "{path}: is there already, and not empty. Name a new folder, or remove it.": "{path}: 이미 있고 비어 있지 않습니다. 새 폴더를 지정하거나 지우세요.",
    "{path}: holds a {kind}, not an object. {remedy}": "{path}: 객체가 아니라 {kind}이(가) 들어 있습니다. {remedy}",
    "{path}: not a readable JSON file: {error}. {remedy}": "{path}: 읽을 수 있는 JSON 파일이 아닙니다: {error}. {remedy}",
    "{path}: no such file. {remedy}": "{path}: 그런 파일이 없습니다. {remedy}",
    "{path}, line {number}: not a JSON object: {error}. {remedy}": "{path}, {number}번째 줄: JSON 객체가 아닙니다: {error}. {remedy}",
    "it is a {kind}": "{kind}입니다",
    "it holds half of a surrogate pair, which is not a character": "서로게이트 쌍의 반쪽이 있습니다. 문자가 아닙니다",
    "{damaged} is damaged": "{damaged}: 손상되었습니다",
}  # fmt: skip

OF_ARTIFACTS = {**COMMANDS, **ARTIFACTS, **FILES}
