"use strict";
(() => {
  const all = (query, root = document) => [...root.querySelectorAll(query)];
  const tip = document.getElementById("tip");

  // Native tooltips are slow and need a steady hand: show their text ourselves.
  all("figure svg title").forEach((title) => {
    title.parentNode.dataset.tip = title.textContent;
    title.remove();
  });

  const show = (event, text) => {
    tip.hidden = !text;
    if (!text) return;
    tip.textContent = text;
    const left = Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8);
    const below = event.clientY + 18 + tip.offsetHeight < innerHeight;
    tip.style.left = Math.max(4, left) + "px";
    tip.style.top = event.clientY + (below ? 16 : -12 - tip.offsetHeight) + "px";
  };

  // The mark nearest to the pointer speaks, within 12 px; else what lies under the pointer.
  const nearest = (svg, event) => {
    let best = null, reach = 12;
    for (const node of svg.marks ??= all("circle[data-tip],path[data-tip]", svg)) {
      const box = node.getBoundingClientRect();
      if (!box.width || box.width > 24 || node.closest(".off")) continue;
      const far = Math.hypot(box.x + box.width / 2 - event.clientX, box.y + box.height / 2 - event.clientY);
      if (far < reach) [best, reach] = [node, far];
    }
    return best ?? event.target.closest("[data-tip]");
  };

  all("figure svg").forEach((svg) => {
    svg.addEventListener("pointermove", (event) => {
      const node = nearest(svg, event);
      show(event, node?.dataset.tip);
      const arm = (node ?? event.target).closest("[data-arm]")?.dataset.arm;
      svg.classList.toggle("focus", arm !== undefined);
      all("[data-arm]", svg).forEach((line) => line.classList.toggle("on", line.dataset.arm === arm));
    });
    svg.addEventListener("pointerleave", (event) => {
      show(event, "");
      svg.classList.remove("focus");
    });
  });

  all("[data-toggle]").forEach((box) => box.addEventListener("change", () => {
    const hit = `[data-batch="${box.dataset.toggle}"]`;
    all(hit, box.closest("section")).forEach((part) => part.classList.toggle("off", !box.checked));
  }));

  all("[data-choose]").forEach((list) => {
    const drawings = all(".drawing", list.closest("figure"));
    const pick = () => drawings.forEach((one, index) => { one.hidden = index !== +list.value; });
    list.addEventListener("change", pick);
    pick();
  });

  all("[data-copy]").forEach((button) => button.addEventListener("click", async () => {
    const source = document.getElementById(button.dataset.copy);
    getSelection().selectAllChildren(source);
    // Pages opened from disk have no clipboard object in every browser; this works in all.
    if (!document.execCommand("copy")) await navigator.clipboard.writeText(source.innerText);
    button.textContent = "Copied";
  }));

  addEventListener("beforeprint", () => all("details.print").forEach((fold) => { fold.open = true; }));
})();
