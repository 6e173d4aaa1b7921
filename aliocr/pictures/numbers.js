
// --- numbers beside the boxes of a picture

const places = ["x", "y", "w", "h"];
const LEAST = 3.5, APART = 1.5; // pixels of the screen: a number's radius, and from its box
const SMALL = 0.6; // of the usual height of a line is one that has a smaller number

// A number stands beside its box and is about as high as a line, at most, so that it hides neither
// text nor another number; while its line is lit, it grows until it meets the box.
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
  const typical = heights[heights.length >> 1]; // most of them look alike
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
