"use strict";

// --- English and Korean: the page holds both, html[lang] says which is shown ---

const root = document.documentElement;
const korean = () => root.lang === "ko";
const pick = (pair) => pair[korean() ? 1 : 0];
const named = [...document.querySelectorAll("[data-ko-aria-label]")].map((each) => [each, [each.ariaLabel, each.dataset.koAriaLabel]]);

function speak(language) {
  root.lang = language;
  for (const [each, pair] of named) each.ariaLabel = pick(pair);
  document.dispatchEvent(new Event("language"));
}

function stored(language) {
  try {
    if (language) localStorage.setItem("kobert-language", language);
    return localStorage.getItem("kobert-language");
  } catch {
    return null; // a browser may not let a page that is opened as a file store anything
  }
}

document.querySelector("#language")?.addEventListener("click", () => {
  speak(korean() ? "en" : "ko");
  stored(root.lang);
});
if ((stored() ?? navigator.language.slice(0, 2)) === "ko") speak("ko");

// --- light and dark ---

document.querySelector("#theme")?.addEventListener("click", () => {
  const set = root.style.colorScheme || (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  root.style.colorScheme = set === "dark" ? "light" : "dark";
});

// --- values under the pointer ---

function element(name, properties = {}, children = []) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function nearest(points, x) {
  let best = points[0];
  for (const point of points) if (Math.abs(point[0] - x) < Math.abs(best[0] - x)) best = point;
  return best;
}

function shown(value, percent) {
  if (percent) return (100 * value).toFixed(1) + " %";
  return Math.abs(value) >= 100 ? Math.round(value).toLocaleString("en-US") : String(Number(value.toPrecision(4)));
}

function follow(figure) {
  const frame = JSON.parse(figure.dataset.frame);
  const svg = figure.querySelector("svg");
  const [left, right, top, bottom] = frame.box;
  const [low, high] = frame.limits;
  const lines = frame.lines.filter((line) => !line.level);
  const longest = lines.reduce((a, b) => (b.points.length > a.points.length ? b : a), { points: [] });
  if (!longest.points.length) return;
  let cursor, readout;

  function hide() {
    cursor?.remove();
    readout?.remove();
    cursor = readout = undefined;
  }

  function show(event) {
    const place = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    if (place.x < left - 4 || place.x > right + 4) return hide();
    const x = nearest(longest.points, low + ((place.x - left) / (right - left)) * (high - low))[0];
    const at = left + ((x - low) / (high - low)) * (right - left);
    if (!cursor) {
      cursor = document.createElementNS(svg.namespaceURI, "line");
      cursor.setAttribute("class", "cursor");
      svg.append(cursor);
      readout = element("div", { className: "readout" });
      figure.append(readout);
    }
    for (const [name, value] of Object.entries({ x1: at, x2: at, y1: top, y2: bottom })) cursor.setAttribute(name, value);
    const rows = frame.lines.map((line) => {
      const dot = element("i");
      dot.style.setProperty("--c", line.colour);
      return element("div", {}, [dot, pick(line.name) + " " + shown(nearest(line.points, x)[1], frame.percent)]);
    });
    readout.replaceChildren(element("div", { textContent: pick(frame.x) + " " + shown(x) }), ...rows);
    readout.style.right = place.x > (left + right) / 2 ? "auto" : "1rem";
    readout.style.left = place.x > (left + right) / 2 ? "3.5rem" : "auto";
  }

  svg.addEventListener("pointermove", show);
  svg.addEventListener("pointerdown", show);
  svg.addEventListener("pointerleave", hide);
}

document.querySelectorAll("figure[data-frame]").forEach(follow);

// --- figures and tables as CSV ---

function cell(value) {
  const text = String(value ?? "");
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

function csv(rows) {
  return "\ufeff" + rows.map((row) => row.map(cell).join(",") + "\n").join(""); // the mark lets Excel read Korean
}

function text(node) {
  const copy = node.cloneNode(true);
  copy.querySelectorAll(`${korean() ? ".en" : ".ko"}, button, details > :not(summary)`).forEach((each) => each.remove());
  const found = copy.textContent.trim().replace(/\s+/g, " ");
  return /^[\d,.]+$/.test(found) ? found.replaceAll(",", "") : found; // 1,334 is a number for people
}

function rowsOfTable(table) {
  return [...table.rows].filter((row) => row.cells.length > 1).map((row) => [...row.cells].map(text));
}

function rowsOfFigure(figure) {
  if (figure.dataset.rows) return JSON.parse(figure.dataset.rows);
  const { x, lines } = JSON.parse(figure.dataset.frame);
  const measured = lines.filter((line) => !line.level);
  const values = measured.map((line) => new Map(line.points));
  const places = [...new Set(values.flatMap((each) => [...each.keys()]))].sort((a, b) => a - b);
  return [[pick(x), ...measured.map((line) => pick(line.name))], ...places.map((place) => [place, ...values.map((each) => each.get(place))])];
}

function saves(owner, name, rows) {
  const button = element("button", { type: "button", className: "csv", textContent: "CSV" });
  button.addEventListener("click", () => {
    const address = URL.createObjectURL(new Blob([csv(rows())], { type: "text/csv" }));
    const page = document.title.split(" · ")[0];
    element("a", { href: address, download: `${page}-${name()}.csv`.replace(/[\\/:*?"<>|\s]+/g, "-") }).click();
    URL.revokeObjectURL(address);
  });
  owner.append(button);
}

for (const figure of document.querySelectorAll("figure[data-frame], figure[data-rows]")) {
  const caption = figure.querySelector("figcaption");
  saves(caption, () => text(caption), () => rowsOfFigure(figure));
}
for (const table of document.querySelectorAll("table[data-csv]")) {
  const bar = element("p", { className: "save" });
  (table.closest(".wide") ?? table).after(bar);
  saves(bar, () => table.dataset.csv, () => rowsOfTable(table));
}

// --- the tokenizer, as in tokenizer.json: look-alikes, NFC, words, longest match first ---

const HAN = /[\u4e00-\u9fff\u3400-\u4dbf\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b920}-\u{2ceaf}\uf900-\ufaff\u{2f800}-\u{2fa1f}]/gu;
const SIGN = /[\p{P}\p{S}\u{1f000}-\u{1faff}\ufe0e\ufe0f\u20e3]/u;
const WIDE = /[\uff01-\uffee]/g;
const BLANK = /[\t\n\v\f\r\x1c-\x1f\x85\u2800\u3164\uffa0]/g;
const JAMO = [[0x1100, "ㄱㄲㄴㄷㄸㄹㅁㅂㅃㅅㅆㅇㅈㅉㅊㅋㅌㅍㅎ"], [0x1161, "ㅏㅐㅑㅒㅓㅔㅕㅖㅗㅘㅙㅚㅛㅜㅝㅞㅟㅠㅡㅢㅣ"], [0x11a8, "ㄱㄲㄳㄴㄵㄶㄷㄹㄺㄻㄼㄽㄾㄿㅀㅁㅂㅄㅅㅆㅇㅈㅊㅋㅌㅍㅎ"]];
const LONE = /[\u1100-\u1112](?![\u1160-\u11a7\ud7b0-\ud7c6])|(?<![\u1100-\u115f\ua960-\ua97c])[\u1161-\u1175]|(?<![\u1100-\u115f\ua960-\ua97c][\u1160-\u11a7\ud7b0-\ud7c6])[\u11a8-\u11c2]/g;
const DOT = /(?<=[가-힣A-Za-z0-9)\]])[ㆍ\u119e・‧∙⋅](?=[가-힣A-Za-z0-9(\[])/g;

function letter(jamo) {
  const [first, letters] = JAMO.findLast(([first]) => jamo.charCodeAt(0) >= first);
  return letters[jamo.charCodeAt(0) - first];
}

function narrow(wide) {
  return wide === "･" ? "·" : wide === "￣" ? "¯" : wide.normalize("NFKC");
}

function words(text) {
  const usual = text.replace(BLANK, " ").replace(WIDE, narrow).normalize("NFC").replace(LONE, letter).replace(DOT, "·");
  const clean = usual.replace(/[\p{C}\u034f\ufffd]/gu, "").replace(HAN, " $& ");
  const found = [];
  for (const word of clean.split(/\s+/u)) {
    let run = "";
    for (const character of word) {
      if (SIGN.test(character)) {
        if (run) found.push(run);
        found.push(character);
        run = "";
      } else run += character;
    }
    if (run) found.push(run);
  }
  return found;
}

function wordPieces(word, vocabulary) {
  const characters = Array.from(word);
  if (characters.length > 1000) return ["[UNK]"];
  const pieces = [];
  for (let start = 0; start < characters.length; ) {
    let end = characters.length;
    let piece;
    for (; end > start; end--) {
      piece = (start ? "##" : "") + characters.slice(start, end).join("");
      if (vocabulary.has(piece)) break;
    }
    if (end === start) return ["[UNK]"];
    pieces.push(piece);
    start = end;
  }
  return pieces;
}

function tokenize(text, vocabulary, added) {
  const parts = added.length ? text.split(new RegExp("(" + added.map(RegExp.escape ?? escaped).join("|") + ")", "u")) : [text];
  return parts.flatMap((part) => (added.includes(part) ? [[part]] : words(part).map((word) => wordPieces(word, vocabulary))));
}

function escaped(text) {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

function live(area) {
  const { pieces, added } = JSON.parse(document.querySelector("#vocabulary").textContent);
  const vocabulary = new Set(pieces.split("\n"));
  const output = document.querySelector("#live-pieces");
  const count = document.querySelector("#live-count");
  const sentence = JSON.parse(count.dataset.text);

  function chip(piece) {
    const inner = piece.startsWith("##");
    const kind = piece === "[UNK]" ? "unknown" : inner ? "inner" : "first";
    return element("span", { className: "piece " + kind }, inner ? [element("u", { textContent: "##" }), piece.slice(2)] : [piece]);
  }

  function show() {
    const found = tokenize(area.value, vocabulary, added);
    const number = found.flat().length;
    const eojeols = area.value.trim().split(/\s+/u).filter(Boolean).length;
    output.replaceChildren(...found.map((word) => element("span", {}, word.map(chip))));
    const values = { PIECES: number, EOJEOLS: eojeols, RATIO: (number / eojeols).toFixed(2) };
    count.textContent = eojeols ? pick(sentence).replace(/PIECES|EOJEOLS|RATIO/g, (name) => values[name]) : "";
  }

  area.addEventListener("input", show);
  document.addEventListener("language", show);
  show();
}

const area = document.querySelector("#live-text");
if (area) live(area);
