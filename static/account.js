"use strict";

/* Secrets that are shown once: copied, or saved as a file. Without this file they can be marked and printed. */

for (const button of document.querySelectorAll("[data-copy], [data-save]")) button.hidden = false;

document.addEventListener("click", async (event) => {
  const copy = event.target.closest("[data-copy]");
  const save = event.target.closest("[data-save]");
  if (copy) {
    const source = document.getElementById(copy.dataset.copy);
    try {
      await navigator.clipboard.writeText(source.textContent.trim());
      copy.textContent = copy.dataset.done;
    } catch {
      window.getSelection().selectAllChildren(source); // where the browser lets no page copy, one key does it
    }
  }
  if (save) {
    const text = document.getElementById(save.dataset.save).textContent.trim();
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([`${text}\n`], { type: "text/plain" }));
    link.download = save.dataset.name;
    link.click();
    URL.revokeObjectURL(link.href);
  }
});
