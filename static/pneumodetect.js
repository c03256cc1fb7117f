"use strict";

/* Everything works without this file; it adds what plain forms cannot do. */

const byId = (id) => document.getElementById(id);

function problem(sentence) {
  const note = document.createElement("div");
  note.className = "note note-error problem";
  note.setAttribute("role", "alert");
  const paragraph = document.createElement("p");
  paragraph.textContent = sentence;
  note.append(paragraph);
  return note;
}

const noAnswerWords = document.currentScript.dataset.noAnswer;
const noAnswer = (status) => noAnswerWords.replace("STATUS", status);

/* Answers that are not what a page asked for. */

document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr, requestConfig } = event.detail;
  if (xhr.status < 400) return;
  const isPoll = requestConfig.elt.matches("[hx-trigger^=every]");
  if (isPoll && (xhr.status >= 500 || xhr.status === 429)) {
    event.detail.shouldSwap = false; // the next poll may succeed
  } else if (!xhr.responseText.includes('class="note note-error problem"')) {
    // Something between here and the server answered with a page of its own.
    event.detail.serverResponse = problem(noAnswer(xhr.status)).outerHTML;
  }
});

// Where asking within the page fails, the link leads to a page of its own.
document.addEventListener("htmx:sendError", (event) => {
  const link = event.detail.elt.closest("a[href]");
  if (link) window.location.assign(link.href);
});

/* The dialogue that asks before something is deleted. */

document.addEventListener("htmx:afterSwap", (event) => {
  if (event.detail.target.id === "dialog" && !event.detail.target.open) event.detail.target.showModal();
});
document.addEventListener("click", (event) => {
  const dialog = byId("dialog");
  if (dialog.open && (event.target === dialog || event.target.closest("[data-close]"))) {
    event.preventDefault();
    dialog.close();
  }
});

/* The account menu closes as menus do. */

document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  const menu = event.key === "Escape" && document.querySelector("details.menu[open]");
  if (menu) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

/* A form that is on its way is not sent twice. */

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || form.hasAttribute("hx-post") || form.hasAttribute("data-download")) return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
});
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});
