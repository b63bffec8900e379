"""What each format reads as a document, and its markup as prose: literal examples."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from corpora.config import CorporaConfig, SourceConfig
from corpora.documents import Document, Drop
from corpora.inputs import input_files
from corpora.phases.every_document import raw_shards
from corpora.sources import SOURCES
from kobert_pipeline.ground.errors import InputError


def _read(path: Path, content: Any = None, **settings: Any) -> list[Document | Drop]:
    if content is not None:
        path.write_text(content if isinstance(content, str) else json.dumps(content, ensure_ascii=False), encoding="utf-8")  # fmt: skip
    config = CorporaConfig(sources=(SourceConfig(name="시험", path=str(path), **settings),))
    return [raw.document for shard in raw_shards(config, input_files(config)) for raw in shard.items]


def _render(name: str, text: str) -> str:
    render = SOURCES[name].render
    assert render is not None
    return render(text)


def _shown(items: list[Document | Drop]) -> list[str]:
    return [item.text if isinstance(item, Document) else f"!{item.reason}" for item in items]


# --- plain text, tables ----------------------------------------------------------------------------------------------


def test_a_text_document_is_what_the_settings_say(tmp_path: Path) -> None:
    path = tmp_path / "글.txt"
    assert _shown(_read(path, "하나\n둘\n\n셋\n")) == ["하나\n둘\n", "셋\n"]
    assert _read(path, documents="file") == [Document("글", "시험", "하나\n둘\n\n셋\n")]
    lines = _read(path, documents="line")
    assert lines == [Document("글-000000", "시험", "하나"), Document("글-000001", "시험", "둘"), Document("글-000003", "시험", "셋")]  # fmt: skip


def test_several_fields_are_joined_by_line_breaks(tmp_path: Path) -> None:
    fields = ("title", "content")
    petition = {"title": "청원합니다", "content": "내용입니다.", "category": "기타"}
    items = _read(
        tmp_path / "청원.jsonl", json.dumps(petition) + '\n{"title": "제목뿐"}\n{"category": "x"}', text_field=fields
    )
    assert _shown(items) == ["청원합니다\n내용입니다.", "제목뿐", "!no_text"]
    table = _read(
        tmp_path / "청원.csv",
        '번호,title,content\n1,청원,"내용, ""인용""\n둘째 줄"\n',
        text_field=fields,
        id_field="번호",
    )
    assert table == [Document("1", "시험", '청원\n내용, "인용"\n둘째 줄', "청원")]


def test_a_table_without_the_column_names_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"글\.tsv: no column `text`; there are id, document, label\..*source `시험`"):
        _read(tmp_path / "글.tsv", "id\tdocument\tlabel\n1\t재밌다\t1\n")


def test_an_empty_id_of_a_table_is_no_id(tmp_path: Path) -> None:
    items = _read(tmp_path / "글.tsv", 'doc_id\ttext\n\t"아 재밌다\n7\t둘\n\n8\n')
    assert items[:2] == [Document("글-000000", "시험", '"아 재밌다'), Document("7", "시험", "둘")]
    assert items[2:] == [Drop("no_text", f"{tmp_path / '글.tsv'}:5")]


# --- MediaWiki -------------------------------------------------------------------------------------------------------

PAGE = "<page><title>{}</title><ns>{}</ns><id>{}</id>{}<revision><id>99</id><model>{}</model><text>{}</text></revision></page>"  # fmt: skip


def test_pages_that_are_no_articles_are_counted(tmp_path: Path) -> None:
    pages = [
        PAGE.format("등산", 0, 5, "", "wikitext", "산을 &lt;b&gt;오른다&lt;/b&gt;."),
        PAGE.format("산행", 0, 6, "<redirect title='등산'/>", "wikitext", "#넘겨주기 [[등산]]"),
        PAGE.format("옛길", 0, 7, "", "wikitext", "#REDIRECT [[등산]]"),
        PAGE.format("토론:등산", 1, 8, "", "wikitext", "토론이다."),
        PAGE.format("등산.css", 0, 9, "", "css", "a {}"),
        PAGE.format("빈 글", 0, 10, "", "wikitext", ""),
    ]
    content = f"<mediawiki><siteinfo><sitename>위키</sitename></siteinfo>{''.join(pages)}</mediawiki>"
    items = _read(tmp_path / "글.xml", content)
    assert items[0] == Document("5", "시험", "산을 <b>오른다</b>.", "등산")
    assert _shown(items[1:]) == ["!redirect", "!redirect", "!other_namespace", "!not_wikitext", "!no_text"]
    assert _shown(_read(tmp_path / "글.xml", namespaces=(1,)))[3] == "토론이다."


WIKITEXT = """{{정보상자|이름=지미|사진={{사진|a.jpg}}}}
'''지미 카터'''({{llang|en|Jimmy Carter}}, [[1924년]] ~ )는 [[미국|미국 연방]]의 ''전직'' 대통령이다.<ref>각주 {{인용|x}}</ref><ref name="a" />

== 생애 ==
[[파일:산.jpg|섬네일|산의 [[모습]]]] 그는 [http://example.com 고향]에서 자랐다. http://example.com/a&nbsp;끝 &amp; 시작<!-- 숨김
두 줄 -->
=== 젊은 시절 ===
* 첫째 [[en:Plains]]
** 둘째<br />줄
# 하나
; 용어 : 뜻
{| class="wikitable"
! 이름 !! 높이
|-
| 한라산 ||
{|
| 속
|}
|}
<gallery>
파일:a.jpg|가
</gallery>
식은 <math>x^2 < 3</math>이고 H<sub>2</sub>O는 <nowiki>물</nowiki>이다. __목차__
----
[[:분류:미국]]의 [[위키백과:도움말|도움말]], A < B > C
[[분류:미국 사람|카]]
[[Category:Presidents]]
"""

PROSE = """지미 카터(Jimmy Carter, 1924년 ~ )는 미국 연방의 전직 대통령이다.

생애
 그는 고향에서 자랐다. http://example.com/a 끝 & 시작
젊은 시절
첫째
둘째
줄
하나
용어 : 뜻

식은 이고 H2O는 물이다.

분류:미국의 도움말, A < B > C"""


def test_wikitext_becomes_prose() -> None:
    assert _render("mediawiki", WIKITEXT) == PROSE


@pytest.mark.parametrize(
    ("wikitext", "prose"),
    [
        ("{{닫지 않은 틀|글", "닫지 않은 틀|글"),
        ("글}} 뒤", "글 뒤"),
        ("[[닫지 않은 링크", "[[닫지 않은 링크"),
        ("앞 <ref>닫지 않은 주석", "앞 닫지 않은 주석"),
        ("{{lang|ja|東京}}에서", "東京에서"),
        ("=== 제목 ===", "제목"),
        ("1 = 1", "1 = 1"),
        ("[[산|]]", ""),
        ("[[파일:가.jpg]][[산]]", "산"),
    ],
)
def test_broken_and_short_wikitext(wikitext: str, prose: str) -> None:
    assert _render("mediawiki", wikitext) == prose


@pytest.mark.parametrize(
    ("wikitext", "prose"),
    [
        ("인구는 {{formatnum:54321}}명이다.", "인구는 54321명이다."),
        ("{{lc:ABC}} {{uc:abc}}", "abc ABC"),
        ("{{날짜|2019-05-06}}에, {{date|2019|5|6}}에, {{연월일|1919|3|1}}에", "2019년 5월 6일에, 2019년 5월 6일에, 1919년 3월 1일에"),
        ("{{시작 날짜|2019}}에", "2019년에"),
        ("길이는 {{convert|5|km|mi}}, {{변환|12|m2}}, {{convert|3|-|5|kg}}이다.", "길이는 5 km, 12 m², 3~5 kg이다."),
        ("{{인용문|나는 걷는다.}} 라고", "나는 걷는다. 라고"),
        ("{{quote|text=나는 걷는다.|author=나}}", "나는 걷는다."),
        ("{{llang|en|2=Busan}}과 {{lang|ja|東京}}", "Busan과 東京"),
        ("{{국기나라|대한민국}} 선수와 {{flagcountry|일본}} 선수", "대한민국 선수와 일본 선수"),
        ("{{w|수력 발전소|발전소}}와 {{임시링크|호수|en|Lake}}", "발전소와 호수"),
        ("CO{{아래 첨자|2}}, x{{위 첨자|3}}, {{frac|1|2}}, {{frac|3|1|2}}", "CO2, x3, 1/2, 3 1/2"),
        ("{{nowrap|{{한자|朝鮮}} 시대}}", "朝鮮 시대"),
        ("그 책({{원제|fr|L'Été|여름}})은", "그 책(L'Été, 여름)은"),
        ("부산({{llang|ja|[http://a.jp/?x=1 釜山]}})은", "부산(釜山)은"),
        ("{{nowrap|[[부산광역시|부산]]의 바다}}", "부산의 바다"),
        ("빨강{{·}}파랑, 1990{{snd}}2000", "빨강 · 파랑, 1990 – 2000"),
        ("{{틀:Nowrap|가 나}}", "가 나"),
        ("글{{출처 필요|날짜=2020-01-01}}이다.{{각주}}", "글이다."),
        ("{{#if:x|가|나}}글{{#invoke:모듈|함수}}", "글"),
        ("<ruby>漢<rp>(</rp><rt>한</rt><rp>)</rp></ruby>과 <span style=\"display:none\">숨은</span>글", "漢과 글"),
        ("앞\n:{| class=x\n| 칸\n{|\n| 속 표\n|}\n|}\n뒤", "앞\n뒤"),
    ],
)  # fmt: skip
def test_a_template_in_a_sentence_is_what_a_reader_sees(wikitext: str, prose: str) -> None:
    assert _render("mediawiki", wikitext) == prose


@pytest.mark.parametrize(
    "piece",
    [
        "[math(",
        "[* ",
        "{{lang|",
        "{{a|b=",
        "<span style=display:none>",
        "[include(",
        "[[a|",
        "{{a|",
        "{|\n",
        "''",
        "[http://a ",
        "<ref>",
        "<!--",
        "&",
        "=",
        "[[",
    ],
)
def test_hostile_markup_of_200_kb_takes_no_more_than_a_moment(piece: str) -> None:
    for name in ("mediawiki", "namuwiki", "html", "modu"):
        _render(name, piece * (40_000 // len(piece)))


# --- wikiextractor ---------------------------------------------------------------------------------------------------


def test_articles_of_wikiextractor_lose_their_repeated_title(tmp_path: Path) -> None:
    content = """<doc id="5" url="https://a?curid=5" title="지미 "카터" &amp; 나">
지미 "카터" &amp; 나

대통령이다.

고향이다.

</doc>
<doc id="6" url="" title="닫지 않은 글">
글
<doc id="7" revid="1" url="" title="다">
다름
</doc>
밖의 줄
{"id": "8", "url": "", "title": "라", "text": "라이다."}
{"id": "9", "title": "마"}
<doc id="10" url="" title="끝">
"""
    items = _read(tmp_path / "wiki_00", content)
    assert items[0] == Document("5", "시험", "대통령이다.\n\n고향이다.", '지미 "카터" & 나')
    assert items[2] == Document("7", "시험", "다름", "다")
    assert items[4] == Document("8", "시험", "라이다.", "라")
    assert _shown(items)[1::2] == ["!unclosed_document", "!outside_document", "!no_text"]
    assert _shown(items)[-1] == "!unclosed_document"


# --- NamuWiki --------------------------------------------------------------------------------------------------------


def test_pages_of_namuwiki_that_are_no_articles_are_counted(tmp_path: Path) -> None:
    pages = [
        {"namespace": "0", "title": "등산", "text": "산을 오른다."}, {"namespace": 0, "title": "산행", "text": "#redirect 등산"},
        {"namespace": "문서", "title": "옛길", "text": "#넘겨주기 등산"}, {"namespace": "1", "title": "틀:가", "text": "틀"},
        {"namespace": "분류", "title": "나", "text": "분류"}, {"namespace": "0", "title": "다"},
    ]  # fmt: skip
    items = _read(tmp_path / "글.json", pages)
    assert items[0] == Document("글-000000", "시험", "산을 오른다.", "등산")
    assert _shown(items[1:]) == ["!redirect", "!redirect", "!other_namespace", "!other_namespace", "!no_text"]


NAMUMARK = """[[분류:산]][include(틀:산)]
[목차]
== 개요 ==
[[파일:산.jpg|width=300]]산을 오르는 '''운동'''. [[운동|스포츠]]의 하나이다.[* 각주는 [[링크]]와 [1]을 품는다.][*A]
## 주석
==# 접힌 제목 #==
||<tablealign=center> 이름 || 높이 ||
|| 여러
줄 || 칸 ||
{{{#red 붉은 글씨}}}와 {{{+1 큰 {{{-1 글씨}}}}}}, ~~취소선~~, --가로줄--, __밑줄__, 10^^2^^
{{{#!wiki style="border:1px"
상자 안의 글}}}
{{{#!folding 펼치기
접힌 글}}}
{{{#!syntax python
print("코드")}}}{{{#!html <b>글</b>}}}
> 인용문이다.[br]둘째 줄
 * [[한라산]] [youtube(abc,width=1)]
  1. [[https://example.com|바깥]] [[https://example.com]]
----
[[백두산#s-2]]와 [ruby(漢字, ruby=한자)]는 \\[대괄호\\]와 2019--2020
[각주]
"""


def test_namuwiki_markup_becomes_prose() -> None:
    assert (
        _render("namuwiki", NAMUMARK)
        == """개요
산을 오르는 운동. 스포츠의 하나이다.
접힌 제목
붉은 글씨와 큰 글씨, 취소선, 가로줄, 밑줄, 102
상자 안의 글
접힌 글

인용문이다.
둘째 줄
한라산
바깥

백두산와 漢字는 [대괄호]와 2019--2020"""
    )


@pytest.mark.parametrize(
    ("markup", "prose"),
    [
        ("식은 [math(x[1] = \\frac{1}{2})]이다.", "식은 이다."),
        ("식이다.\n[math(\\begin{cases}\na\\\\\n\\end{cases})]\n끝.", "식이다.\n\n끝."),
        ("<math>x^2</math>은 제곱이다.", "은 제곱이다."),
        ("[include(틀:분류,\n 제목=[가],\n 값=나)]\n본문이다.", "본문이다."),
        ("각주 세 겹[* 가 [나 [다 [라]] 마] 바] 뒤[*A 또 하나].", "각주 세 겹 뒤."),
        ("닫지 않은 각주[* 가 [나]", "닫지 않은 각주[* 가 [나]"),
        ("[각주]\n[목차]글", "글"),
        ("|표의 제목|이름||높이||\n||산||100||\n본문이다.", "본문이다."),
        ("[대괄호]는 남는다[1].", "[대괄호]는 남는다[1]."),
        ("[math(닫지 않은 식", "[math(닫지 않은 식"),
    ],
)
def test_namuwiki_formulas_footnotes_and_captions_go(markup: str, prose: str) -> None:
    assert _render("namuwiki", markup) == prose


@pytest.mark.parametrize(
    ("page", "prose"),
    [
        ("<p hidden>숨음</p><p style='color:red; display : none'>숨음</p><p>보임</p>", "보임"),
        ("<div style='visibility:hidden'><p>숨음</p></div>글", "글"),
        ("<h2>역사<span class='mw-editsection'>[편집]</span></h2><p>글</p>", "역사\n글"),
        ("<ruby>漢<rp>(</rp><rt>한</rt><rp>)</rp></ruby>字", "漢字"),
        ("<a class='btn sr-only'>본문 바로가기</a>글", "글"),
        ("<p>&lt;br&gt; 태그는 줄을 바꾼다.</p>", "<br> 태그는 줄을 바꾼다."),
        ("<p style='display:block'>보임</p>", "보임"),
        ("<table><tr><td>가<table><tr><td>나</td></tr></table></td></tr></table>", "가\n나"),
    ],
)
def test_a_page_shows_what_a_browser_shows(page: str, prose: str) -> None:
    assert _render("html", page).replace("\t", "") == prose


def test_a_namuwiki_table_that_nothing_closes_costs_its_line_only() -> None:
    assert _render("namuwiki", "앞\n|| 열린 칸\n뒤의 글\n\n더 뒤") == "앞\n\n뒤의 글\n\n더 뒤"


# --- 모두의 말뭉치 -------------------------------------------------------------------------------------------------------


def test_paragraphs_and_utterances_are_lines(tmp_path: Path) -> None:
    written = {
        "id": "1",
        "metadata": {"title": "글"},
        "paragraph": [{"form": "첫 문단."}, {"form": ""}, {"form": "둘째 문단."}],
    }
    spoken = {"utterance": [{"form": "안녕", "original_form": "아안녕"}, {"form": "네"}]}
    items = _read(tmp_path / "글.json", {"id": "x", "document": [written, spoken, {"paragraph": []}, 3]})
    assert items[:2] == [Document("1", "시험", "첫 문단.\n둘째 문단.", "글"), Document("글-000001", "시험", "안녕\n네")]
    assert _shown(items[2:]) == ["!no_text", "!not_an_object"]


@pytest.mark.parametrize(
    ("form", "prose"),
    [
        ("&name1&이가 &affiliation2& 다녀", "[이름]이가 [소속] 다녀"),
        ("&tel-num1&로 &others3& 보내", "[전화번호]로 [개인정보] 보내"),
        ("아 진짜 {laughing} 웃겨{share:photo}", "아 진짜 웃겨"),
        ("((잘 안 들린)) 말 ((xx))", "잘 안 들린 말 xx"),
        ("A&B와 {한글}은 그대로", "A&B와 {한글}은 그대로"),
    ],
)
def test_transcription_marks_become_what_a_reader_sees(form: str, prose: str) -> None:
    assert _render("modu", form) == prose


# --- AI Hub ----------------------------------------------------------------------------------------------------------

DATA = {
    "name": "x",
    "data": [{"id": 1, "text": "가", "토막": [{"말": "나"}, {"말": "다"}]}, {"text": "라", "토막": []}],
}


@pytest.mark.parametrize(
    ("expression", "texts", "documents"),
    [
        ("data[].text", "joined", ["가\n라"]),
        ("data[].text", "separate", ["가", "라"]),
        ('data[]."토막"[]."말"', "joined", ["나\n다"]),
        ('data[*]."토막"[*]."말"', "separate", ["나\n다"]),
        ("data[0].text", "joined", ["가"]),
        ("data[?id].text | [0]", "joined", ["가"]),
        ("[data[0].text, data[1].text]", "separate", ["가", "라"]),
        ("data[*].[text]", "joined", ["가", "라"]),
        ("name", "joined", ["x"]),
    ],
)
def test_an_expression_names_the_texts(expression: str, texts: str, documents: list[str], tmp_path: Path) -> None:
    path = tmp_path / "글.json"
    assert _shown(_read(path, DATA, format="ai_hub", text_field=expression, texts=texts)) == documents


def test_an_expression_is_read_over_a_bare_array(tmp_path: Path) -> None:
    path = tmp_path / "글.json"
    assert _shown(_read(path, DATA["data"], format="ai_hub", text_field="[].text", texts="separate")) == ["가", "라"]


def test_an_expression_that_matches_nothing_is_an_error_in_the_first_file_only(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"글\.json: `data\[\]\.body` matches no text in the first file.*\"name\""):
        _read(tmp_path / "글.json", DATA, format="ai_hub", text_field="data[].body")
    (tmp_path / "뒤.json").write_text('{"data": []}', encoding="utf-8")
    assert _shown(_read(tmp_path, format="ai_hub", text_field="data[].text")) == ["가\n라", "!no_text"]


def test_an_expression_that_is_none_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"source `시험`: `text_field: data\[` is not a JMESPath expression"):
        _read(tmp_path / "글.json", DATA, format="ai_hub", text_field="data[")


# --- HTML ------------------------------------------------------------------------------------------------------------

HTML = """<!DOCTYPE html><html><head><title>제목 </title><style>p {}</style></head><body>
<nav><ul><li>메뉴</li></ul></nav>
<h1>등산  &amp; 산행</h1>
<p>산을 <b>오르는</b>
 운동<a href="x">이다</a>.<br>둘째&nbsp;줄</p><p>셋째
<table><tr><th>이름</th><th>높이</th></tr><tr><td>한라산</td><td>1,947m</td></tr></table>
<ul><li>하나<li>둘</ul><script>var x = "<p>코드</p>";</script>
<pre>줄 하나
  줄 둘</pre><form><div>폼 안의 글</div></form><footer>바닥글</footer></body></html>"""


def test_a_page_becomes_lines() -> None:
    assert _render("html", HTML).replace("\t", "|") == (
        "등산 & 산행\n산을 오르는 운동이다.\n둘째\xa0줄\n셋째\n이름|높이\n한라산|1,947m\n하나\n둘\n줄 하나\n  줄 둘\n폼 안의 글"
    )


# --- real samples ----------------------------------------------------------------------------------------------------


@pytest.mark.real
def test_the_published_samples_are_read(real_data: Path, tmp_path: Path) -> None:
    import zstandard

    packed = real_data / "formats" / "format_fragments.tar.zst"
    with packed.open("rb") as stream, tarfile.open(fileobj=zstandard.open(stream), mode="r|") as archive:
        archive.extractall(tmp_path, filter="data")
    folder = tmp_path / "formats"
    articles = _read(folder / "wikiextractor")
    assert len(articles) > 100
    assert all(isinstance(item, Document) for item in articles)
    assert _shown(_read(folder / "modu_messenger.json")) == ["오늘 저녁 뭐 먹을래?\n김치찌개 어때"]
    assert _shown(_read(folder / "modu_morpheme.json", format="modu")) == ["나는 학교에 갔다."]
    assert _shown(_read(folder / "modu_written.json"))[0].startswith("바다의 날씨는 빠르게 바뀐다.")
    redirect, page = _read(folder / "namuwiki_dump.json")
    assert isinstance(redirect, Drop)
    assert isinstance(page, Document)
    assert (
        _render("namuwiki", page.text)
        == "개요\n산을 오르는 운동. 운동의 하나이다.\n\n붉은 글씨는 이렇게 쓴다.\n관련 문서\n한라산"
    )
    with pytest.raises(
        InputError, match=r"klue_card_examples\.json: the JSON format cannot be seen from its beginning"
    ):
        _read(folder / "klue_card_examples.json")
    assert len(_read(packed, format="wikiextractor")) == len(articles)
