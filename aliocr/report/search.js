
// --- the search

// The search treats full-width and normal forms as equal, ignores upper and lower case, and ignores
// spaces beside CJK characters, because users type and engines return all these variants.
const CJK = "[\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\u3000-\\u303f]";
const NO_BLANK = new RegExp(`\\s+(?=${CJK})|(?<=${CJK})\\s+`, "gu");
const IS_CJK = new RegExp(CJK, "u");
const LETTER = /[^][\p{M}\uff9e\uff9f]*/gu; // one letter with its combining marks

const fold = (text) => text.normalize("NFKC").toLowerCase().replace(NO_BLANK, "").replace(/\s+/g, " ");

let query = ""; // the searched text, normalised by `fold`

// Return each letter of the folded text, with its position in the original text.
function origins(text) {
  const letters = [];
  for (const { 0: letter, index } of text.matchAll(LETTER)) {
    for (const sign of letter.normalize("NFKC").toLowerCase()) {
      const blank = /\s/.test(sign);
      if (blank && letters.at(-1)?.blank) letters.at(-1).to = index + letter.length;
      else letters.push({ sign: blank ? " " : sign, blank, cjk: IS_CJK.test(sign), from: index, to: index + letter.length });
    }
  }
  return letters.filter(({ blank }, at) => !blank || !(letters[at - 1]?.cjk || letters[at + 1]?.cjk))
    .flatMap((letter) => Array.from(letter.sign.split(""), () => letter));
}

function spans(text) {
  const found = [];
  const folded = fold(text);
  let letters = null;
  for (let at = folded.indexOf(query); at >= 0; at = folded.indexOf(query, at + query.length)) {
    letters ??= origins(text);
    if (at + query.length > letters.length) break;
    found.push([letters[at].from, letters[at + query.length - 1].to]);
  }
  return found;
}

function paint(view) {
  for (const piece of view.pieces) {
    const found = query ? spans(piece.text) : [];
    if (piece.number !== undefined) view.boxes[piece.number]?.classList.toggle("hit", found.length > 0);
    if (!found.length && !piece.marked) continue;
    const parts = [];
    let after = 0;
    for (const [from, to] of found) {
      if (from < after) continue; // the hit before is in the same letter, such as ㎞
      parts.push(piece.text.slice(after, from), el("mark", {}, piece.text.slice(from, to)));
      after = to;
    }
    piece.element.replaceChildren(...parts, piece.text.slice(after));
    piece.marked = found.length > 0;
  }
}

function hitsIn(entry) {
  if (!query) return 0;
  const { told } = entry;
  entry.folded ??= [told.id ?? "", told.source, told.error ?? "",
    ...told.sheets.flatMap((sheet) => sheet.lines.map((line) => line.text))].map(fold).join("\n");
  let count = 0;
  for (let at = entry.folded.indexOf(query); at >= 0; at = entry.folded.indexOf(query, at + query.length)) count += 1;
  return count;
}
