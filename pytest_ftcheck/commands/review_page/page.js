"use strict";
// Everything that came from models and files is shown by textContent alone.

const part = (id) => document.getElementById(id);
const state = { facts: null, at: 0, saving: false, typed: "" };

function element(tag, text, attributes = {}) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}

function levels() {
  const [low, high] = state.facts.scale;
  return Array.from({ length: high - low + 1 }, (_, step) => low + step);
}

function byKey() {
  if (state.facts.kind === "pairwise") return { a: "A", b: "B", t: "tie", 1: "A", 2: "B", 0: "tie", 3: "tie" };
  const all = levels();
  return all.every((each) => each >= 0 && each <= 9) ? Object.fromEntries(all.map((each) => [String(each), each])) : {};
}

function choices() {
  if (state.facts.kind === "pairwise") {
    return [["A", "A is better", "A"], ["tie", "Tie", "T"], ["B", "B is better", "B"]];
  }
  return levels().map((each) => [each, String(each), String(each)]);
}

function done() {
  return state.facts.values.filter((value) => value !== null).length;
}

function firstOpen(from = 0) {
  const values = state.facts.values;
  const after = values.findIndex((value, number) => number >= from && value === null);
  return after >= 0 ? after : values.indexOf(null);
}

function fault(text) {
  part("fault").textContent = text;
  part("fault").hidden = text === "";
}

function drawAnswers(card) {
  const box = part("answers");
  box.replaceChildren();
  card.answers.forEach((answer, number) => {
    const section = element("section");
    const title = card.answers.length > 1 ? `Answer ${"AB"[number]}` : "Answer";
    section.append(element("h2", title, { id: `answer-title-${number}` }));
    section.setAttribute("aria-labelledby", `answer-title-${number}`);
    const text = element("div", answer || "(an empty answer)", { class: answer ? "text" : "text empty", dir: "auto" });
    text.dataset.answer = String(number);
    section.append(text);
    box.append(section);
  });
}

function drawChoices(value) {
  const box = part("choices");
  box.replaceChildren();
  const keys = byKey();
  if (state.facts.kind === "rubric" && Object.keys(keys).length === 0) {
    const [low, high] = state.facts.scale;
    const input = element("input", undefined, { type: "number", min: low, max: high, step: 1, id: "number" });
    input.setAttribute("aria-label", `Rating from ${low} to ${high}`);
    if (value !== null) input.value = String(value);
    input.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && input.value !== "") rate(Number(input.value));
    });
    box.append(input, element("span", "and Enter", { class: "hint" }));
    input.focus();
    return;
  }
  for (const [choice, label, key] of choices()) {
    const button = element("button", label, { type: "button", "aria-pressed": String(choice === value) });
    button.dataset.value = String(choice);
    if (label !== key) button.append(" ", element("kbd", key));
    button.addEventListener("click", () => rate(choice));
    box.append(button);
  }
}

function draw() {
  const { facts, at } = state;
  const card = facts.cards[at];
  const all = facts.cards.length;
  part("progress").max = Math.max(all, 1);
  part("progress").value = done();
  part("count").textContent = `${done()} of ${all} rated`;
  part("over").hidden = all > 0 && done() < all;
  part("main").hidden = card === undefined;
  part("back").disabled = at <= 0;
  part("next").disabled = at >= all - 1;
  part("open").disabled = done() === all;
  if (card === undefined) return;
  part("place").textContent = `${at + 1} of ${all}`;
  part("question").textContent = card.question;
  part("expected-section").hidden = card.expected === null;
  part("expected").textContent = card.expected === null ? "" : card.expected;
  drawAnswers(card);
  drawChoices(facts.values[at]);
  if (facts.kind === "rubric") {
    const [low, high] = facts.scale;
    part("ends").textContent = `${low}: the criteria are not met at all. ${high}: they are fully met.`;
  } else {
    part("ends").textContent = "Neither place nor length is a merit.";
  }
}

function go(to) {
  if (to < 0 || to >= state.facts.cards.length) return;
  state.at = to;
  part("said").textContent = "";
  draw();
  window.scrollTo(0, 0);
}

async function send(path, body) {
  const reply = await fetch(path, {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
  });
  const text = await reply.text();
  if (!reply.ok) throw new Error(text.startsWith("{") ? JSON.parse(text).error : text);
  return JSON.parse(text);
}

async function rate(value) {
  if (state.saving) return;
  state.saving = true;
  const at = state.at;
  try {
    const said = await send("rate", { card: at, value });
    state.facts.values[at] = said.value;
    fault("");
    const next = firstOpen(at + 1);
    if (next >= 0) state.at = next;
    draw();
    part("said").textContent = `Saved: ${at + 1} is ${said.value}.`;
    if (next >= 0 && next !== at) window.scrollTo(0, 0);
  } catch (error) {
    fault(`Not saved: ${error.message}. The rating is not counted; try again.`);
  } finally {
    state.saving = false;
  }
}

async function finish() {
  try {
    const said = await send("finish", {});
    document.body.replaceChildren(element("h1", "Finished"),
      element("p", `${said.done} of ${state.facts.cards.length} rated, all saved. This page can be closed.`));
  } catch (error) {
    fault(`Not finished: ${error.message}. What was rated is saved.`);
  }
}

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  const typing = event.target instanceof HTMLInputElement;
  const key = event.key.toLowerCase();
  const act = { arrowleft: () => go(state.at - 1), arrowright: () => go(state.at + 1) }[key];
  if (act && !typing) act();
  else if (key === "u" && done() < state.facts.cards.length) go(firstOpen());
  else if (key === "f") finish();
  else if (!typing && key in byKey()) rate(byKey()[key]);
  else return;
  event.preventDefault();
}

async function start() {
  try {
    state.facts = await (await fetch("facts")).json();
  } catch (error) {
    fault(`The review cannot be read: ${error.message}.`);
    return;
  }
  const { facts } = state;
  document.title = `Review: ${facts.title}`;
  part("title").textContent = facts.title;
  part("criteria").replaceChildren(...facts.criteria.map((each) => element("li", each)));
  part("footer").hidden = false;
  state.at = Math.max(firstOpen(), 0);
  part("back").addEventListener("click", () => go(state.at - 1));
  part("next").addEventListener("click", () => go(state.at + 1));
  part("open").addEventListener("click", () => go(firstOpen()));
  part("finish").addEventListener("click", finish);
  document.addEventListener("keydown", pressed);
  draw();
}

start();
