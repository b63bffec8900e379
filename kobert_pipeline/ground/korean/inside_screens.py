"""What the commands that look inside print in Korean: `inspect batch`, `tour`, `ssa`; and what load-back finds wrong."""

from __future__ import annotations

BATCH = {
    "⟦masked⟧": "⟦마스킹⟧",
    "⟦original→replaced⟧": "⟦원래→치환⟧",
    "⟦kept=⟧": "⟦유지=⟧",
    "first segment": "첫째 세그먼트",
    "second segment": "둘째 세그먼트",
    "really next": "실제 다음 문장",
    "random": "무작위 문장",
    "in order": "원래 순서",
    "swapped": "순서 바뀜",
    "{count} tokens": "토큰 {count}개",
    "decoder reads: {text}": "디코더 입력: {text}",
    "decoder writes: {text}": "디코더 출력: {text}",
    "over these batches, and what their plans left out or treated specially": "배치 통계, 예제를 만들 때 제외하거나 따로 처리한 수",
    "figure": "항목",
    "value": "값",
    "tokens per example": "예제당 토큰",
    "padding": "패딩",
    "selected, of text": "선택된 토큰 (텍스트 중)",
    "masked, of selected": "마스킹 (선택된 토큰 중)",
    "replaced, of selected": "치환 (선택된 토큰 중)",
    "kept, of selected": "유지 (선택된 토큰 중)",
}
"""`kobert inspect RECIPE batch`."""

TOUR = {
    "Raw text": "원시 텍스트",
    "Cleaned, step by step": "단계별 정제",
    "Sentences": "문장",
    "Morphemes": "형태소",
    "A vocabulary": "어휘",
    "Tokens": "토큰",
    "The token store": "토큰 저장소",
    "An example": "예제",
    "Masks": "마스크",
    "The model": "모델",
    "The loss": "손실",
    "{count:,} pieces; {inner:,} of them continue a word (##)": "어휘 {count:,}개, 그중 단어 중간에 오는 것(##) {inner:,}개",
    "ids 0 to 4: {pieces}": "id 0번부터 4번까지: {pieces}",
    "the last five learned: {pieces}": "마지막으로 학습한 다섯 개: {pieces}",
    "{tokens} tokens for {eojeols} eojeols": "토큰 {tokens}개, 어절 {eojeols}개",
    "{file}: row {row} of {rows:,}": "{file}: {row}번 행, 전체 {rows:,}행",
    "segment {segment}: {tokens}": "세그먼트 {segment}: {tokens}",
    "B follows A": "B는 A 다음 문장",
    "B is from another document": "B는 다른 문서의 문장",
    "{count} tokens, next_sentence_label {label}: {meaning}": "토큰 {count}개, next_sentence_label {label}: {meaning}",
    "place": "위치",
    "segment": "세그먼트",
    "reads": "입력",
    "BERT with {count:,} parameters ({sizes}), not trained yet": "BERT, 파라미터 {count:,}개({sizes}), 학습 전",
    "place {place:2d}  p({token}) = {probability:.6f}   -ln p = {loss:.2f} nats": "위치 {place:2d}  p({token}) = {probability:.6f}   -ln p = {loss:.2f} nats",
    "masked tokens, mean of {count}": "마스킹된 토큰 {count}개의 평균",
    "next sentence": "다음 문장 예측",
    "sum  {value:5.2f} nats": "합계 {value:5.2f} nats",
    "a guess among {count:,} pieces costs ln {count} = {nats:.2f} nats, between two labels ln 2 = {two:.2f}": "어휘 {count:,}개 중 하나를 무작위로 고르면 ln {count} = {nats:.2f} nats, 두 레이블 중 하나면 ln 2 = {two:.2f}",
}
"""`kobert tour`."""

SSA = {
    "{value:.1%} ({low:.1%} to {high:.1%})": "{value:.1%} ({low:.1%}에서 {high:.1%})",
    "1 rater": "평가자 1명",
    "{count} raters": "평가자 {count}명",
    "sensible  {share}": "타당성    {share}",
    "specific  {share}": "구체성    {share}",
    "{replies:,} replies, {raters}; intervals of {level:.0%}, over replies": "응답 {replies:,}개, {raters}. 응답에 대한 {level:.0%} 신뢰 구간",
    "all raters agree on {share:.0%} of the replies": "모든 평가자의 의견이 같은 응답 {share:.0%}",
    "{count:,} answers: specific but not sensible, counted as not specific": "구체적이지만 타당하지 않다는 평가 {count:,}개는 구체적이지 않은 것으로 셈",
}
"""`kobert ssa`."""

LOAD_BACK = {
    "exit code {code}": "종료 코드 {code}",
    "weights are missing and were drawn at random: {names}": "없는 가중치를 무작위로 초기화했습니다: {names}",
    "a sentence of the golden file is not cut as when the tokenizer was built: {pieces}": "golden 파일의 문장이 토크나이저를 만들 때와 다르게 나뉩니다: {pieces}",
    "composed text is cut into {pieces}, but the run's tokenizer cuts it into {theirs}": "완성형 텍스트가 {pieces}(으)로 나뉘지만, 이 실행의 토크나이저로는 {theirs}(으)로 나뉩니다",
    "decomposed text is cut into {pieces}, but the run's tokenizer cuts it into {theirs}": "자모로 분해된 텍스트가 {pieces}(으)로 나뉘지만, 이 실행의 토크나이저로는 {theirs}(으)로 나뉩니다",
    "hidden states differ from the training export's by {difference}, more than {limit}": "은닉 상태가 학습에서 내보낸 모델과 {difference}만큼 다릅니다. 허용 한계는 {limit}입니다",
    "it generates the ids {found}, but the training export generates {expected}": "생성한 id는 {found}이지만, 학습에서 내보낸 모델은 {expected}을(를) 생성합니다",
    "the dataset has {found} documents, {published} were published": "데이터셋의 문서는 {found}개인데 공개한 문서는 {published}개입니다",
    "the model gives {scores} scores for {tokens} tokens": "모델이 낸 점수의 모양은 {scores}인데 토큰의 모양은 {tokens}입니다",
    "the model's scores for a sentence are not finite": "문장에 대한 모델의 점수가 유한하지 않습니다",
    "the model's output for a masked sentence is not finite": "마스킹된 문장에 대한 모델의 출력이 유한하지 않습니다",
    "the model's output for a text is not finite": "텍스트에 대한 모델의 출력이 유한하지 않습니다",
    "the model scores {scored} pieces, the tokenizer has {count}": "모델이 점수를 내는 어휘는 {scored}개인데 토크나이저의 어휘는 {count}개입니다",
    "the model scores {scored} tokens, the tokenizer has {count}": "모델이 점수를 내는 토큰은 {scored}개인데 토크나이저의 토큰은 {count}개입니다",
    "the tokenizer splits {mask}": "토크나이저가 {mask}을(를) 나눕니다",
    "the tokenizer does not give a text back as it was": "토크나이저가 텍스트를 원래대로 되돌리지 못합니다",
    "the tokenizer ends every text, so that nothing follows it": "토크나이저가 텍스트마다 끝 표시를 붙여서 이어 쓸 수 없습니다",
    "nothing was generated": "생성된 것이 없습니다",
    "generation does not take the likeliest token": "생성할 때 가장 확률이 높은 토큰을 고르지 않습니다",
    'pipeline("fill-mask") answers {answers}': 'pipeline("fill-mask")의 답: {answers}',
    'pipeline("text-generation") answers {answers}': 'pipeline("text-generation")의 답: {answers}',
}  # fmt: skip
"""Why plain transformers cannot use a folder, or what the Hub gives."""

INSIDE = {**BATCH, **TOUR, **SSA, **LOAD_BACK}
