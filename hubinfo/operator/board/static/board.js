// What the pages can do without, and is nicer with it.
"use strict";

const live = () => document.getElementById("live");
const cutOff = () => document.getElementById("cut-off");

// A hidden page asks nothing, nor does one that was told to come again later; one whose text is being selected is left alone.
let quietUntil = 0;
document.addEventListener("htmx:beforeRequest", (event) => {
  if (document.hidden || Date.now() < quietUntil) event.preventDefault();
});
document.addEventListener("htmx:responseError", (event) => {
  quietUntil = Date.now() + 1000 * (Number(event.detail.xhr.getResponseHeader("Retry-After")) || 0);
});
document.addEventListener("htmx:beforeSwap", (event) => {
  const selection = document.getSelection();
  const inside = selection && !selection.isCollapsed && live() && live().contains(selection.anchorNode);
  if (event.detail.shouldSwap && inside) event.detail.shouldSwap = false;
});

// Screen readers are told the counts when they change, not the whole table.
let announced = summary();
function summary() {
  const found = live() && live().querySelector("[data-summary]");
  return found ? found.textContent : "";
}
document.addEventListener("htmx:afterSettle", () => {
  if (summary() === announced) return;
  announced = summary();
  document.getElementById("announced").textContent = announced;
});

// Old news must not pass for fresh.
const fresh = (is) => () => { if (cutOff()) cutOff().hidden = is; };
document.addEventListener("htmx:sendError", fresh(false));
document.addEventListener("htmx:responseError", fresh(false));
document.addEventListener("htmx:beforeOnLoad", (event) => fresh(event.detail.xhr.status < 400)());

for (const button of document.querySelectorAll("[data-copies]")) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    const source = document.getElementById(button.dataset.copies);
    await navigator.clipboard.writeText(source.value || source.textContent);
    button.textContent = "Copied";
  });
}
