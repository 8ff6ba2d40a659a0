"use strict";
// One sample at a time is lit in all figures at once: by pointer, touch, arrow keys, or its button in a table.
const samples = JSON.parse(document.getElementById("samples").textContent);
const tip = document.getElementById("tip"), spoken = document.getElementById("spoken");
const REACH = 26; // pixels from the pointer within which a mark is taken

function text(i) { return samples[i].map(([name, value]) => (name ? name + ": " : "") + value).join("\n"); }

function light(i, x, y) {
  document.querySelectorAll(".lit").forEach((mark) => mark.classList.remove("lit"));
  if (i === null) { tip.hidden = true; return; }
  document.querySelectorAll('.plot [data-i="' + i + '"]').forEach((mark) => {
    mark.classList.add("lit");
    if (mark.classList.contains("spectrum")) mark.parentNode.appendChild(mark); // on top of the others
  });
  tip.textContent = text(i);
  tip.hidden = false;
  const box = tip.getBoundingClientRect(), edge = 8;
  tip.style.left = Math.max(edge, Math.min(x + 14, innerWidth - box.width - edge)) + "px";
  tip.style.top = Math.max(edge, y - box.height - 12 < edge ? y + 18 : y - box.height - 12) + "px";
}

function place(plot, mark) { // where a mark stands on the screen
  const area = plot.getBoundingClientRect(), view = plot.viewBox.baseVal;
  if (mark.dataset.x === undefined) return [area.left + area.width / 2, area.top + area.height / 3];
  return [area.left + (mark.dataset.x * area.width) / view.width, area.top + (mark.dataset.y * area.height) / view.height];
}

function nearest(plot, event) {
  if (event.target.dataset && event.target.dataset.i !== undefined) return event.target.dataset.i;
  let best = null, least = REACH * REACH;
  for (const mark of plot.querySelectorAll(".point")) {
    const [x, y] = place(plot, mark), distance = (x - event.clientX) ** 2 + (y - event.clientY) ** 2;
    if (distance < least) { least = distance; best = mark.dataset.i; }
  }
  return best;
}

for (const plot of document.querySelectorAll(".plot.interactive")) {
  const order = [...new Set([...plot.querySelectorAll("[data-i]")]
    .sort((a, b) => (a.dataset.x || 0) - (b.dataset.x || 0)).map((mark) => mark.dataset.i))];
  let current = -1;
  const follow = (event) => light(nearest(plot, event), event.clientX, event.clientY);
  plot.addEventListener("pointermove", follow);
  plot.addEventListener("pointerdown", follow);
  plot.addEventListener("pointerleave", () => light(null));
  plot.addEventListener("blur", () => light(null));
  plot.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key];
    if (event.key === "Escape") { light(null); return; }
    if (event.key === "Home") current = 0;
    else if (event.key === "End") current = order.length - 1;
    else if (step) current = Math.max(0, Math.min(order.length - 1, current + step));
    else return;
    event.preventDefault();
    const mark = plot.querySelector('[data-i="' + order[current] + '"]');
    light(order[current], ...place(plot, mark));
    spoken.textContent = text(order[current]).replaceAll("\n", ", ");
  });
}

for (const button of document.querySelectorAll("button.sample")) {
  const show = () => { const box = button.getBoundingClientRect(); light(button.dataset.sample, box.left, box.top); };
  button.addEventListener("click", show);
  button.addEventListener("focus", show);
  button.addEventListener("blur", () => light(null));
}
