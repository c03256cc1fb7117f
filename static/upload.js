"use strict";

/* The upload page. Without this file its form still sends files and zips, and the server lists what became of them;
   with it each file is a row that is sent by itself, a few at a time, and that stays live until its answer. */

const PARALLEL = 3;

const uploadForm = byId("upload");
const limits = uploadForm.dataset;
const rowsList = byId("uploads-rows");
const problems = byId("upload-problem");
const words = Object.fromEntries([...byId("upload-words").content.children].map((each) => [each.dataset.word, each.textContent]));
const csrfToken = uploadForm.querySelector("[name=csrfmiddlewaretoken]").value;

const waitingRows = []; // not sent yet: [row, file]
let batches = 0;
const requests = new Map(); // being sent: row -> XMLHttpRequest

const isZip = (file) => /\.zip$/i.test(file.name);
const say = (sentence) => problems.replaceChildren(problem(sentence));

/** Put facts into the places that words have for them, such as {share}. */
const fill = (text, facts) => text.replace(/\{(\w+)\}/g, (_, name) => facts[name]);

function sizeOf(bytes) {
  if (bytes < 1024 ** 2) return `${Math.ceil(bytes / 1024)} kB`;
  const digits = { minimumFractionDigits: 1, maximumFractionDigits: 1 };
  return `${(bytes / 1024 ** 2).toLocaleString(document.documentElement.lang, digits)} MB`;
}

/* Which files. */

function isSystemFile(path) {
  const names = limits.systemFiles.split(" ");
  return path.split("/").some((part) => part.startsWith(".") || names.includes(part.toLowerCase()));
}

async function filesBelow(entry) {
  if (entry.isFile) {
    return new Promise((resolve, reject) => entry.file((file) => resolve([file]), reject));
  }
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    // A reader gives a hundred at a time, and none at the end.
    const entries = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!entries.length) return found;
    for (const each of entries) {
      if (!isSystemFile(each.name)) found.push(...(await filesBelow(each)));
    }
  }
}

async function filesOf(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.());
  if (!entries.some((entry) => entry?.isDirectory)) return [...transfer.files];
  const found = [];
  for (const entry of entries) if (entry) found.push(...(await filesBelow(entry)));
  return found;
}

function take(files) {
  problems.replaceChildren();
  if (!files.length) return;
  if (files.length > Number(limits.batchFiles)) {
    say(limits.tooMany);
    return;
  }
  // What is taken at once is one upload to the server too, which tells its owner when all of it is read.
  const batch = files.length > 1 ? { key: `${limits.batchKey}.${++batches}`, files: 0 } : null;
  byId("uploads").hidden = false;
  uploadForm.classList.add("has-uploads");
  for (const file of files) rowsList.append(newRow(file, batch));
  sendNext();
}

/* Rows that the server has not answered for. */

function newRow(file, batch) {
  const row = byId("upload-row").content.firstElementChild.cloneNode(true);
  row.batch = batch;
  const image = row.querySelector("img");
  const sentence = refusal(file);
  const kind = row.querySelector(".film-thumb span");
  kind.textContent = /\.(\w{1,4})$/.exec(file.name)?.[1].toUpperCase() ?? "";
  row.querySelector("bdi").textContent = file.name;
  row.querySelector(".upload-size").textContent = sizeOf(file.size);
  if (!isZip(file)) {
    image.addEventListener("load", () => {
      image.hidden = false;
      kind.hidden = true;
    });
    image.src = URL.createObjectURL(file);
  }
  row.querySelector("button").addEventListener("click", () => act(row, file));
  if (sentence) show(row, "rejected", words.rejected, { reason: sentence });
  else enqueue(row, file);
  if (batch && !sentence) batch.files += 1;
  return row;
}

function refusal(file) {
  if (file.size === 0) return words.empty;
  if (isZip(file)) return file.size > Number(limits.batchBytes) ? limits.batchTooLarge : "";
  return file.size > Number(limits.fileBytes) ? limits.tooLarge : "";
}

function show(row, stage, said, { action = "", reason = "", share = null } = {}) {
  const badge = row.querySelector(".badge");
  const bar = row.querySelector("progress");
  const button = row.querySelector("button");
  row.dataset.stage = stage;
  badge.textContent = said;
  badge.className = `badge badge-${["rejected", "lost"].includes(stage) ? "failed" : "waiting"}`;
  bar.hidden = share === null;
  bar.value = share ?? 0;
  bar.setAttribute("aria-label", fill(words.sendingFile, { name: row.querySelector("bdi").textContent }));
  button.hidden = !action;
  button.textContent = action;
  button.setAttribute("aria-label", `${action} ${row.querySelector("bdi").textContent}`);
  row.querySelector(".row-reason").hidden = !reason;
  row.querySelector(".row-reason").textContent = reason;
  summarise();
}

function enqueue(row, file) {
  waitingRows.push([row, file]);
  show(row, "queued", words.queued, { action: words.cancel });
}

function act(row, file) {
  const place = waitingRows.findIndex(([each]) => each === row);
  if (row.dataset.stage === "lost" || row.dataset.stage === "cancelled") {
    enqueue(row, file);
  } else {
    if (place >= 0) waitingRows.splice(place, 1);
    requests.get(row)?.abort();
    requests.delete(row);
    show(row, "cancelled", words.cancelled, { action: words.send, reason: words.nothingStored });
  }
  sendNext();
}

/* Sending. */

function sendNext() {
  while (requests.size < PARALLEL && waitingRows.length) sendRow(...waitingRows.shift());
}

function post(address, body) {
  const request = new XMLHttpRequest();
  request.open("POST", address);
  request.setRequestHeader("X-CSRFToken", csrfToken);
  request.setRequestHeader("HX-Request", "true"); // what the server answers is a part of this page
  request.send(body);
  return request;
}

function sendRow(row, file) {
  const body = new FormData();
  body.append("file", file, file.name);
  if (row.batch) {
    body.append("batch", row.batch.key);
    body.append("batch_files", row.batch.files);
  }
  if (uploadForm.elements.by_mail?.checked) body.append("by_mail", "on");
  body.append("group", uploadForm.elements.group?.value ?? ""); // whom it is shared with
  const request = post(uploadForm.action, body);
  requests.set(row, request);
  show(row, "sending", words.sending, { action: words.cancel, share: 0 });
  request.upload.addEventListener("progress", ({ loaded, total }) => {
    if (loaded < total) show(row, "sending", fill(words.sendingShare, { share: Math.floor((100 * loaded) / total) }), { action: words.cancel, share: loaded / total });
    else show(row, "sending", isZip(file) ? words.unpacking : words.storing);
  });
  const end = () => {
    requests.delete(row);
    sendNext();
  };
  request.addEventListener("load", () => {
    end();
    receive(row, request);
  });
  request.addEventListener("error", () => {
    end();
    show(row, "lost", words.lost, { action: words.tryAgain, reason: words.gotLost });
  });
}

function receive(row, request) {
  const answer = new DOMParser().parseFromString(request.responseText, "text/html");
  const answered = [...answer.querySelectorAll("li")];
  if (request.status < 400 && answered.length) {
    replaceRow(row, answered);
    poll();
    return;
  }
  const sentence = answer.querySelector(".problem p")?.textContent.trim() || noAnswer(request.status);
  if (request.status >= 500 || [401, 403, 404, 429].includes(request.status)) {
    show(row, "lost", words.rejected, { action: words.tryAgain, reason: sentence });
    if (request.status === 401) problems.replaceChildren(answer.querySelector(".problem") ?? problem(sentence));
  } else {
    show(row, "rejected", words.rejected, { reason: sentence });
  }
}

/** Show a picture that is here, or is still being decoded; what the server named comes back where that fails. */
function keepPicture(picture, place) {
  const named = [...place.childNodes];
  place.replaceChildren(picture);
  picture.addEventListener("error", () => place.replaceChildren(...named));
}

/** Put the server's rows in the place of one of ours, with the picture that is here already. */
function replaceRow(row, answered) {
  const picture = row.querySelector(".film-thumb img");
  const isPicture = picture?.src && !(picture.complete && !picture.naturalWidth);
  const hadFocus = row.contains(document.activeElement);
  if (answered.length === 1 && isPicture) keepPicture(picture, answered[0].querySelector(".film-thumb"));
  row.replaceWith(...answered);
  if (hadFocus) answered[0].querySelector(".row-action a, .filename")?.focus();
  summarise();
}

/* Upload it anyway: stored already, so nothing has to be sent. */

rowsList.addEventListener("submit", (event) => {
  const form = event.target.closest("[data-again]");
  if (!form) return;
  event.preventDefault();
  const row = form.closest("li");
  if (row.dataset.busy) return;
  row.dataset.busy = "yes";
  const request = post(form.action, new FormData());
  const fail = (sentence) => {
    delete row.dataset.busy;
    say(sentence);
  };
  request.addEventListener("error", () => fail(words.gotLost));
  request.addEventListener("load", () => {
    const answer = new DOMParser().parseFromString(request.responseText, "text/html");
    const answered = [...answer.querySelectorAll("li")];
    if (request.status < 400 && answered.length) {
      replaceRow(row, answered);
      poll();
    } else {
      fail(answer.querySelector(".problem p")?.textContent.trim() || noAnswer(request.status));
    }
  });
});

/* Answers: one request for all rows that are open. */

let timer = 0;
let isAsking = false;

const openRows = () => [...rowsList.querySelectorAll("[data-stage=open]")];

function poll(milliseconds = 250) {
  if (timer || isAsking || !openRows().length) return;
  timer = window.setTimeout(ask, milliseconds);
}

function ask() {
  timer = 0;
  isAsking = true;
  const body = new URLSearchParams(openRows().map((row) => ["pk", row.dataset.pk]));
  const request = post(limits.states, body);
  request.addEventListener("loadend", () => {
    isAsking = false;
    if (request.status === 200) {
      const answer = JSON.parse(request.responseText);
      update(answer);
      poll(document.hidden ? Math.max(3000, answer.poll) : answer.poll);
    } else if (request.status === 0 || request.status === 429 || request.status >= 500) {
      poll(3000); // the next one may be answered
    } else {
      const answer = new DOMParser().parseFromString(request.responseText, "text/html");
      problems.replaceChildren(answer.querySelector(".problem") ?? problem(noAnswer(request.status)));
    }
  });
}

function update({ final, open }) {
  for (const row of openRows()) {
    const end = final[row.dataset.pk];
    if (end) finish(row, end);
    else if (open[row.dataset.pk]) row.querySelector(".badge").textContent = open[row.dataset.pk];
  }
  summarise();
}

function finish(row, { stage, outcome, reason, picture, action }) {
  row.dataset.stage = stage;
  row.querySelector(".row-outcome").innerHTML = outcome;
  row.querySelector(".action").textContent = action;
  if (picture && !row.querySelector(".film-thumb img")) {
    const image = Object.assign(new Image(72, 72), { alt: "", src: picture });
    row.querySelector(".film-thumb").replaceChildren(image);
  }
  if (reason && !row.querySelector(".row-reason")) {
    const sentence = document.createElement("p");
    sentence.className = "row-reason";
    sentence.textContent = reason;
    row.append(sentence);
  }
}

/* The summary, and what a screen reader hears of it: not more often than every few seconds. */

const SPOKEN_EVERY = 4000;
let spoken = 0;

function summarise() {
  const stages = [...rowsList.querySelectorAll("[data-stage]")].map((row) => row.dataset.stage);
  const count = (...wanted) => stages.filter((stage) => wanted.includes(stage)).length;
  const parts = [
    [count("refused"), words.countRefused],
    [count("rejected"), words.countRejected],
    [count("failed"), words.countFailed],
    [count("lost"), words.countLost],
    [count("cancelled"), words.countCancelled],
  ];
  const ended = stages.length - count("queued", "sending", "open");
  const done = ended - count("lost", "cancelled");
  const exceptions = parts.flatMap(([number, text]) => (number ? [fill(text, { number })] : [])).join(", ");
  byId("uploads-summary").textContent = `${fill(words.done, { done, all: stages.length })}${exceptions && ": "}${exceptions}`;
  byId("uploads-progress").hidden = stages.length < 2;
  byId("uploads-progress").value = stages.length ? ended / stages.length : 0;
  if (!spoken) {
    spoken = window.setTimeout(() => {
      spoken = 0;
      byId("uploads-spoken").textContent = byId("uploads-summary").textContent;
    }, ended === stages.length ? 200 : SPOKEN_EVERY);
  }
}

/* Where files come from: the two choosers, a drop anywhere on the page, and the clipboard. */

const fileInput = uploadForm.querySelector(".dropzone input[type=file]");
const folderInput = byId("upload-folder-input");
const dropzone = uploadForm.querySelector(".dropzone");

uploadForm.classList.add("is-live");
if ("webkitdirectory" in folderInput) byId("upload-folder").hidden = false;

fileInput.addEventListener("change", () => {
  take([...fileInput.files]);
  fileInput.value = "";
});
folderInput.addEventListener("change", () => {
  take([...folderInput.files].filter((file) => !isSystemFile(file.webkitRelativePath || file.name)));
  folderInput.value = "";
});
byId("upload-folder-button").addEventListener("click", () => folderInput.click());
uploadForm.addEventListener("submit", (event) => event.preventDefault());

for (const name of ["dragover", "drop"]) window.addEventListener(name, (event) => event.preventDefault());
window.addEventListener("dragover", () => dropzone.classList.add("dropzone-over"));
window.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) dropzone.classList.remove("dropzone-over");
});
window.addEventListener("drop", async (event) => {
  dropzone.classList.remove("dropzone-over");
  try {
    take(await filesOf(event.dataTransfer));
  } catch {
    say(words.badFolder);
  }
});
document.addEventListener("paste", (event) => {
  const files = [...event.clipboardData.files];
  if (!files.length) return;
  event.preventDefault();
  take(files);
});

window.addEventListener("beforeunload", (event) => {
  if (requests.size || waitingRows.length) event.preventDefault(); // what is not sent yet would be lost
});

summarise();
poll();
