"""KoBEST's released files with rows of our own: the folders, headers, orders of columns and spellings of labels of v1.0."""

from __future__ import annotations

from pathlib import Path

WIC_HEADER = "ID\tTarget\tSENTENCE1\tDictionary 1\tLink 1\tSENTENCE2\tDictionary 2\tLink2\tANSWER"
WIC = """1\t배\t[배]를 타고 섬에 갔다.\t1\t-\t가을에는 [배]가 달다. \t2\t-\tFalse
2\t눈\t[눈]이 내려 길이 하얗다.\t1\t-\t첫 [눈]이 왔다.\t1\t-\tTRUE
3\t말\t그는 [말]이 적다.\t1\t-\t초원에서 [말]이 달린다.\t2\t-\tFALSE
4\t밤\t[밤]에는 별이 많다.\t1\t-\t깊은 [밤]까지 책을 읽었다.\t1\t-\tTrue
"""
SENTINEG = {
    "1": "배송이 빨라서 좋아요",
    "2": "색이 사진과 달라요",
    "3": "천이 얇지 않아서 좋네요",
    "4": "두 번은 안 사요",
}
SENTIMENTS = {"1": 1, "2": 0, "3": 1, "4": 0}

KOBEST: dict[str, tuple[str, str, str]] = {
    "kobest_boolq": (
        "BoolQ",
        "ID\tText\tQuestion\tAnswer",
        """1\t한강은 서울을 지나 서해로 흐른다.\t한강은 동해로 흐르는가? \tFALSE
2\t"등대"는 배에 길을 알려 주는 탑이다.\t"등대"는 배를 돕는 시설인가?\tTRUE
3\t이 다리는 1990년에 놓였다.\t이 다리는 2000년 이전에 놓였나요?\tTrue
4\t수박은 여름에 난다.\t수박은 겨울 과일이다.\tFalse
""",
    ),
    "kobest_copa": (
        "COPA",
        "ID\tsentence\tquestion\t1\t2\tAnswer",
        """1\t컵을 떨어뜨렸다.\t결과\t컵이 깨졌다.\t컵이 늘어났다.\t1
2\t우산을 폈다.\t원인 \t해가 떴다.\t비가 내렸다.\t2
3\t알람이 울리지 않았다.\t결과\t일찍 일어났다.\t늦잠을 잤다.\t2
4\t불을 껐다.\t원인\t잠을 자려고 했다.\t책을 읽으려고 했다.\t1
""",
    ),
    "kobest_wic": ("WiC", WIC_HEADER, WIC),
    "kobest_hellaswag": (
        "HellaSwag",
        "context\tchoice1\tchoice2\tchoice3\tchoice4\tlabel",
        """쌀을 씻어 솥에 담는다. 물을 붓는다.\t불을 켠다.\t밥을 먹는다.\t설거지를 한다.\t잠을 잔다.\t0
아이가 연을 들고 달린다.\t연이 땅에 묻힌다.\t"아이가 ""와!"" 하고 외친다."\t연이 하늘로 오른다.\t연을 접는다.\t2
편지를 다 썼다.\t펜을 산다.\t봉투에 넣는다.\t종이를 찢는다.\t우표를 판다.\t1
공이 골대로 날아간다.\t비가 온다.\t관중이 집에 간다.\t심판이 잔다.\t골키퍼가 몸을 던진다.\t3
""",
    ),
    "kobest_sentineg": (
        "SentiNeg",
        "ID\tText\tLabel",
        "".join(f"{number}\t{text}\t{SENTIMENTS[number]}\n" for number, text in SENTINEG.items()),
    ),
}
"""Task -> its folder, the header of its files, and their rows."""
NEGATED = "ID\tLabel_origin\tText_origin\tLabel\tText\tCategory_neg\n" + "".join(
    f"{number}\t{1 - SENTIMENTS[number]}\t뒤집기 전 문장\t{SENTIMENTS[number]}\t{text}\t3\n"
    for number, text in SENTINEG.items()
)
"""SentiNeg's test file has other columns than its train file."""


def write_kobest(folder: Path) -> Path:
    """Writes `FOLDER/{train,test}.tsv` of all five tasks."""
    for name, (directory, header, rows) in KOBEST.items():
        place = folder / directory
        place.mkdir(parents=True, exist_ok=True)
        (place / "train.tsv").write_text(f"{header}\n{rows}", encoding="utf-8")
        test = NEGATED if name == "kobest_sentineg" else f"{header}\n{rows}"
        (place / "test.tsv").write_text(test, encoding="utf-8")
    return folder
