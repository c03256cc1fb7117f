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

function sizeOf(bytes) {
  if (bytes < 1024 ** 2) return `${Math.max(1, Math.round(bytes / 1024))} kB`;
  return `${(bytes / 1024 ** 2).toFixed(1)} MB`;
}

/* Upload: choosing, dropping, previewing and sending one file. */

function prepareUpload(form) {
  const input = form.querySelector("input[type=file]");
  const dropzone = form.querySelector(".dropzone");
  const preview = byId("chosen-preview");
  const problems = byId("upload-problem");
  const send = byId("upload-send");
  const bar = byId("upload-progress");

  form.noValidate = true; // refusal() says it in place

  const say = (sentence) => problems.replaceChildren(problem(sentence));

  function refusal(file) {
    if (!file) return "No file is chosen yet. Choose the file of a chest X-ray.";
    if (file.size === 0) return "The file is empty. Choose the file of a chest X-ray.";
    if (file.size > Number(form.dataset.maxBytes)) return form.dataset.tooLarge;
    return "";
  }

  function showChosen() {
    const file = input.files[0];
    if (preview.src) URL.revokeObjectURL(preview.src);
    preview.removeAttribute("src");
    byId("chosen").hidden = !file;
    dropzone.classList.toggle("dropzone-done", Boolean(file));
    problems.replaceChildren();
    send.disabled = false;
    if (!file) return;
    byId("chosen-name").textContent = file.name;
    byId("chosen-size").textContent = sizeOf(file.size);
    showPreview(true);
    preview.src = URL.createObjectURL(file);
    const sentence = refusal(file);
    if (sentence) {
      say(sentence);
      send.disabled = true;
    }
  }

  function showPreview(shown) {
    preview.hidden = !shown;
    byId("chosen-no-preview").hidden = shown;
  }

  function showSending(sending) {
    form.classList.toggle("is-sending", sending);
    byId("sending").hidden = !sending;
    bar.value = 0;
    byId("upload-progress-text").textContent = "Sending…";
  }

  preview.addEventListener("error", () => preview.src && showPreview(false));
  input.addEventListener("change", showChosen);

  for (const name of ["dragover", "drop"]) {
    window.addEventListener(name, (event) => event.preventDefault());
  }
  form.addEventListener("dragover", () => dropzone.classList.add("dropzone-over"));
  form.addEventListener("dragleave", (event) => {
    if (!form.contains(event.relatedTarget)) dropzone.classList.remove("dropzone-over");
  });
  window.addEventListener("drop", (event) => {
    dropzone.classList.remove("dropzone-over");
    const files = event.dataTransfer.files;
    if (!files.length || form.classList.contains("is-sending")) return;
    if (files.length > 1) {
      say("Those are several files. Drop one chest X-ray at a time.");
      return;
    }
    input.files = files;
    showChosen();
  });

  form.addEventListener("htmx:configRequest", (event) => {
    const sentence = refusal(input.files[0]);
    if (sentence) {
      event.preventDefault();
      say(sentence);
    }
  });
  form.addEventListener("htmx:beforeRequest", () => {
    problems.replaceChildren();
    showSending(true);
  });
  form.addEventListener("htmx:xhr:progress", (event) => {
    const { loaded, total, lengthComputable } = event.detail;
    if (!lengthComputable || !form.classList.contains("is-sending")) return;
    bar.value = loaded / total;
    byId("upload-progress-text").textContent =
      loaded < total ? `Sending… ${Math.floor((100 * loaded) / total)} %` : "Sent. Opening the result…";
  });
  form.addEventListener("htmx:afterRequest", (event) => {
    if (!event.detail.xhr.getResponseHeader("HX-Redirect")) showSending(false);
  });
  form.addEventListener("htmx:sendError", () => {
    say("The upload did not get through: the network or the server is away, or the file was changed. Nothing was stored. Send it again.");
  });
  byId("upload-cancel").addEventListener("click", () => {
    htmx.trigger(form, "htmx:abort");
    showSending(false);
    say("Cancelled. Nothing was stored.");
  });

  // The browser keeps the chosen file when one comes back to the page.
  window.addEventListener("pageshow", () => {
    showSending(false);
    showChosen();
  });
}

/* Answers that are not what a page asked for. */

document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr, requestConfig } = event.detail;
  if (xhr.status < 400) return;
  const isPoll = requestConfig.elt.matches("[hx-trigger^=every]");
  if (isPoll && (xhr.status >= 500 || xhr.status === 429)) {
    event.detail.shouldSwap = false; // the next poll may succeed
  } else if (!xhr.responseText.includes('class="note note-error problem"')) {
    // Something between here and the server answered with a page of its own.
    const sentence =
      xhr.status === 413
        ? byId("upload")?.dataset.tooLarge
        : `The server could not answer (error ${xhr.status}). Try again in a moment.`;
    event.detail.serverResponse = problem(sentence).outerHTML;
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
  if (form.method !== "post" || form.hasAttribute("hx-post")) return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
});
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});

const uploadForm = byId("upload");
if (uploadForm) prepareUpload(uploadForm);
