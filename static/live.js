"use strict";

/* What asks by itself rests while its tab is hidden, and asks less often the longer nothing changes. */

const GROWTH = 1.25;
const LONGEST_PAUSE = 10_000;
const rests = new WeakMap(); // a part that changes is another element, and starts anew

const asksByItself = (element) => element.matches("[hx-trigger^=every]");
const every = (element) => parseInt(element.getAttribute("hx-trigger").slice("every ".length), 10);

document.addEventListener("htmx:beforeRequest", (event) => {
  const element = event.detail.elt;
  if (!asksByItself(element)) return;
  const rest = rests.get(element) ?? { pause: every(element), until: 0 };
  if (document.hidden || performance.now() < rest.until) {
    event.preventDefault();
    return;
  }
  rest.pause = Math.min(rest.pause * GROWTH, LONGEST_PAUSE);
  rest.until = performance.now() + rest.pause - every(element) / 2;
  rests.set(element, rest);
});

document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  for (const element of document.querySelectorAll("[hx-trigger^=every]")) rests.delete(element);
});
