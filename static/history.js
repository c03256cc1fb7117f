"use strict";

/* The history works without this file; it makes choosing many rows quicker. */

const actions = document.getElementById("chosen");
const boxes = [...document.querySelectorAll('.row-choose input[name="pk"]')];
const all = document.querySelector("[data-choose-all]");
let last = null; // the box that was ticked or cleared last: with shift, all between change with it

function show() {
  const chosen = boxes.filter((box) => box.checked).length;
  all.checked = chosen === boxes.length;
  all.indeterminate = chosen > 0 && chosen < boxes.length;
  actions.querySelector("[data-count]").textContent = chosen ? `: ${chosen}` : "";
  for (const button of actions.querySelectorAll("button")) button.disabled = chosen === 0;
}

if (actions && all) {
  all.closest("[data-scripted]").hidden = false;
  all.addEventListener("change", () => {
    for (const box of boxes) box.checked = all.checked;
    show();
  });
  for (const box of boxes) {
    box.addEventListener("click", (event) => {
      if (event.shiftKey && last) {
        const [from, to] = [boxes.indexOf(last), boxes.indexOf(box)].sort((a, b) => a - b);
        for (const between of boxes.slice(from, to + 1)) between.checked = box.checked;
      }
      last = box;
      show();
    });
    // Shift and a click would mark text as well.
    box.closest("label").addEventListener("mousedown", (event) => event.shiftKey && event.preventDefault());
  }
  window.addEventListener("pageshow", show); // a browser that comes back to the page ticks the boxes again
  show();
}

/* A download leaves the page as it is, so its form may be sent again. */

document.addEventListener("submit", (event) => {
  if (event.submitter?.hasAttribute("data-download")) setTimeout(() => delete event.target.dataset.sent, 0);
});

/* What is left empty has no place in an address. */

document.querySelector("form[data-filters]")?.addEventListener("formdata", ({ formData }) => {
  for (const [name, value] of [...formData]) if (!value) formData.delete(name);
  if (formData.get("ordering") === "-created") formData.delete("ordering");
});
