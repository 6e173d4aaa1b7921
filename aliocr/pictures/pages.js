
"use strict";

// Strings from outside never become HTML. append() and textContent make text nodes, and because of the
// Content-Security-Policy of the page, the browser refuses to parse a string as HTML.

const SVG = "http://www.w3.org/2000/svg";
const $ = (id) => document.getElementById(id);

function make(space, name, attributes, children) {
  const made = space ? document.createElementNS(space, name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children.filter((child) => child !== null));
  return made;
}
const el = (name, attributes = {}, ...children) => make(null, name, attributes, children);
const drawn = (name, attributes = {}, ...children) => make(SVG, name, attributes, children);

async function copy(text, button) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Browsers offer no clipboard to a page that came over HTTP from another machine.
    const area = el("textarea", { class: "visually-hidden" });
    area.value = text;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
    button.focus();
  }
  const before = button.dataset.words ??= button.textContent;
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = before; }, 1400);
}

// Scroll the container so that the child is visible, but do not scroll the page.
function reveal(container, child, head = 0) {
  const outer = container.getBoundingClientRect();
  const inner = child.getBoundingClientRect();
  const by = (low, high, from, to) => (low < from ? low - from : high > to ? Math.min(high - to, low - from) : 0);
  const top = by(inner.top - 12, inner.bottom + 12, outer.top + head, outer.bottom);
  const left = by(inner.left - 12, inner.right + 12, outer.left, outer.right);
  if (top || left) container.scrollBy({ top, left });
}

// --- A picture and its boxes

const places = ["x", "y", "w", "h"];

// Is this a high "long image"? For a wide long image, swap width and height.
const isHigh = (width, height) => height > 2.5 * width && height > 400;

function titleOf(number, text, box) {
  const spot = places.map((name, at) => `${name} ${Math.round(box[at])}`).join("  ");
  return drawn("title", {}, `${number}. ${text}\n${spot}`);
}

function tagOf(number, [x, y, w, h]) {
  return drawn("g", { class: "tag", "data-x": x, "data-y": y, "data-w": w, "data-h": h },
    drawn("circle", { r: number > 99 ? 11 : 8.5 }), drawn("text", {}, String(number)));
}

const sizes = new ResizeObserver((changes) => {
  for (const { target, contentRect } of changes) fit(target, contentRect.width);
});

function fit(holder, shown) {
  const svg = holder.querySelector("svg");
  const width = svg?.viewBox.baseVal?.width;
  if (width && shown) seat(svg, width / shown, parseFloat(getComputedStyle(holder.parentNode).paddingLeft));
}

const LEAST = 3.5, APART = 1.5; // minimum radius of a number, its distance from its box; screen pixels
const SMALL = 0.6; // a line lower than this share of the usual height gets a smaller number

// Place each number beside its box. The number is at most about as high as a line, so that it hides
// neither text nor another number. It is drawn larger, up to the box, while its line is highlighted.
function seat(svg, scale, pad) {
  const width = svg.viewBox.baseVal.width / scale;
  const height = svg.viewBox.baseVal.height / scale;
  const taken = [...svg.querySelectorAll(".box rect")].map((rect) => {
    const [x, y, w, h] = ["x", "y", "width", "height"].map((name) => rect[name].baseVal.value / scale);
    return [x, y, x + w, y + h];
  });
  const free = ([left, top, right, bottom]) => left >= -pad && top >= -pad
    && right <= width + pad && bottom <= height + pad
    && !taken.some(([l, t, r, b]) => left < r && l < right && top < b && t < bottom);
  const tags = [...svg.querySelectorAll(".tag")];
  const heights = tags.map((tag) => tag.dataset.h / scale).sort((one, other) => one - other);
  const typical = heights[heights.length >> 1]; // the median, because most lines have similar heights
  for (const tag of tags) {
    const [x, y, w, h] = places.map((name) => Number(tag.dataset[name]) / scale);
    const whole = tag.firstChild.r.baseVal.value;
    const r = Math.min(whole, Math.max(LEAST, (h < SMALL * typical ? h : typical) / 2));
    const middle = y + h / 2;
    const spots = [
      [x - r - APART, middle], [x + w + r + APART, middle], [x - 3 * r - 2 * APART, middle],
      [x + r, y - r - APART], [x + r, y + h + r + APART],
      [Math.max(r - pad, x - r - APART), middle],
    ];
    const around = ([at, down]) => [at - r, down - r, at + r, down + r];
    const spot = spots.find((each) => free(around(each))) ?? spots.at(-1);
    taken.push(around(spot));
    tag.setAttribute("transform", `translate(${scale * spot[0]} ${scale * spot[1]}) scale(${scale * r / whole})`);
    tag.style.setProperty("--lit", Math.min(whole, r + APART) / r);
  }
}
