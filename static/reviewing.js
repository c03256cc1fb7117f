/* Verdicts by keyboard. The dialogue of shortcuts tells the keys, and whether they are used. */

const verdictKeys = new Map();
for (const { dataset } of document.querySelectorAll("#shortcuts [data-verdict]")) {
  for (const key of dataset.keys.split(" ")) verdictKeys.set(key, dataset.verdict);
}

function choose(form, label) {
  const field = form.querySelector(label === "comment" ? "textarea" : `[name=label][value=${label}]`);
  if (field.type === "radio") field.checked = true;
  field.focus(); // a button is only pointed at: Enter presses it, so that no verdict is given by a slip
}

function isWriting(target) {
  return target.closest("input:not([type=checkbox], [type=range], [type=radio]), textarea, select");
}

document.addEventListener("keydown", (event) => {
  const form = document.querySelector("[data-verdict-form]");
  if (!form || document.querySelector("dialog[open]") || !document.getElementById("shortcuts-on")?.checked) return;
  const saves = verdictKeys.has("Enter");
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && saves) return form.requestSubmit();
  if (event.ctrlKey || event.metaKey || event.altKey || isWriting(event.target)) return;
  const label = verdictKeys.get(event.key.length === 1 ? event.key.toLowerCase() : event.key);
  if (label === undefined) return;
  if (label === "") {
    if (event.target.closest("button, a, summary, input[type=checkbox]")) return;
    event.preventDefault();
    form.requestSubmit();
  } else {
    event.preventDefault();
    choose(form, label);
  }
});
