"use strict";
// The button that goes through the machine's own theme, light and dark.
(() => {
  const button = document.getElementById("theme"), names = ["auto", "light", "dark"];
  const show = (name) => {
    if (name === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = name;
    button.querySelector("span").textContent = name;
  };
  let name = "auto";
  try { name = names.includes(localStorage.ftcheckTheme) ? localStorage.ftcheckTheme : "auto"; } catch { /* no storage: auto */ }
  show(name);
  button.hidden = false;
  button.addEventListener("click", () => {
    name = names[(names.indexOf(name) + 1) % names.length];
    show(name);
    try { localStorage.ftcheckTheme = name; } catch { /* no storage: for this visit */ }
  });
})();
