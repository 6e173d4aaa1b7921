
// The pictures follow this script in the page, as text in script elements. An image element is made
// when a picture comes near the window, and is removed when the picture is far from the window.

const NEAR = "120% 0px"; // distance to the window at which an image is made, in window heights
const FAR = "500% 0px"; // distance to the window at which an image is removed, in window heights
const AT_FIRST = 8; // number of entries that are built before the page is first shown
const ON_PAPER = 320; // approximate width of a printed picture, in pixels
const SLICE = 12; // maximum time of building entries without a pause, in milliseconds

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

// --- entries

const views = new Map(); // views of pictures, by their page element

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
      told.alone ? firstAlone(told.alone) : null,
      entry.blank || !told.ok ? null : copy,
      told.ok ? null : chip("failed", "bad")),
    ...entry.views.map((view) => view.page));
}

function firstAlone(total) {
  const made = chip(`first of ${amount(total)} frames only`, "warn");
  made.title = `The job asked for one frame. --interval 1 --max-frames ${total} reads all frames; each is charged.`;
  return made;
}

function viewOf(entry, sheet, at, piece) {
  const { told } = entry;
  const missing = at === 0 && told.missing;
  const pictured = sheet.picture !== undefined || sheet.address !== undefined;
  const items = sheet.lines.map((line, number) => el("li", { tabindex: number ? "-1" : "0" }, line.text));
  const view = {
    entry, sheet, items, boxes: [], live: false, holder: null, image: null, svg: null, pane: null,
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
    view.pane = el("div", { class: "pane", role: "region", "aria-label": "Picture", tabindex: "0" }, view.holder);
  } else if (missing) {
    view.pane = el("div", { class: "pane" }, el("p", { class: "note" }, `No picture here: ${told.missing}.`));
  }
  view.page = el("div", { class: view.pane ? "page" : "page bare" },
    sheet.title ? el("h4", {}, sheet.title) : null, view.pane, view.side);
  if (sheet.w) shape(view, sheet.w, sheet.h);
  else if (!pictured) view.page.style.containIntrinsicHeight = `auto ${told.ok ? listed(view) : 120}px`;
  views.set(view.page, view);
  return view;
}

// Set the sheet's shape and the page's estimated height from the picture's size, before layout.
function shape(view, width, height) {
  view.holder.style.setProperty("--w", width);
  view.holder.style.setProperty("--h", height);
  view.page.classList.toggle("high", isHigh(width, height));
  view.page.classList.toggle("wide", isHigh(height, width));
  view.page.style.containIntrinsicHeight = `auto ${Math.round(heightOf(view, width, height))}px`;
}

// Estimate the height that the CSS will give; wrapped lines are not considered.
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
  return (view.sheet.title ? 40 : 0)
    + (stacked ? picture + listed(view) : Math.max(picture, Math.min(tall, listed(view))));
}

const listed = (view) => 16 + Math.round(28.5 * (view.items.length || 2));

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

// --- make and remove the images of pictures near the window

const near = new IntersectionObserver((changes) => {
  for (const { target, isIntersecting } of changes) if (isIntersecting) dress(views.get(target));
}, { rootMargin: NEAR });

const far = new IntersectionObserver((changes) => {
  for (const { target, isIntersecting } of changes) if (!isIntersecting) undress(views.get(target));
}, { rootMargin: FAR });

const waiting = new Set(); // views whose pictures the browser has not yet read from the page

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
    fit(view.holder, ON_PAPER);
  } else {
    image.loading = "lazy";
    view.svg.style.display = "none";
    image.addEventListener("load", () => loaded(view, image));
    image.addEventListener("error", () => notLoaded(view));
  }
  image.src = address;
  sizes.observe(view.holder);
  paint(view);
  if (hot.view === view) { light(view, hot.at); showBox(view, hot.at); }
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
  // While the page loads, an element without a following node may be incomplete.
  return element?.nextSibling || document.readyState !== "loading" ? element?.textContent ?? null : null;
}

function loaded(view, image) {
  if (view.image !== image) return;
  shape(view, image.naturalWidth, image.naturalHeight);
  view.svg.setAttribute("viewBox", `0 0 ${image.naturalWidth} ${image.naturalHeight}`);
  view.svg.style.display = "";
  fit(view.holder, view.holder.clientWidth);
}

function notLoaded(view) {
  undress(view);
  view.holder.remove();
  view.holder = null;
  view.pane.append(el("p", { class: "note" }, "No picture here: its address has no picture that a browser can show."));
}

if (document.readyState === "loading") {
  const again = () => { for (const view of [...waiting]) { waiting.delete(view); dress(view); } };
  const timer = setInterval(again, 150);
  document.addEventListener("DOMContentLoaded", () => { clearInterval(timer); again(); });
}

function boxOf(line, at) {
  if (!line.boxes.length) return null;
  const rects = line.boxes.map(([x, y, w, h, text = line.text]) => drawn(
    "rect", { x, y, width: Math.max(0, w), height: Math.max(0, h), rx: Math.max(0, Math.min(w, h) / 10) },
    titleOf(at + 1, text, [x, y, w, h])));
  return drawn("g", { class: "box", "data-line": at }, ...rects, tagOf(at + 1, line.boxes[0]));
}
