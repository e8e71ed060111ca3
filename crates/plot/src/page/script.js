"use strict";
// Tables: a click on a header sorts by its column, another one the other way.
document.querySelectorAll("th button").forEach(button => button.addEventListener("click", () => {
  const head = button.parentNode, row = head.parentNode, column = [...row.children].indexOf(head);
  const up = head.getAttribute("aria-sort") !== "ascending";
  [...row.children].forEach(other => other.removeAttribute("aria-sort"));
  head.setAttribute("aria-sort", up ? "ascending" : "descending");
  const body = head.closest("table").tBodies[0], number = head.classList.contains("n");
  const key = line => { const cell = line.children[column]; return number ? parseFloat((cell.dataset.v || "NaN").replace("inf", "Infinity")) : cell.textContent; };
  const order = (a, b) => {
    const x = key(a), y = key(b);
    if (!number) return up ? x.localeCompare(y) : y.localeCompare(x);
    if (isNaN(x) || isNaN(y)) return isNaN(x) - isNaN(y);
    return x === y ? 0 : (x < y) === up ? -1 : 1;
  };
  [...body.rows].sort(order).forEach(line => body.append(line));
}));
// Figures: the values of all lines at the place of the pointer.
const tip = document.body.appendChild(document.createElement("div"));
tip.id = "tip";
const write = value => {
  if (value === 0) return "0";
  const size = Math.abs(value);
  return (size >= 1e6 || size < 1e-4 ? value.toExponential(3) : String(+value.toPrecision(5))).replace("-", "−");
};
document.querySelectorAll("svg").forEach(svg => {
  const groups = [...svg.querySelectorAll("g.hover")].map(group => [group, JSON.parse(group.dataset.plot)]);
  if (!groups.length) return;
  const make = (group, name, attributes) => {
    const element = group.appendChild(document.createElementNS(svg.namespaceURI, name));
    Object.entries(attributes).forEach(([key, value]) => element.setAttribute(key, value));
  };
  const place = (value, [low, high, log, reversed]) => {
    const part = log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
    return reversed ? 1 - part : part;
  };
  const clear = () => { tip.style.display = "none"; groups.forEach(([group]) => group.replaceChildren()); };
  svg.addEventListener("pointerleave", clear);
  svg.addEventListener("pointermove", event => {
    clear();
    const frame = svg.getBoundingClientRect(), scale = svg.viewBox.baseVal.width / frame.width;
    const x = (event.clientX - frame.left) * scale, y = (event.clientY - frame.top) * scale;
    const hit = groups.find(([, { r }]) => x >= r[0] - 4 && x <= r[0] + r[2] + 4 && y >= r[1] && y <= r[1] + r[3]);
    if (!hit) return;
    const [group, plot] = hit, [left, top, width, height] = plot.r;
    let nearest = Infinity, at = null;
    const found = plot.s.map(line => {
      let best = -1, far = Infinity;
      line.x.forEach((value, index) => {
        if (value === null || line.y[index] === null) return;
        const distance = Math.abs(left + place(value, plot.x) * width - x);
        if (distance < far) [best, far] = [index, distance];
      });
      if (best >= 0 && far < nearest) [nearest, at] = [far, line.x[best]];
      return [line, best];
    }).filter(([, best]) => best >= 0);
    if (at === null) return;
    const across = left + place(at, plot.x) * width;
    make(group, "path", { d: `M${across} ${top}v${height}`, stroke: "#999", "stroke-width": .8, "stroke-dasharray": "3 3" });
    const lines = [(plot.n ? plot.n + " = " : "") + write(at)];
    tip.textContent = lines[0];
    found.forEach(([line, best]) => {
      const px = left + place(line.x[best], plot.x) * width;
      if (Math.abs(px - across) > 12) return;
      const py = top + height - place(line.y[best], plot.y) * height;
      if (py >= top - 1 && py <= top + height + 1) make(group, "circle", { cx: px, cy: py, r: 3.2, fill: line.c, stroke: "#fff" });
      const row = tip.appendChild(document.createElement("div")), dot = row.appendChild(document.createElement("i"));
      dot.style.background = line.c;
      row.append((line.n ? line.n + ": " : "") + write(line.y[best]));
    });
    tip.style.display = "block";
    const right = event.clientX + 16 + tip.offsetWidth > innerWidth;
    tip.style.left = (right ? Math.max(0, event.clientX - 12 - tip.offsetWidth) : event.clientX + 16) + "px";
    tip.style.top = Math.min(event.clientY + 14, innerHeight - tip.offsetHeight - 4) + "px";
  });
});
