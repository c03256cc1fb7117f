/* The X-ray's viewer. Without it the image and its heat map are there, and both switches work. */

const MOST = 12;
const STEP = 1.25;
const viewer = document.getElementById("viewer");
const stage = viewer?.querySelector(".viewer-stage");
const help = document.getElementById("shortcuts");

let zoom = 1;
let x = 0;
let y = 0;
const fingers = new Map();

const find = (selector) => viewer.querySelector(selector);

/* Where the image is. (x, y) is how far its centre lies from the stage's, in pixels of the page. */

function place() {
  const layers = find(".viewer-layers");
  const [width, height] = [layers.offsetWidth * zoom, layers.offsetHeight * zoom];
  const [freeX, freeY] = [Math.max(0, width - stage.clientWidth) / 2, Math.max(0, height - stage.clientHeight) / 2];
  x = Math.min(freeX, Math.max(-freeX, x));
  y = Math.min(freeY, Math.max(-freeY, y));
  layers.style.transform = zoom === 1 ? "" : `translate(${x}px, ${y}px) scale(${zoom})`;
  stage.classList.toggle("is-zoomed", zoom > 1);
  find(".viewer-percent").textContent = `${Math.round(zoom * 100)}\u00a0%`;
}

/* Enlarge, so that what lies under (atX, atY), counted from the stage's centre, stays there. */
function zoomTo(wanted, atX = 0, atY = 0) {
  const next = Math.min(MOST, Math.max(1, wanted));
  x = atX - ((atX - x) * next) / zoom;
  y = atY - ((atY - y) * next) / zoom;
  zoom = next;
  place();
}

function moveBy(dx, dy) {
  x += dx;
  y += dy;
  place();
}

function fromCentre(event) {
  const box = stage.getBoundingClientRect();
  return [event.clientX - box.left - box.width / 2, event.clientY - box.top - box.height / 2];
}

/* Brightness, contrast and the heat map's opacity are custom properties that the style sheet uses. */

function applySlider(slider) {
  viewer.style.setProperty(slider.dataset.sets, slider.value);
}

function flip(selector) {
  const box = find(selector);
  if (box) box.checked = !box.checked;
}

function reset() {
  zoom = 1;
  x = y = 0;
  place();
  for (const slider of viewer.querySelectorAll("[data-sets]")) {
    slider.value = slider.defaultValue;
    applySlider(slider);
  }
  for (const box of viewer.querySelectorAll("input[type=checkbox]")) box.checked = box.defaultChecked;
}

const follow = (relation) => document.querySelector(`.neighbours [rel=${relation}]`)?.click();

const actions = {
  help: () => help.showModal(),
  print: () => window.print(),
  newer: () => follow("prev"),
  older: () => follow("next"),
};
if (stage) {
  Object.assign(actions, {
    "zoom-in": () => zoomTo(zoom * STEP),
    "zoom-out": () => zoomTo(zoom / STEP),
    up: () => moveBy(0, 60),
    down: () => moveBy(0, -60),
    left: () => moveBy(60, 0),
    right: () => moveBy(-60, 0),
    invert: () => flip(".viewer-invert"),
    heat: () => flip(".viewer-heat-on"),
    reset,
  });
}

/* Mouse, pen and fingers */

function distance() {
  const [a, b] = [...fingers.values()];
  return Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY);
}

function middle() {
  const [a, b] = [...fingers.values()];
  return fromCentre({ clientX: (a.clientX + b.clientX) / 2, clientY: (a.clientY + b.clientY) / 2 });
}

function pointerMoved(event) {
  const before = fingers.get(event.pointerId);
  if (!before) return;
  if (fingers.size === 2) {
    const [wide, [fromX, fromY]] = [distance(), middle()];
    fingers.set(event.pointerId, event);
    const [toX, toY] = middle();
    moveBy(toX - fromX, toY - fromY);
    if (wide > 0) zoomTo((zoom * distance()) / wide, toX, toY);
  } else {
    fingers.set(event.pointerId, event);
    if (zoom > 1) moveBy(event.clientX - before.clientX, event.clientY - before.clientY);
  }
}

function wheelTurned(event) {
  if (zoom === 1 && event.deltaY > 0) return; // it is whole already: the page scrolls
  event.preventDefault();
  const pixels = event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 30 : 1);
  zoomTo(zoom * Math.exp(-pixels / 400), ...fromCentre(event));
}

function prepareStage() {
  stage.addEventListener("wheel", wheelTurned, { passive: false });
  stage.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || event.target.closest("button") || fingers.size === 2) return;
    fingers.set(event.pointerId, event);
    if (zoom > 1 || fingers.size === 2) stage.setPointerCapture(event.pointerId);
  });
  stage.addEventListener("pointermove", pointerMoved);
  for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) {
    window.addEventListener(name, (event) => fingers.delete(event.pointerId));
  }
  stage.addEventListener("dblclick", (event) => {
    if (!event.target.closest("button")) zoomTo(zoom > 1 ? 1 : 2.5, ...fromCentre(event));
  });
  new ResizeObserver(place).observe(stage);
}

/* Keys: those that the dialogue tells of, and no others */

const STORED = "pneumodetect.shortcuts";
const doneBy = new Map(); // key -> name of an action
for (const { dataset } of help?.querySelectorAll("[data-keys]") ?? []) {
  for (const key of dataset.keys.split(" ")) doneBy.set(key, dataset.does);
}

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.target.closest("input:not([type=checkbox], [type=range]), textarea, select")) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const action = actions[doneBy.get(key)];
  if (!action || !isOn()) return;
  if (key.startsWith("Arrow")) {
    if (zoom === 1 || event.target.closest("input")) return; // the page scrolls, or the slider moves
    event.preventDefault();
  }
  action();
}

const isOn = () => document.getElementById("shortcuts-on").checked;

function remembered() {
  try {
    return window.localStorage.getItem(STORED) !== "off";
  } catch {
    return true; // the browser stores nothing
  }
}

function remember(on) {
  try {
    window.localStorage.setItem(STORED, on ? "on" : "off");
  } catch {
    // then it holds for this page
  }
}

function showScripted() {
  for (const part of document.querySelectorAll("[data-scripted][hidden]")) part.hidden = false;
}

if (help) {
  document.getElementById("shortcuts-on").checked = remembered();
  document.getElementById("shortcuts-on").addEventListener("change", (event) => remember(event.target.checked));
  document.addEventListener("keydown", onKey);
  document.addEventListener("click", (event) => actions[event.target.closest("[data-do]")?.dataset.do]?.());
  document.addEventListener("htmx:afterSettle", showScripted); // what came with the result
  showScripted();
}
if (stage) {
  prepareStage();
  viewer.addEventListener("input", (event) => event.target.dataset.sets && applySlider(event.target));
}
