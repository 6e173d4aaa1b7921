
"use strict";

// Whatever was read becomes text: append() and textContent make nodes of text, and the policy of
// this page has the browser refuse everything that would make HTML of it.
//
// Pictures stand behind this script in elements that browsers do not look into. One becomes an
// image when it comes near the window, and is let go of when it is far from it.

const SVG = "http://www.w3.org/2000/svg";
const NEAR = "120% 0px"; // beyond the window, in heights of it
const FAR = "500% 0px";
const AT_FIRST = 8; // entries, before the page is shown for the first time
const SLICE = 12; // milliseconds of building, before others have a turn

const $ = (id) => document.getElementById(id);

function make(space, name, attributes, children) {
  const made = space ? document.createElementNS(space, name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children.filter((child) => child !== null));
  return made;
}
const el = (name, attributes = {}, ...children) => make(null, name, attributes, children);
const drawn = (name, attributes = {}, ...children) => make(SVG, name, attributes, children);
const chip = (words, mood = "") => el("span", { class: `chip ${mood}` }, words);
const amount = (count) => count.toLocaleString("en");
const plural = (count, one, many) => `${amount(count)} ${count === 1 ? one : many}`;

const data = JSON.parse($("data").textContent);
$("data").remove();
const entries = data.entries.map((told, at) => ({
  told, at, article: null, views: [], folded: null, hits: 0, visible: true,
  kind: told.ok ? null : nameOf(told),
  blank: told.ok && !told.sheets.some((sheet) => sheet.lines.length),
}));

function nameOf(failed) {
  return failed.code === null ? failed.kind : `${failed.code} ${failed.kind}`;
}

// --- the head

function showTotals() {
  const { totals } = data;
  const failed = totals.rows - totals.read;
  const share = (count) => (totals.rows && count ? `${(100 * count / totals.rows).toFixed(1)} %` : "");
  const total = (name, count, { mood = "", small = "" } = {}) => el("div", {}, el("dt", {}, name),
    el("dd", { class: mood }, amount(count), small ? el("small", {}, small) : null));
  $("totals").append(
    total("Rows", totals.rows),
    total("Read", totals.read, { small: share(totals.read) }),
    total("With text", totals.with_text, { small: share(totals.with_text) }),
    total("Frames read", totals.frames),
    total("Failed", failed, { mood: failed ? "bad" : "", small: share(failed) }));
  const written = new Date(data.written).toLocaleString("en-GB", { dateStyle: "long", timeStyle: "short" });
  $("lead").textContent = `What was read, as of ${written}.`;
  $("about").textContent = `aliocr report ${data.version}`;
  $("pictures-words").replaceChildren(...(data.all
    ? [`The first ${amount(entries.length)} of ${plural(totals.rows, "row", "rows")}. `,
      el("code", {}, data.all), " shows all of them."]
    : ["In the order of the file."]));
  $("failures").hidden = !totals.failed.length;
  $("failures-rows").append(...totals.failed.map((failed) => {
    const kind = nameOf(failed);
    const shown = entries.some((entry) => entry.kind === kind);
    const button = el("button", { type: "button", class: "small", "aria-label": `Show ${kind}` }, "Show");
    button.addEventListener("click", () => { choose(kind); $("pictures").scrollIntoView(); });
    return el("tr", {},
      el("td", { class: "num" }, amount(failed.rows)),
      el("td", { class: "kind" }, chip(failed.kind, "bad"), failed.code === null ? null : el("code", {}, String(failed.code))),
      el("td", { class: "advice" }, failed.advice),
      el("td", { class: "show" }, shown ? button : null));
  }));
}

// --- entries

const views = new Map(); // by their element
const places = ["x", "y", "w", "h"];

function articleOf(entry) {
  const { told } = entry;
  const pieces = [];
  const piece = (text, name, attributes) => {
    const made = el(name, attributes, text);
    pieces.push({ element: made, text, marked: false });
    return made;
  };
  const whole = /^https?:\/\//i.test(told.source) && !told.source.includes("…");
  const source = piece(told.source, whole ? "a" : "span", whole
    ? { class: "source", href: told.source, rel: "noreferrer noopener", target: "_blank" }
    : { class: "source" });
  const copy = el("button", { type: "button", class: "small copy" }, "Copy");
  entry.views = (told.sheets.length ? told.sheets : [{ lines: [] }])
    .map((sheet, at) => viewOf(entry, sheet, at, piece));
  entry.views[0].pieces.push(...pieces);
  return el("article", { class: "card entry", "aria-label": `Row ${told.row}` },
    el("header", {},
      el("span", { class: "row" }, amount(told.row)),
      el("h3", {}, told.id === null ? null : piece(told.id, "span", { class: "id" }), source),
      entry.blank || !told.ok ? null : copy,
      told.ok ? null : chip("failed", "bad")),
    ...entry.views.map((view) => view.page));
}

function viewOf(entry, sheet, at, piece) {
  const { told } = entry;
  const missing = at === 0 && told.missing;
  const pictured = sheet.picture !== undefined || sheet.address !== undefined;
  const items = sheet.lines.map((line, number) => el("li", { tabindex: number ? "-1" : "0" }, line.text));
  const view = {
    entry, sheet, items, boxes: [], live: false, holder: null, image: null, svg: null, desk: null,
    pieces: items.map((element, number) => ({ element, text: sheet.lines[number].text, marked: false, number })),
  };
  view.side = el("div", { class: "side" },
    told.ok ? (items.length
      ? el("ol", { class: "lines", role: "list", "aria-label": "Lines of text" }, ...items)
      : el("div", { class: "empty" }, "No text found."))
    : el("div", { class: "error" },
      el("div", { class: "chips" }, chip(told.kind, "bad"), told.code === null ? null : chip(`code ${told.code}`),
        told.maybe_charged ? chip("may have been charged", "warn") : null),
      piece(told.error, "div", { class: "words" })));
  if (pictured) {
    view.holder = el("div", { class: "sheet" });
    view.desk = el("div", { class: "desk", role: "region", "aria-label": "Picture", tabindex: "0" }, view.holder);
  } else if (missing) {
    view.desk = el("div", { class: "desk" }, el("p", { class: "note" }, `No picture here: ${told.missing}.`));
  }
  view.page = el("div", { class: view.desk ? "page" : "page bare" },
    sheet.title ? el("h4", {}, sheet.title) : null, view.desk, view.side);
  if (sheet.w) shape(view, sheet.w, sheet.h);
  views.set(view.page, view);
  return view;
}

// What is known of a picture's size gives the sheet its shape, and the page a height before it is
// laid out.
function shape(view, width, height) {
  view.holder.style.setProperty("--w", width);
  view.holder.style.setProperty("--h", height);
  view.page.classList.toggle("high", height > 2.5 * width && height > 400);
  view.page.classList.toggle("wide", width > 2.5 * height && width > 400);
  view.page.style.containIntrinsicSize = `auto auto auto ${Math.round(heightOf(view, width, height))}px`;
}

// As the styles will have it, but for lines that are too long for one row.
function heightOf(view, width, height) {
  const narrow = matchMedia("(max-width: 900px)").matches;
  const stacked = narrow || view.page.classList.contains("wide");
  const pad = innerWidth > 680 ? 40 : 24;
  const tall = Math.max(360, Math.min(innerHeight - 190, 860));
  const room = $("entries").clientWidth / (stacked ? 1 : 2) - pad;
  let shown = Math.min(room, 1.4 * width, (tall - 40) * width / height);
  if (view.page.classList.contains("high")) shown = Math.min(room, width, 620);
  if (view.page.classList.contains("wide")) shown = Math.max(room, Math.min(width, 260 * width / height));
  const picture = Math.min(narrow ? 0.7 * innerHeight : tall, shown * height / width + pad);
  const listed = 16 + 28.5 * (view.items.length || 2);
  return (view.sheet.title ? 40 : 0) + (stacked ? picture + listed : Math.max(picture, Math.min(tall, listed)));
}

function building() {
  let at = 0;
  const until = (done) => {
    const made = document.createDocumentFragment();
    const begun = at;
    for (; at < entries.length && !done(at); at += 1) {
      const entry = entries[at];
      entry.article = articleOf(entry);
      entry.article.hidden = !entry.visible;
      made.append(entry.article);
    }
    $("entries").append(made);
    for (const entry of entries.slice(begun, at)) {
      for (const { page } of entry.views) { near.observe(page); far.observe(page); }
    }
  };
  const more = () => {
    const end = performance.now() + SLICE;
    until(() => performance.now() > end);
    if (at < entries.length) setTimeout(more);
    else document.body.dataset.built = "";
  };
  until((number) => number >= AT_FIRST);
  setTimeout(more);
}

// --- pictures, while they are near the window

const near = new IntersectionObserver((seen) => {
  for (const { target, isIntersecting } of seen) if (isIntersecting) dress(views.get(target));
}, { rootMargin: NEAR });

const far = new IntersectionObserver((seen) => {
  for (const { target, isIntersecting } of seen) if (!isIntersecting) undress(views.get(target));
}, { rootMargin: FAR });

const waiting = new Set(); // for the browser to read on to their pictures

function dress(view) {
  view.live = true;
  paint(view);
  if (view.image || !view.holder) return;
  const { sheet } = view;
  const address = sheet.address ?? pictureOf(sheet.picture);
  if (address === null) {
    waiting.add(view);
    return;
  }
  const image = el("img", { alt: `The picture of row ${view.entry.told.row}`, draggable: "false", decoding: "async" });
  view.image = image;
  view.boxes = sheet.lines.map(boxOf);
  view.svg = drawn("svg", { "aria-hidden": "true" }, ...view.boxes.filter((box) => box));
  view.holder.append(image, view.svg);
  if (sheet.w) {
    view.svg.setAttribute("viewBox", `0 0 ${sheet.w} ${sheet.h}`);
  } else {
    image.loading = "lazy";
    view.svg.style.display = "none";
    image.addEventListener("load", () => loaded(view, image));
    image.addEventListener("error", () => notLoaded(view));
  }
  image.src = address;
  sizes.observe(view.holder);
  paint(view);
  if (hot.view === view) light(view, hot.at);
}

function undress(view) {
  waiting.delete(view);
  view.live = false;
  if (!view.image) return;
  sizes.unobserve(view.holder);
  if (hot.view === view) light(null);
  view.image.removeAttribute("src");
  view.holder.replaceChildren();
  view.image = view.svg = null;
  view.boxes = [];
}

function pictureOf(number) {
  const element = $(`picture-${number}`);
  // An element that nothing follows may not have been read to its end.
  return element?.nextSibling || document.readyState !== "loading" ? element?.textContent ?? null : null;
}

function loaded(view, image) {
  if (view.image !== image) return;
  shape(view, image.naturalWidth, image.naturalHeight);
  view.svg.setAttribute("viewBox", `0 0 ${image.naturalWidth} ${image.naturalHeight}`);
  view.svg.style.display = "";
}

function notLoaded(view) {
  undress(view);
  view.holder.remove();
  view.holder = null;
  view.desk.append(el("p", { class: "note" }, "No picture here: nothing that a browser can show is at its address."));
}

if (document.readyState === "loading") {
  const again = () => { for (const view of [...waiting]) { waiting.delete(view); dress(view); } };
  const timer = setInterval(again, 150);
  document.addEventListener("DOMContentLoaded", () => { clearInterval(timer); again(); });
}

function boxOf(line, at) {
  if (!line.boxes.length) return null;
  const rects = line.boxes.map(([x, y, w, h, text = line.text]) => {
    const spot = places.map((name, index) => `${name} ${Math.round([x, y, w, h][index])}`).join("  ");
    return drawn("rect", { x, y, width: Math.max(0, w), height: Math.max(0, h), rx: Math.max(0, Math.min(w, h) / 10) },
      drawn("title", {}, `${at + 1}. ${text}\n${spot}`));
  });
  const [[x, y]] = line.boxes;
  const tag = drawn("g", { class: "tag", "data-x": x, "data-y": y },
    drawn("circle", { r: at + 1 > 99 ? 11 : 8.5 }), drawn("text", {}, String(at + 1)));
  return drawn("g", { class: "box", "data-line": at }, ...rects, tag);
}

// The numbered tags keep their size on the screen, whatever the picture is scaled by.
const sizes = new ResizeObserver((seen) => {
  for (const { target, contentRect } of seen) {
    const svg = target.querySelector("svg");
    if (!svg || !contentRect.width) continue;
    const scale = svg.viewBox.baseVal.width / contentRect.width;
    for (const tag of svg.querySelectorAll(".tag")) {
      tag.setAttribute("transform", `translate(${tag.dataset.x} ${tag.dataset.y}) scale(${scale})`);
    }
  }
});

// --- a line and its boxes light up together, by mouse and by arrow keys

const hot = { view: null, at: -1 };

function light(view, at = -1) {
  const both = (on) => {
    for (const one of [hot.view?.boxes[hot.at], hot.view?.items[hot.at]]) one?.classList.toggle("hot", on);
  };
  both(false);
  Object.assign(hot, { view, at });
  both(true);
  const box = view?.boxes[at];
  box?.parentNode.append(box); // drawn over its neighbours
}

function spotOf(target) {
  const found = target instanceof Element ? target.closest(".lines li, .box") : null;
  if (!found) return [null, -1, false];
  const view = views.get(found.closest(".page"));
  const listed = found.tagName === "LI";
  return [view, listed ? view.items.indexOf(found) : Number(found.dataset.line), listed];
}

function showBox(view, at) {
  const box = view.boxes[at]?.querySelector("rect");
  if (box) reveal(view.desk, box);
}

function listen() {
  const all = $("entries");
  const focused = () => spotOf(document.activeElement);
  // Not pointerenter, which also comes when something scrolls under a pointer at rest.
  all.addEventListener("pointermove", ({ target }) => {
    const [view, at, listed] = spotOf(target);
    if (view === hot.view && at === hot.at) return;
    light(...(view ? [view, at] : focused()));
    if (view && listed) showBox(view, at);
    else if (view) reveal(view.side, view.items[at]);
  });
  all.addEventListener("pointerleave", () => light(...focused()));
  all.addEventListener("focusin", ({ target }) => {
    const [view, at] = spotOf(target);
    light(view, at);
    if (view) showBox(view, at);
  });
  all.addEventListener("focusout", () => light(null));
  all.addEventListener("keydown", (event) => {
    const [view, at, listed] = spotOf(event.target);
    if (!listed) return;
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: view.items.length - 1 }[event.key];
    if (to === undefined || !view.items[to]) return;
    event.preventDefault();
    view.items[at].tabIndex = -1;
    view.items[to].tabIndex = 0;
    view.items[to].focus();
  });
  all.addEventListener("click", ({ target }) => {
    const button = target.closest("button.copy");
    if (!button) return;
    const entry = entries.find((each) => each.article?.contains(button));
    copy(entry.told.sheets.map((sheet) => sheet.lines.map((line) => line.text).join("\n")).join("\n\n"), button);
  });
}

// Scrolls the one container and not the whole page with it.
function reveal(container, child) {
  const outer = container.getBoundingClientRect();
  const inner = child.getBoundingClientRect();
  const by = (low, high, from, to) => (low < from ? low - from : high > to ? Math.min(high - to, low - from) : 0);
  const top = by(inner.top - 12, inner.bottom + 12, outer.top, outer.bottom);
  const left = by(inner.left - 12, inner.right + 12, outer.left, outer.right);
  if (top || left) container.scrollBy({ top, left });
}

async function copy(text, button) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = el("textarea", { class: "visually-hidden" });
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
    button.focus();
  }
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = "Copy"; }, 1400);
}

// --- what is searched for

// As people write it and engines read it: full-width forms are the plain ones, capitals are small
// letters, and a blank beside a CJK character is none.
const CJK = "[\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\u3000-\\u303f]";
const NO_BLANK = new RegExp(`\\s+(?=${CJK})|(?<=${CJK})\\s+`, "gu");
const IS_CJK = new RegExp(CJK, "u");
const LETTER = /[^][\p{M}\uff9e\uff9f]*/gu; // with all that stands on it

const fold = (text) => text.normalize("NFKC").toLowerCase().replace(NO_BLANK, "").replace(/\s+/g, " ");

let query = "";
let filter = "all";

// The same letter by letter: where in the text each one of the folded text comes from.
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
      if (from < after) continue; // two hits within one letter, such as ㎞
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

const FILTERS = [
  ["all", "All", () => true],
  ["text", "With text", (entry) => entry.told.ok && !entry.blank],
  ["blank", "No text", (entry) => entry.blank],
  ["failed", "Failed", (entry) => !entry.told.ok],
  ...[...new Set(entries.map((entry) => entry.kind))].filter((kind) => kind !== null)
    .map((kind) => [kind, kind, (entry) => entry.kind === kind]),
];

function showFilters() {
  const kinds = FILTERS.length - 4;
  const buttons = FILTERS.map(([name, words, takes]) => {
    const count = entries.filter(takes).length;
    if (name !== "all" && !count) return null;
    if (kinds === 1 && words === name) return null; // it is what "Failed" shows
    const button = el("button", { type: "button", class: "small", "data-filter": name }, `${words} ${amount(count)}`);
    button.addEventListener("click", () => choose(name));
    return button;
  }).filter((button) => button);
  const numbers = el("button", { type: "button", class: "small switch", "aria-pressed": "true" }, "Numbers");
  numbers.addEventListener("click", () => {
    const plain = document.body.classList.toggle("plain");
    numbers.setAttribute("aria-pressed", String(!plain));
  });
  $("filters").append(...(buttons.length > 2 ? buttons : []), numbers);
}

function choose(name) {
  filter = FILTERS.length === 5 && name === FILTERS[4][0] ? "failed" : name;
  apply();
}

function apply() {
  const [, , takes] = FILTERS.find(([name]) => name === filter);
  let hits = 0;
  let visible = 0;
  for (const entry of entries) {
    entry.hits = takes(entry) ? hitsIn(entry) : 0;
    entry.visible = takes(entry) && (!query || entry.hits > 0);
    hits += entry.hits;
    visible += entry.visible;
    if (entry.article) entry.article.hidden = !entry.visible;
  }
  for (const view of views.values()) if (view.live) paint(view);
  for (const button of $("filters").querySelectorAll("[data-filter]")) {
    button.setAttribute("aria-pressed", String(button.dataset.filter === filter));
  }
  $("count").textContent = query ? `${plural(hits, "hit", "hits")} in ${amount(visible)}` : "";
  $("count").title = query ? `${plural(hits, "hit", "hits")} in ${plural(visible, "picture", "pictures")}` : "";
  $("steps").hidden = !query || !visible;
  $("nothing").hidden = visible > 0;
  $("nothing").replaceChildren(...(entries.length
    ? [el("strong", {}, query ? `Nothing here says “${$("query").value.trim()}”.` : "Nothing to show."),
      el("span", {}, filter === "all" ? (data.all ? "Not all rows are on this page." : "") : "Other rows may: only some are shown.")]
    : [el("strong", {}, "No rows yet.")]));
}

// To the next entry that is shown, from the one at the top of the window.
function step(by) {
  const shown = entries.filter((entry) => entry.visible && entry.article);
  const top = (entry) => entry.article.getBoundingClientRect().top;
  const head = document.querySelector(".bar").getBoundingClientRect().bottom;
  const to = by > 0 ? shown.find((entry) => top(entry) > head + 24) : shown.findLast((entry) => top(entry) < head - 8);
  const entry = to ?? shown.at(by > 0 ? 0 : -1);
  if (!entry) return;
  entry.article.scrollIntoView();
  // What came into view may be higher than it was thought to be.
  requestAnimationFrame(() => entry.article.scrollIntoView());
  for (const view of entry.views) {
    dress(view);
    const mark = view.side.querySelector("mark");
    if (mark) reveal(view.side, mark);
  }
}

function listenForWords() {
  const field = $("query");
  let timer = 0;
  const search = () => {
    clearTimeout(timer);
    const words = fold(field.value).trim();
    if (words === query) return;
    query = words;
    apply();
  };
  // What is being composed is not yet what is meant.
  field.addEventListener("input", (event) => {
    clearTimeout(timer);
    if (!event.isComposing) timer = setTimeout(search, 60);
  });
  field.addEventListener("compositionend", search);
  field.addEventListener("keydown", (event) => {
    if (event.isComposing || event.key !== "Enter") return;
    search();
    if (query) step(event.shiftKey ? -1 : 1);
  });
  $("next").addEventListener("click", () => step(1));
  $("previous").addEventListener("click", () => step(-1));
  addEventListener("keydown", (event) => {
    const typing = event.target.closest?.("input, textarea");
    if (event.key !== "/" || typing || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    field.focus();
    field.select();
  });
}

// --- on paper there is no scrolling

addEventListener("beforeprint", () => {
  for (const { visible, views: each } of entries) if (visible) each.forEach(dress);
  for (const image of document.images) image.decoding = "sync";
});
addEventListener("afterprint", () => {
  for (const page of views.keys()) { near.unobserve(page); far.unobserve(page); near.observe(page); far.observe(page); }
});

showTotals();
showFilters();
listen();
listenForWords();
building();
apply();
