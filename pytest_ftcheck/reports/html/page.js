"use strict";
// Texts are only ever set as textContent: the page's policy forbids that a text becomes markup.
(() => {
  const PAGE = 50, MOST_TOKENS = 4000000;
  const WORDS = { win: "gained", loss: "lost", "both right": "both right", "both wrong": "both wrong", tie: "tie", missing: "missing" };
  const $ = (id) => document.getElementById(id);
  const make = (name, className, text) => {
    const made = document.createElement(name);
    if (className) made.className = className;
    if (text !== undefined) made.textContent = text;
    return made;
  };
  let data = { evals: [], cases: [] }, found = [], at = 0, places = new Map();

  // The third model's side is there where the run had one.
  const sides = (one) => one.a ? [one.b, one.f, one.a] : [one.b, one.f];

  const textOf = (one) => {
    if (one.hay === undefined) {
      const parts = [one.id, one.x, one.m, ...one.p.map((each) => each[1])];
      for (const side of sides(one)) {
        for (const answer of side.a) parts.push(...answer);
        for (const [metric, grades] of side.g) for (const grade of grades) parts.push(metric, ...grade);
      }
      one.hay = parts.join("\n").toLowerCase();
    }
    return one.hay;
  };

  const wanted = () => ({
    text: $("f-text").value.trim().toLowerCase(),
    eval: $("f-eval") ? $("f-eval").value : "",
    tag: $("f-tag") ? $("f-tag").value : "",
    outcomes: new Set([...document.querySelectorAll("[name=outcome]:checked")].map((box) => box.value)),
  });

  const fits = (one, want) =>
    (want.eval === "" || one.e === Number(want.eval)) &&
    (want.outcomes.size === 0 || want.outcomes.has(one.o)) &&
    (want.tag === "" || Object.entries(one.t).some(([name, value]) => `${name}=${value}` === want.tag)) &&
    (want.text === "" || textOf(one).includes(want.text));

  const number = (value) => value.toLocaleString("en-US");

  const filter = (page = 0) => {
    const want = wanted();
    found = data.cases.filter((one) => fits(one, want));
    at = page;
    draw();
  };

  const draw = () => {
    const pages = Math.max(1, Math.ceil(found.length / PAGE));
    at = Math.min(Math.max(at, 0), pages - 1);
    const from = at * PAGE, shown = found.slice(from, from + PAGE);
    $("list").replaceChildren(...shown.map(row));
    $("status").textContent = found.length
      ? `Cases ${number(from + 1)} to ${number(from + shown.length)} of ${number(found.length)}` +
        (found.length === data.cases.length ? "" : ` that fit, ${number(data.cases.length)} in all`)
      : data.cases.length ? "No case fits these filters." : "No cases.";
    $("pages").hidden = pages === 1;
    $("page").textContent = `page ${number(at + 1)} of ${number(pages)}`;
    $("previous").disabled = at === 0;
    $("next").disabled = at === pages - 1;
  };

  const score = (one, side, role) => {
    if (side.w === "") return null;
    const shown = make("data", "", side.w);
    shown.value = String(side.v);
    shown.dataset.path = `/evals/${one.e}/${data.evals[one.e].list}/${one.j}/${role}_score`;
    return shown;
  };

  const row = (one) => {
    const item = make("li"), box = make("details"), head = make("summary"), scores = make("span", "scores");
    head.append(make("span", `out ${one.o.replace(" ", "-")}`, WORDS[one.o]), make("span", "id", one.id));
    const last = one.p.length ? one.p[one.p.length - 1][1] : "";
    head.append(make("span", "excerpt", last.slice(0, 200).replaceAll("\n", " ")), scores);
    const base = score(one, one.b, "base"), ft = score(one, one.f, "ft");
    if (base && ft) scores.append(base, " → ", ft);
    const also = one.a ? score(one, one.a, "also") : null;
    if (also) {
      const third = make("span", "third", ", also ");
      third.append(also);
      scores.append(third);
    }
    box.append(head);
    box.addEventListener("toggle", () => { if (box.open && box.children.length === 1) box.append(body(one)); });
    item.append(box);
    return item;
  };

  const block = (title, text) => {
    const part = make("div");
    part.append(make("h3", "", title), pre(title, [[text, ""]]));
    return part;
  };

  const pre = (title, pieces) => {
    const shown = make("pre");
    shown.setAttribute("role", "group");
    shown.setAttribute("aria-label", title);
    // What may scroll can be reached with the keyboard.
    if (pieces.reduce((sum, [text]) => sum + text.length + 40 * (text.split("\n").length - 1), 0) > 400) shown.tabIndex = 0;
    for (const [text, mark] of pieces) shown.append(mark ? make(mark, "", text) : text);
    return shown;
  };

  const body = (one) => {
    const shown = make("div", "body");
    for (const [role, text] of one.p) shown.append(block(one.p.length > 1 || role !== "user" ? `prompt: ${role}` : "prompt", text));
    if (one.x !== "") shown.append(block("expected", one.x));
    const samples = Math.max(...sides(one).map((side) => side.a.length));
    for (let sample = 0; sample < samples; sample += 1) shown.append(pair(one, sample, samples));
    if (one.m) shown.append(block("missing", one.m));
    const meta = make("p", "meta"), link = make("a", "", "link to this case");
    link.href = linkTo(one);
    meta.append(link, make("span", "", data.evals[one.e].name));
    for (const [name, value] of Object.entries(one.t)) meta.append(make("span", "", `${name} = ${value}`));
    if (one.c !== null) meta.append(make("span", "", `cluster ${one.c}`));
    if (one.s) meta.append(make("span", "", one.s));
    shown.append(meta);
    return shown;
  };

  const pair = (one, sample, samples) => {
    const shown = make("div", "pair");
    const [before, after] = [one.b, one.f].map((side) => side.a[sample] || ["", "no answer"]);
    const [left, right] = differences(before[0], after[0]);
    const which = samples > 1 ? `, sample ${sample + 1} of ${samples}` : "";
    const halves = [["base", one.b, before, left], ["ft", one.f, after, right]];
    if (one.a) {
      const third = one.a.a[sample] || ["", "no answer"];
      halves.push(["also", one.a, third, [[third[0], ""]]]);
    }
    for (const [role, side, answer, pieces] of halves) {
      const half = make("div");
      half.append(make("h3", "", role + which), pre(`${role}'s answer${which}`, answer[0] === "" ? [["(empty)", ""]] : pieces));
      const grades = make("ul", "grades");
      if (answer[1]) grades.append(make("li", "sub", answer[1]));
      for (const [metric, given] of side.g) {
        const grade = given[sample];
        if (!grade) continue;
        const line = make("li");
        line.append(`${metric}: `, make("b", /^(right|wrong|ungraded)$/.test(grade[0]) ? grade[0] : "", grade[0]));
        if (grade[1]) line.append(` — ${grade[1]}`);
        grades.append(line);
      }
      half.append(grades);
      shown.append(half);
    }
    return shown;
  };

  // Word by word: the longest common subsequence between what both begin and end with.
  const differences = (before, after) => {
    const split = (text) => text.match(/\s+|[\p{L}\p{M}\p{N}_]+|[^]/gu) || [];
    const left = split(before), right = split(after);
    let head = 0, tail = 0;
    while (head < left.length && head < right.length && left[head] === right[head]) head += 1;
    while (tail < left.length - head && tail < right.length - head && left[left.length - 1 - tail] === right[right.length - 1 - tail]) tail += 1;
    const a = left.slice(head, left.length - tail), b = right.slice(head, right.length - tail);
    const [kept, also] = common(a, b);
    const pieces = (all, middle, same, mark) => join([
      ...all.slice(0, head).map((word) => [word, ""]),
      ...middle.map((word, place) => [word, same[place] ? "" : mark]),
      ...all.slice(all.length - tail).map((word) => [word, ""]),
    ]);
    return [pieces(left, a, kept, "del"), pieces(right, b, also, "ins")];
  };

  const common = (a, b) => {
    const inA = new Uint8Array(a.length), inB = new Uint8Array(b.length);
    if (a.length * b.length > MOST_TOKENS) return [inA, inB];
    const width = b.length + 1, best = new Uint16Array((a.length + 1) * width);
    for (let i = a.length - 1; i >= 0; i -= 1) {
      for (let j = b.length - 1; j >= 0; j -= 1) {
        best[i * width + j] = a[i] === b[j] ? best[(i + 1) * width + j + 1] + 1 : Math.max(best[(i + 1) * width + j], best[i * width + j + 1]);
      }
    }
    for (let i = 0, j = 0; i < a.length && j < b.length;) {
      if (a[i] === b[j]) { inA[i] = inB[j] = 1; i += 1; j += 1; }
      else if (best[(i + 1) * width + j] >= best[i * width + j + 1]) i += 1;
      else j += 1;
    }
    return [inA, inB];
  };

  const join = (pieces) => {
    const joined = [];
    for (const [text, mark] of pieces) {
      const last = joined[joined.length - 1];
      if (last && last[1] === mark) last[0].push(text);
      else joined.push([[text], mark]);
    }
    return joined.map(([texts, mark]) => [texts.join(""), mark]);
  };

  const linkTo = (one) => `#case/${encodeURIComponent(data.evals[one.e].name)}/${encodeURIComponent(one.id)}`;

  const clear = () => {
    for (const id of ["f-text", "f-eval", "f-tag"]) if ($(id)) $(id).value = "";
    for (const box of document.querySelectorAll("[name=outcome]")) box.checked = false;
  };

  const follow = () => {
    const hash = location.hash.slice(1);
    if (hash.startsWith("case/")) {
      const one = places.get(hash);
      clear();
      filter();
      if (!one) { $("status").textContent = "This page has no such case."; return; }
      at = Math.floor(found.indexOf(one) / PAGE);
      draw();
      const box = $("list").children[found.indexOf(one) - at * PAGE].firstChild;
      box.open = true;
      box.firstChild.focus({ preventScroll: true });
      box.scrollIntoView({ block: "start" });
    } else if (hash.startsWith("cases?")) {
      const asked = new URLSearchParams(hash.slice(6));
      clear();
      $("f-text").value = asked.get("text") || "";
      if ($("f-eval")) $("f-eval").value = asked.get("eval") || "";
      if ($("f-tag")) $("f-tag").value = asked.get("tag") || "";
      for (const box of document.querySelectorAll("[name=outcome]")) box.checked = asked.getAll("outcome").includes(box.value);
      filter();
      $("cases").scrollIntoView();
    } else if (hash.startsWith("eval-") && $(hash)) {
      $(hash).open = true;
      $(hash).scrollIntoView();
    }
  };

  const remember = () => {
    const want = wanted(), asked = new URLSearchParams();
    if (want.text) asked.set("text", want.text);
    if (want.eval) asked.set("eval", want.eval);
    if (want.tag) asked.set("tag", want.tag);
    for (const outcome of want.outcomes) asked.append("outcome", outcome);
    history.replaceState(null, "", [...asked].length ? `#cases?${asked}` : "#cases");
  };

  const start = () => {
    data = JSON.parse($("data").textContent);
    for (const one of data.cases) places.set(linkTo(one).slice(1), one);
    let timer = 0;
    const changed = () => { filter(); remember(); };
    $("f-text").addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(changed, 150); });
    $("filters").addEventListener("change", (event) => { if (event.target.id !== "f-text") changed(); });
    $("filters").addEventListener("submit", (event) => event.preventDefault());
    $("clear").addEventListener("click", () => { clear(); changed(); });
    const turn = (by) => { at += by; draw(); $("cases").scrollIntoView(); };
    $("previous").addEventListener("click", () => turn(-1));
    $("next").addEventListener("click", () => turn(1));
    $("list").addEventListener("keydown", (event) => {
      const by = { ArrowDown: 1, ArrowUp: -1, j: 1, k: -1 }[event.key];
      if (!by || event.target.tagName !== "SUMMARY" || event.ctrlKey || event.metaKey || event.altKey) return;
      const heads = [...$("list").querySelectorAll("summary")], next = heads[heads.indexOf(event.target) + by];
      if (next) { event.preventDefault(); next.focus(); }
    });
    addEventListener("hashchange", follow);
    filter();
    follow();
    document.documentElement.dataset.ready = "yes";
  };

  // After the first paint: the data may be large.
  requestAnimationFrame(() => setTimeout(start));
})();
