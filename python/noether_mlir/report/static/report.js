// Part of the Noether project, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
// What a reader can do with a report. Without it everything is still there to be read.
"use strict";

const all = (selector, root = document) => [...root.querySelectorAll(selector)];

// --- The model: a thread is lit while one of its marks is looked at --------------------------------

const model = document.querySelector(".model");
const caption = document.getElementById("caption");
const hint = caption.textContent;

function line(kind, text) {
  const element = document.createElement(kind);
  element.textContent = text;
  return element;
}

function choose(id) {
  const claim = id && document.getElementById(id);
  model.classList.toggle("chosen", Boolean(claim));
  for (const strand of all("[data-claim]", model)) strand.classList.toggle("lit", strand.dataset.claim === id);
  caption.className = claim ? `caption chosen f-${claim.dataset.family}` : "caption";
  if (!claim) return caption.replaceChildren(hint);
  const part = (name) => claim.querySelector(`summary ${name}`).textContent.trim();
  const why = line("a", "Why this is so");
  why.href = `#${id}`;
  const facts = `Dimension ${part(".size")}, ${part(".holds")}.`;
  caption.replaceChildren(line("strong", part(".id")), line("span", part(".says")), line("span", facts), why);
}

let touched = null; // the mark that a finger chose: a second touch follows it

for (const mark of all("a[data-claim]", model)) {
  mark.addEventListener("pointerenter", () => choose(mark.dataset.claim));
  mark.addEventListener("focus", () => choose(mark.dataset.claim));
  mark.addEventListener("click", (event) => {
    if (event.pointerType === "touch" && touched !== mark) event.preventDefault();
    touched = mark;
    choose(mark.dataset.claim);
  });
}
model.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && choose(null));
addEventListener("keydown", (event) => event.key === "Escape" && choose(null));

for (const chip of all(".chip")) {
  chip.addEventListener("click", () => {
    const shown = chip.getAttribute("aria-pressed") === "false";
    chip.setAttribute("aria-pressed", String(shown));
    for (const strand of all(`.strand.f-${chip.dataset.family}`, model)) strand.classList.toggle("off", !shown);
  });
}

// --- Claims: links open what they lead to ----------------------------------------------------------

function openTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target instanceof HTMLDetailsElement) target.open = true;
}
addEventListener("hashchange", openTarget);
openTarget();

const unfold = document.getElementById("unfold");
unfold?.addEventListener("click", () => {
  const open = unfold.getAttribute("aria-pressed") === "false";
  unfold.setAttribute("aria-pressed", String(open));
  unfold.textContent = open ? "Fold all" : "Unfold all";
  for (const claim of all(".claim")) claim.open = open;
});

// --- Parameters: sorting and finding ---------------------------------------------------------------

const collator = new Intl.Collator("en", { numeric: true });

for (const header of all(".sortable th[aria-sort]")) {
  header.querySelector("button").addEventListener("click", () => {
    const body = header.closest("table").tBodies[0];
    const ascending = header.getAttribute("aria-sort") !== "ascending";
    for (const other of all("th[aria-sort]", header.parentNode)) other.setAttribute("aria-sort", "none");
    header.setAttribute("aria-sort", ascending ? "ascending" : "descending");
    const key = (row) => row.cells[header.cellIndex].dataset.sort ?? row.cells[header.cellIndex].textContent.trim();
    const rows = [...body.rows].sort((a, b) => collator.compare(key(a), key(b)));
    body.append(...(ascending ? rows : rows.reverse()));
  });
}

const search = document.getElementById("search");
search.addEventListener("input", () => {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  let found = 0;
  const rows = all("#all-parameters tbody tr");
  for (const row of rows) {
    const text = row.textContent.toLowerCase();
    row.hidden = !words.every((word) => text.includes(word));
    found += !row.hidden;
  }
  document.getElementById("found").textContent = words.length ? `${found} of ${rows.length}` : "";
});
