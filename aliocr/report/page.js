
// --- the head of the page: totals and failures

function showTotals() {
  const { totals } = data;
  const failed = totals.rows - totals.read;
  const share = (count) => (totals.rows && count ? `${percent(count, totals.rows)} %` : "");
  const total = (name, count, { mood = "", small = "" } = {}) => el("div", {}, el("dt", {}, name),
    el("dd", { class: mood }, amount(count), small ? el("small", {}, small) : null));
  $("totals").append(
    total("Rows", totals.rows),
    total("Read", totals.read, { small: share(totals.read) }),
    total("With text", totals.with_text, { small: share(totals.with_text) }),
    total("Frames read", totals.frames),
    total("Failed", failed, { mood: failed ? "bad" : "", small: share(failed) }));
  const written = new Date(data.written).toLocaleString("en-GB", { dateStyle: "long", timeStyle: "short" });
  $("lead").textContent = `Results of the job, as of ${written}.`;
  $("about").textContent = `aliocr report ${data.version}`;
  $("pictures-words").replaceChildren(...(data.all
    ? [`${shownOf(totals)}. `, el("code", {}, data.all), " shows all rows."]
    : ["In the order of the input."]));
  $("failures").hidden = !totals.failed.length;
  $("failures-rows").append(...totals.failed.map((failed) => {
    const kind = nameOf(failed);
    const shown = entries.some((entry) => entry.kind === kind);
    const button = el("button", { type: "button", class: "small", "aria-label": `Show ${kind}` }, "Show");
    button.addEventListener("click", () => { choose(kind); $("pictures").scrollIntoView(); });
    return el("tr", {},
      el("td", { class: "num" }, amount(failed.rows)),
      el("td", { class: "kind" }, chip(failed.kind, "bad"), failed.code === null ? null : el("code", {}, String(failed.code))),
      el("td", { class: "advice" }, el("bdi", {}, failed.advice), el("div", { class: "which" }, rowsOf(failed))),
      el("td", { class: "show" }, shown ? button : null));
  }));
}

// Return the percentage; a share that is not exactly 0 or 100 % is never rounded to 0 or 100.
function percent(count, of) {
  const words = (100 * count / of).toFixed(1);
  if (words === "0.0") return "< 0.1";
  return words === "100.0" && count < of ? "> 99.9" : words;
}

function shownOf(totals) {
  const failed = entries.filter(({ told }) => !told.ok).length;
  const read = entries.length - failed;
  const allFailed = totals.rows - totals.read;
  if (!allFailed) return `The first ${amount(read)} of ${plural(totals.rows, "row", "rows")}`;
  const those = failed === allFailed
    ? (failed === 1 ? "The row that failed" : `All ${amount(failed)} rows that failed`)
    : `${amount(failed)} of ${plural(allFailed, "row", "rows")} that failed`;
  if (!totals.read) return those;
  const others = read === totals.read ? "all" : read > 1 ? `the first ${amount(read)}` : read ? "the first" : "none";
  return `${those}, and ${others} of ${amount(totals.read)} that ${totals.read === 1 ? "was" : "were"} read`;
}

function rowsOf({ rows, first }) {
  return `${rows === 1 ? "Row" : "Rows"} ${first.map(amount).join(" · ")}${rows > first.length ? " · …" : ""}`;
}

// --- highlight a line and its boxes together, by mouse and by arrow keys

const hot = { view: null, at: -1 };

function light(view, at = -1) {
  const both = (on) => {
    for (const one of [hot.view?.boxes[hot.at], hot.view?.items[hot.at]]) one?.classList.toggle("hot", on);
  };
  both(false);
  Object.assign(hot, { view, at });
  both(true);
  const box = view?.boxes[at];
  box?.parentNode.append(box); // the last element is drawn over its neighbours
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
  if (box) reveal(view.pane, box);
}

function listen() {
  const all = $("entries");
  const focused = () => spotOf(document.activeElement);
  // Do not use pointerenter, because scrolling causes this event without a move of the pointer.
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

// --- filters

let filter = "all";

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
    if (kinds === 1 && words === name) return null; // the button "Failed" shows the same rows
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
  const found = hits ? `${plural(hits, "hit", "hits")} in ${amount(visible)}` : "no hits";
  $("count").textContent = query ? found : "";
  $("count").title = query ? `${plural(hits, "hit", "hits")} in ${plural(visible, "picture", "pictures")}` : "";
  $("steps").hidden = !query || !visible;
  $("nothing").hidden = visible > 0;
  $("nothing").replaceChildren(...(entries.length
    ? [el("strong", {}, query ? `No row here contains “${$("query").value.trim()}”.` : "Nothing to show."),
      el("span", {}, filter === "all" ? (data.all ? "Not all rows are on this page." : "") : "The filter hides other rows.")]
    : [el("strong", {}, "No rows yet.")]));
}

// Scroll to the next or previous visible entry, seen from the entry at the top of the window.
function step(by) {
  const shown = entries.filter((entry) => entry.visible && entry.article);
  const top = (entry) => entry.article.getBoundingClientRect().top;
  const head = document.querySelector(".bar").getBoundingClientRect().bottom;
  const to = by > 0 ? shown.find((entry) => top(entry) > head + 24) : shown.findLast((entry) => top(entry) < head - 8);
  const entry = to ?? shown.at(by > 0 ? 0 : -1);
  if (!entry) return;
  entry.article.scrollIntoView();
  // Scroll again after layout, because the height of an entry may differ from its estimate.
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
  // Do not search while an input method composes text, because this text is not final.
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

// --- before printing, make the images of all visible entries

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
