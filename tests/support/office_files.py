"""Small office files, written by hand: DOCX and HWPX packages, HWP in its compound file, PDF with and without text."""

from __future__ import annotations

import io
import itertools
import struct
import zipfile
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
HP = 'xmlns:hp="http://www.hancom.co.kr/hwpml/2011/paragraph" xmlns:hs="http://www.hancom.co.kr/hwpml/2011/section"'
Row = Sequence[str]


def package(parts: Mapping[str, str | bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return stream.getvalue()


# --- DOCX ------------------------------------------------------------------------------------------------------------


def docx(
    paragraphs: Sequence[str | Sequence[Row]], *, note: str = "", header: str = "", more: Mapping[str, str | bytes] = {}
) -> bytes:
    """`note` belongs to the first paragraph. A list of rows is a table; a line break in a paragraph is `<w:br/>`."""
    body = "".join(_docx_block(block, note if number == 0 else "") for number, block in enumerate(paragraphs))
    section = '<w:sectPr><w:headerReference w:type="default" r:id="rId2"/></w:sectPr>' if header else ""
    relations = (("rId1", "footnotes"), ("rId2", "header"))
    parts = {
        "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>',
        "_rels/.rels": _relations(R, (("rId1", "officeDocument", "word/document.xml"),)),
        "word/document.xml": f'<w:document {W} xmlns:r="{R}"><w:body>{body}{section}</w:body></w:document>',
        "word/footnotes.xml": f'<w:footnotes {W}><w:footnote w:id="2">{_docx_paragraph(note)}</w:footnote></w:footnotes>',
        "word/header.xml": f"<w:hdr {W}>{_docx_paragraph(header)}</w:hdr>",
        "word/_rels/document.xml.rels": _relations(R, ((key, kind, f"{kind}.xml") for key, kind in relations)),
    }
    return package(parts | dict(more))


def _relations(base: str, rows: object) -> str:
    inside = "".join(f'<Relationship Id="{key}" Type="{base}/{kind}" Target="{target}"/>' for key, kind, target in rows)  # type: ignore[attr-defined]
    return (
        f'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{inside}</Relationships>'
    )


def _docx_block(block: str | Sequence[Row], note: str) -> str:
    if isinstance(block, str):
        return _docx_paragraph(block, '<w:r><w:footnoteReference w:id="2"/></w:r>' if note else "")
    rows = ("".join(f"<w:tc>{_docx_paragraph(cell)}</w:tc>" for cell in row) for row in block)
    return "<w:tbl>" + "".join(f"<w:tr>{row}</w:tr>" for row in rows) + "</w:tbl>"


def _docx_paragraph(text: str, after: str = "") -> str:
    lines = "<w:br/>".join(f'<w:t xml:space="preserve">{escape(line)}</w:t>' for line in text.split("\n"))
    return f"<w:p><w:r>{lines}</w:r>{after}</w:p>"


# --- HWPX ------------------------------------------------------------------------------------------------------------


def hwpx(
    paragraphs: Sequence[str | Sequence[Row]], *, note: str = "", header: str = "", more: Mapping[str, str | bytes] = {}
) -> bytes:
    """`note` and `header` belong to the first paragraph. A list of rows is a table."""
    head = f'<hp:ctrl><hp:header id="1">{_sublist(header)}</hp:header></hp:ctrl>' if header else ""
    foot = f'<hp:ctrl><hp:footNote number="1">{_sublist(note)}</hp:footNote></hp:ctrl>' if note else ""
    body = "".join(
        _hwpx_block(block, head if number == 0 else "", foot if number == 0 else "")
        for number, block in enumerate(paragraphs)
    )
    return package(
        {"mimetype": "application/hwp+zip", "Contents/section0.xml": f"<hs:sec {HP}>{body}</hs:sec>"} | dict(more)
    )


def _hwpx_block(block: str | Sequence[Row], head: str, foot: str) -> str:
    if isinstance(block, str):
        return f"<hp:p><hp:run>{head}<hp:t>{escape(block)}</hp:t>{foot}</hp:run></hp:p>"
    rows = "".join(
        "<hp:tr>" + "".join(_hwpx_cell(cell, number, column) for column, cell in enumerate(row)) + "</hp:tr>"
        for number, row in enumerate(block)
    )
    size = f'rowCnt="{len(block)}" colCnt="{len(block[0])}"'
    return f"<hp:p><hp:run><hp:tbl {size}>{rows}</hp:tbl></hp:run></hp:p>"


def _hwpx_cell(text: str, row: int, column: int) -> str:
    address = f'<hp:cellAddr colAddr="{column}" rowAddr="{row}"/><hp:cellSpan colSpan="1" rowSpan="1"/>'
    return f"<hp:tc>{_sublist(text)}{address}</hp:tc>"


def _sublist(text: str) -> str:
    return f"<hp:subList><hp:p><hp:run><hp:t>{escape(text)}</hp:t></hp:run></hp:p></hp:subList>"


# --- HWP -------------------------------------------------------------------------------------------------------------

_HEADER, _TEXT, _CONTROL, _LIST = 66, 67, 71, 72
_NOTE_MARK = struct.pack("<H4s8sH", 17, b"  nf", b"", 17)


def hwp(paragraphs: Sequence[str], *, note: str = "", flags: int = 0) -> bytes:
    """`note` belongs to the first paragraph. `flags` are those of the file header: 2 is a password."""
    header = b"HWP Document File".ljust(32, b"\0") + bytes((0, 3, 0, 5)) + struct.pack("<I", flags)
    properties = _record(16, 0, struct.pack("<H", 1).ljust(26, b"\0"))
    section = b"".join(_hwp_paragraph(text, note if number == 0 else "") for number, text in enumerate(paragraphs))
    return compound(
        {"FileHeader": header.ljust(256, b"\0"), "DocInfo": properties}, {"BodyText": {"Section0": section}}
    )


def _hwp_paragraph(text: str, note: str = "", level: int = 0) -> bytes:
    content = text.encode("utf-16-le") + (_NOTE_MARK if note else b"") + b"\r\0"
    head = struct.pack("<IIHBBHHHI", len(content) // 2, 1 << 17 if note else 0, 0, 0, 0, 0, 0, 0, 0)
    paragraph = _record(_HEADER, level, head) + _record(_TEXT, level + 1, content)
    if not note:
        return paragraph
    listed = _record(_LIST, level + 2, struct.pack("<HIH", 1, 0, 0).ljust(16, b"\0"))
    return (
        paragraph
        + _record(_CONTROL, level + 1, b"  nf".ljust(16, b"\0"))
        + listed
        + _hwp_paragraph(note, "", level + 2)
    )


def _record(tag: int, level: int, data: bytes) -> bytes:
    if len(data) >= 0xFFF:
        return struct.pack("<II", tag | level << 10 | 0xFFF << 20, len(data)) + data
    return struct.pack("<I", tag | level << 10 | len(data) << 20) + data


_SECTOR, _MINI, _END, _FAT, _FREE = 512, 64, 0xFFFFFFFE, 0xFFFFFFFD, 0xFFFFFFFF


def compound(streams: Mapping[str, bytes], folders: Mapping[str, Mapping[str, bytes]]) -> bytes:
    """A compound file of version 3, of streams below 4,096 bytes, which it keeps in pieces of 64."""
    small, links, entries = b"", list[int](), [b""]

    def stored(name: str, content: bytes) -> bytes:
        nonlocal small
        first, count = len(links), -(-len(content) // _MINI)
        small += content.ljust(count * _MINI, b"\0")
        links.extend([*range(first + 1, first + count), _END])
        return _entry(name, 2, first, len(content))

    entries += [stored(name, content) for name, content in streams.items()]
    top = list(range(1, len(entries)))
    for folder, inside in folders.items():
        top.append(len(entries))
        entries.append(_entry(folder, 1, 0, 0, child=len(entries) + 1))
        entries += [stored(name, content) for name, content in inside.items()]
    for left, right in itertools.pairwise(top):
        entries[left] = entries[left][:72] + struct.pack("<I", right) + entries[left][76:]
    tables = struct.pack(f"<{len(links)}I", *links).ljust(_SECTOR, b"\xff")
    room = -(-len(small) // _SECTOR)
    entries[0] = _entry("Root Entry", 5, 1, len(small), child=top[0])
    entries += [_entry("", 0, 0, 0)] * (-len(entries) % 4)
    directory, count = 1 + room, len(entries) // 4
    chain = [_END, *_chain(1, room), *_chain(directory, count), _FAT]
    head = struct.pack(
        "<8s16sHHHHHHIIIIIIIIII", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"", 0x3E, 3, 0xFFFE, 9, 6, 0, 0, 0, 1, directory, 0,
        4096, 0, 1, _END, 0,
    )  # fmt: skip
    where = struct.pack("<109I", directory + count, *[_FREE] * 108)
    table = struct.pack(f"<{len(chain)}I", *chain).ljust(_SECTOR, b"\xff")
    return head + where + tables + small.ljust(room * _SECTOR, b"\0") + b"".join(entries) + table


def _chain(first: int, count: int) -> list[int]:
    return [*range(first + 1, first + count), _END]


def _entry(name: str, kind: int, start: int, size: int, child: int = _FREE) -> bytes:
    raw = (name + "\0").encode("utf-16-le") if name else b""
    place = struct.pack("<HBBIII16sIQQIQ", len(raw), kind, 1, _FREE, _FREE, child, b"", 0, 0, 0, start, size)
    return raw.ljust(64, b"\0") + place


# --- PDF -------------------------------------------------------------------------------------------------------------

Page = Sequence[tuple[int, str]] | None
"""Lines as (distance from the bottom in points, text); None is a page that is one picture."""


def pdf(pages: Sequence[Page], *, catalog: str = "") -> bytes:
    """Text in a font of 10 points whose codes are UTF-16."""
    font = "<</Type/Font/Subtype/Type0/BaseFont/F/Encoding/Identity-H/ToUnicode 5 0 R/DescendantFonts[4 0 R]>>"
    below = "<</Type/Font/Subtype/CIDFontType2/BaseFont/F/CIDSystemInfo<</Registry(Adobe)/Ordering(Identity)/Supplement 0>>/DW 1000>>"
    unicode = "begincmap 1 begincodespacerange <0000> <FFFF> endcodespacerange 1 beginbfrange <0000> <FFFF> <0000> endbfrange endcmap"
    picture = "<</Type/XObject/Subtype/Image/Width 1/Height 1/ColorSpace/DeviceGray/BitsPerComponent 8/Length 1>>stream\n0\nendstream"
    objects = ["", "", font, below, _stream(unicode), picture]
    kids = []
    for page in pages:
        content = "600 0 0 800 0 0 cm /P Do" if page is None else "".join(_shown(height, text) for height, text in page)
        objects.append(_stream(content))
        resources = "<</Font<</F 3 0 R>>/XObject<</P 6 0 R>>>>" if page is None else "<</Font<</F 3 0 R>>>>"
        objects.append(
            f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Resources{resources}/Contents {len(objects)} 0 R>>"
        )
        kids.append(f"{len(objects)} 0 R")
    objects[0] = f"<</Type/Catalog/Pages 2 0 R{catalog}>>"
    objects[1] = f"<</Type/Pages/Kids[{' '.join(kids)}]/Count {len(kids)}>>"
    return _numbered(objects)


def _shown(height: int, text: str) -> str:
    return f"BT /F 10 Tf 50 {height} Td <{text.encode('utf-16-be').hex()}> Tj ET\n"


def _stream(content: str) -> str:
    return f"<</Length {len(content)}>>stream\n{content}\nendstream"


def _numbered(objects: Sequence[str]) -> bytes:
    out, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, start=1):
        places.append(len(out))
        out += f"{number} 0 obj\n{content}\nendobj\n".encode()
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    size = len(objects) + 1
    tail = f"xref\n0 {size}\n0000000000 65535 f \n{table}trailer<</Size {size}/Root 1 0 R>>\nstartxref\n{len(out)}\n%%EOF\n"
    return out + tail.encode()
