// SPDX-License-Identifier: Apache-2.0
// Buttons with data-hold act only after they were held down, with finger, mouse, Space or Enter.
"use strict";

const HOLD_MS = 800;
document.documentElement.classList.add("scripted");

document.querySelectorAll("button[data-hold]").forEach((button) => {
  let timer = null;
  let complete = false;

  const begin = () => {
    if (timer !== null) return;
    if (button.form && !button.form.reportValidity()) return;
    button.classList.add("holding");
    timer = setTimeout(() => {
      complete = true;
      button.form.requestSubmit(button);
    }, HOLD_MS);
  };
  const end = () => {
    clearTimeout(timer);
    timer = null;
    button.classList.remove("holding");
  };

  button.addEventListener("pointerdown", (event) => {
    if (event.button === 0) begin();
  });
  for (const name of ["pointerup", "pointerleave", "pointercancel", "blur"]) {
    button.addEventListener(name, end);
  }
  button.addEventListener("keydown", (event) => {
    if (event.key !== " " && event.key !== "Enter") return;
    event.preventDefault();
    begin();
  });
  button.addEventListener("keyup", end);
  button.addEventListener("contextmenu", (event) => event.preventDefault());
  // A click is the end of a press that was too short, unless the press was complete.
  button.addEventListener("click", (event) => {
    if (!complete) event.preventDefault();
  });
  button.form.addEventListener("submit", (event) => {
    if (event.submitter !== button) return;
    if (!complete) event.preventDefault();
    else setTimeout(() => { button.disabled = true; });
  });
});
// A page that the browser kept must not show buttons that were pressed.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});
