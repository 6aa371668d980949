// Shows the numbers of each plot under the pointer.
for (const figure of document.querySelectorAll("figure")) {
  const svg = figure.querySelector("svg");
  if (!svg) continue;
  const [left, top, width, height] = svg.dataset.frame.split(" ").map(Number);
  const [from, to] = svg.dataset.epochs.split(" ").map(Number);
  const series = JSON.parse(svg.dataset.series);
  const cursor = svg.querySelector(".cursor");
  const output = figure.querySelector("output");
  const show = (visible) => { cursor.style.visibility = output.style.visibility = visible ? "visible" : "hidden"; };
  svg.addEventListener("pointerleave", () => show(false));
  svg.addEventListener("pointermove", (event) => {
    const box = svg.getBoundingClientRect();
    const x = (event.clientX - box.left) * svg.viewBox.baseVal.width / box.width;
    const epoch = from + (x - left) / width * (to - from);
    const nearest = (points) => points.reduce((a, b) => Math.abs(b[0] - epoch) < Math.abs(a[0] - epoch) ? b : a);
    output.textContent = series.map(([name, points]) => { const [at, value] = nearest(points); return `${name}: ${value} at epoch ${at}`; }).join("\n");
    for (const [key, value] of [["x1", x], ["x2", x], ["y1", top], ["y2", top + height]]) cursor.setAttribute(key, value);
    show(x >= left && x <= left + width);
  });
}
