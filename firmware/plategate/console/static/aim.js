// SPDX-License-Identifier: Apache-2.0
// Marks a part of the camera's picture by dragging, and puts it into the form as shares of it.
"use strict";

document.querySelectorAll("[data-region]").forEach((frame) => {
  const mark = frame.querySelector(".mark");
  const field = (name) => document.querySelector(`form[action="/aim/region"] [name=${name}]`);
  if (!field("left")) return;
  const names = ["left", "top", "width", "height"];
  let start = null;

  const place = (event) => {
    const area = frame.getBoundingClientRect();
    const share = (value) => Math.min(1, Math.max(0, value));
    return [
      share((event.clientX - area.left) / area.width),
      share((event.clientY - area.top) / area.height),
    ];
  };
  const show = () => {
    const values = names.map((name) => Number(field(name).value));
    const isWhole = values.join() === "0,0,1,1";
    mark.hidden = isWhole;
    names.forEach((name, index) => { mark.style[name] = `${values[index] * 100}%`; });
  };

  frame.addEventListener("pointerdown", (event) => {
    start = place(event);
    frame.setPointerCapture(event.pointerId);
  });
  frame.addEventListener("pointermove", (event) => {
    if (start === null) return;
    const end = place(event);
    const values = [
      Math.min(start[0], end[0]), Math.min(start[1], end[1]),
      Math.abs(start[0] - end[0]), Math.abs(start[1] - end[1]),
    ];
    if (values[2] < 0.05 || values[3] < 0.05) return;
    names.forEach((name, index) => { field(name).value = values[index].toFixed(2); });
    show();
  });
  for (const name of ["pointerup", "pointercancel"]) {
    frame.addEventListener(name, () => { start = null; });
  }
  names.forEach((name) => field(name).addEventListener("input", show));
});
