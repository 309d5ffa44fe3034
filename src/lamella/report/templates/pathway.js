"use strict";
(() => {
  const states = JSON.parse(document.getElementById("states").textContent);
  const dose = document.getElementById("dose");
  const time = document.getElementById("time");
  const drawing = document.querySelector("figure svg");
  const heading = drawing.querySelector(".pathway-title");
  const amount = drawing.querySelector(".amount");
  const boxes = [...drawing.querySelectorAll("[data-node]")];

  const show = () => {
    const at = Number(dose.value) * states.times + Number(time.value);
    const doseSaid = states.doses[Number(dose.value)];
    const timeSaid = states.hours[Number(time.value)];
    document.getElementById("dose-said").textContent = doseSaid;
    document.getElementById("time-said").textContent = timeSaid;
    dose.setAttribute("aria-valuetext", doseSaid);
    time.setAttribute("aria-valuetext", timeSaid);
    heading.textContent = states.titles[at];
    amount.textContent = doseSaid;
    drawing.setAttribute("aria-label", states.titles[at]);
    for (const box of boxes) {
      const node = states.nodes[box.dataset.node];
      if (!node) continue;
      const [words, fill, ink] = node.cells[at];
      box.querySelector("rect").setAttribute("fill", fill);
      for (const line of box.querySelectorAll("text")) line.setAttribute("fill", ink);
      box.querySelector(".value").textContent = words;
      box.querySelector("title").textContent = `${node.label}: ${words}`;
    }
  };
  dose.addEventListener("input", show);
  time.addEventListener("input", show);
  show();
})();
