"use strict";

/* Brings the administrator's page of a training run up to date. Without this file the page reloads itself. */

const live = document.getElementById("live");

async function refresh() {
  if (document.hidden) return;
  try {
    const response = await fetch(live.dataset.live, { credentials: "same-origin", redirect: "error" });
    if (!response.ok) return;
    const opened = live.querySelector("details")?.open;
    const focused = live.contains(document.activeElement) && document.activeElement.matches("button, summary, pre");
    if (focused) return; // what is about to be pressed is not taken away
    live.innerHTML = await response.text();
    const details = live.querySelector("details");
    if (details && opened) details.open = true;
    if (live.querySelector("[data-final]")) clearInterval(timer);
  } catch {
    // the next look may succeed
  }
}

const timer = live && !live.querySelector("[data-final]") ? setInterval(refresh, 2000) : undefined;
