"use strict";
// Filters rows and cards by what they say. Texts are only ever set as textContent: the page's policy forbids more.
(() => {
  const $ = (id) => document.getElementById(id);
  const items = [...document.querySelectorAll(".item")].map((each) => [each, hay(each)]);

  function hay(each) {
    const heads = each.matches("tr") ? [each.querySelector("th")] : [each.querySelector("h3"), each.querySelector("dl")];
    return heads.map((head) => head.textContent).join("\n").toLowerCase();
  }

  const number = (count, noun) => `${count.toLocaleString("en-US")} ${noun}${count === 1 ? "" : "s"}`;

  const filter = () => {
    const text = $("f-text").value.trim().toLowerCase();
    const shown = { gate: 0, eval: 0 }, all = { gate: 0, eval: 0 };
    for (const [each, words] of items) {
      const kind = each.matches("tr") ? "gate" : "eval";
      each.hidden = !words.includes(text);
      all[kind] += 1;
      shown[kind] += each.hidden ? 0 : 1;
    }
    $("status").textContent = text === ""
      ? `${number(all.gate, "gate")}, ${number(all.eval, "eval")}`
      : `${shown.gate} of ${number(all.gate, "gate")}, ${shown.eval} of ${number(all.eval, "eval")} that fit`;
  };

  const remember = () => {
    const text = $("f-text").value.trim();
    history.replaceState(null, "", text === "" ? "#" : `#?${new URLSearchParams({ text })}`);
  };

  const follow = () => {
    const hash = location.hash.slice(1);
    if (hash.startsWith("?")) $("f-text").value = new URLSearchParams(hash.slice(1)).get("text") || "";
    else if (/^(gate|eval)-\d+$/.test(hash)) $("f-text").value = "";
    filter();
    const at = /^[a-z]+-\d+$/.test(hash) ? $(hash) : null;
    if (at) { at.scrollIntoView({ block: "center" }); at.focus({ preventScroll: true }); }
  };

  $("f-text").addEventListener("input", () => { filter(); remember(); });
  $("filters").addEventListener("submit", (event) => event.preventDefault());
  $("clear").addEventListener("click", () => { $("f-text").value = ""; filter(); remember(); });
  addEventListener("hashchange", follow);
  for (const each of document.querySelectorAll(".newest")) each.scrollLeft = each.scrollWidth;
  follow();
  document.documentElement.dataset.ready = "yes";
})();
