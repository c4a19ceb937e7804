// The editor's own behaviour, on top of forms that work without it: tabs, previews and trials while one writes, and a
// word before unsaved text is left.
"use strict";

(() => {
  const byId = (id) => document.getElementById(id);
  const form = byId("entry-form");
  const WAIT = { preview: 250, trial: 450, change: 900 }; // milliseconds after the last key

  function later(wait, work) {
    let timer = 0;
    return (...values) => {
      clearTimeout(timer);
      timer = setTimeout(() => work(...values), wait);
    };
  }

  // --- parts of the page that the server draws -------------------------------------------------------------------

  const underway = new Map();

  async function draw(target, address, fields) {
    underway.get(target)?.abort();
    const stop = new AbortController();
    underway.set(target, stop);
    try {
      const answer = await fetch(address, {
        method: "POST",
        headers: { "Contactbot-Part": "1" },
        body: new URLSearchParams(new FormData(fields)),
        signal: stop.signal,
      });
      if (answer.status === 401) {
        target.textContent = "Du er logget ut. Logg inn i en annen fane, så er teksten her fortsatt.";
      } else if (answer.ok) {
        target.innerHTML = await answer.text();
      }
    } catch (error) {
      if (error.name !== "AbortError") target.textContent = "Får ikke kontakt med tjenesten. Teksten din står her fortsatt.";
    }
  }

  // --- tabs: a group of fieldsets becomes one at a time ----------------------------------------------------------

  let numbered = 0;

  function makeTabs(group) {
    const list = document.createElement("div");
    list.setAttribute("role", "tablist");
    list.setAttribute("aria-label", group.dataset.tabs);
    const tabs = [...group.querySelectorAll(":scope > fieldset")].map((fieldset) => makeTab(list, fieldset));
    group.classList.add("ds-tabs", "kb-tabs");
    group.prepend(list);

    const select = (chosen, focus) => {
      for (const { tab, panel, fieldset } of tabs) {
        const is = tab === chosen.tab;
        tab.setAttribute("aria-selected", String(is));
        tab.tabIndex = is ? 0 : -1;
        panel.hidden = !is;
        if (is && fieldset.dataset.length) group.dataset.shown = fieldset.dataset.length;
      }
      if (focus) chosen.tab.focus();
    };
    tabs.forEach((one, at) => {
      one.tab.addEventListener("click", () => select(one));
      one.panel.addEventListener("reveal", () => select(one));
      one.tab.addEventListener("keydown", ({ key }) => {
        const step = { ArrowRight: 1, ArrowLeft: -1, Home: -at, End: tabs.length - 1 - at }[key];
        if (step !== undefined) select(tabs[(at + step + tabs.length) % tabs.length], true);
      });
    });
    const wrong = tabs.find(({ fieldset }) => fieldset.querySelector("[aria-invalid]"));
    select(wrong || tabs.find(({ fieldset }) => !fieldset.dataset.mark) || tabs[0]);
  }

  function makeTab(list, fieldset) {
    const number = ++numbered;
    const legend = fieldset.querySelector("legend");
    const tab = document.createElement("button");
    tab.type = "button";
    tab.id = `tab-${number}`;
    tab.setAttribute("role", "tab");
    tab.setAttribute("aria-controls", `panel-${number}`);
    tab.append(legend.textContent);
    if (fieldset.dataset.mark) {
      const mark = document.createElement("span");
      mark.className = "quiet small";
      mark.textContent = fieldset.dataset.mark;
      tab.append(mark);
    }
    const panel = document.createElement("div");
    panel.id = `panel-${number}`;
    panel.setAttribute("role", "tabpanel");
    panel.setAttribute("aria-labelledby", tab.id);
    legend.classList.add("sr-only");
    fieldset.replaceWith(panel);
    panel.append(fieldset);
    list.append(tab);
    return { tab, panel, fieldset };
  }

  function reveal(element) {
    for (let panel = element?.closest("[role=tabpanel]"); panel; panel = panel.parentElement.closest("[role=tabpanel]")) {
      panel.dispatchEvent(new Event("reveal"));
    }
  }

  for (const group of document.querySelectorAll("[data-tabs]")) makeTabs(group);
  for (const link of document.querySelectorAll("#problems a")) {
    link.addEventListener("click", (event) => {
      const field = document.querySelector(link.hash);
      if (!field) return;
      event.preventDefault();
      reveal(field);
      field.focus();
    });
  }

  // --- trial -----------------------------------------------------------------------------------------------------

  const text = byId("try");
  const button = document.querySelector("[data-try]");
  const tryNow = () => text.value.trim() && draw(byId("trial"), button.formAction, byId(text.dataset.trial));
  button.addEventListener("click", (event) => {
    event.preventDefault();
    tryNow();
  });
  // With other synonyms the whole index is built anew, which is too much for every letter.
  if (!byId("synonym-form")) text.addEventListener("input", later(WAIT.trial, tryNow));
  text.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey) return;
    event.preventDefault();
    tryNow();
  });

  for (const select of document.querySelectorAll("[data-submits]")) {
    select.addEventListener("change", () => select.form.requestSubmit());
  }

  // The list keeps its place from page to page, and shows the entry that is open.
  document.querySelector(".kb-list [aria-current]")?.scrollIntoView({ block: "nearest" });

  if (!form) return;

  // --- the entry -------------------------------------------------------------------------------------------------

  const previewLater = new Map();
  const tryLater = later(WAIT.change, tryNow);
  let dirty = form.dataset.dirty === "1";
  const mark = () => { byId("unsaved").hidden = !dirty; };
  mark();

  form.addEventListener("input", ({ target }) => {
    dirty = true;
    mark();
    tryLater();
    const language = target.closest("[data-language]")?.dataset.language;
    if (!language || target.name.endsWith(".phrasings")) return;
    if (!previewLater.has(language)) {
      const address = `/kb/previews?language=${language}`;
      previewLater.set(language, later(WAIT.preview, () => draw(byId(`previews-${language}`), address, form)));
    }
    previewLater.get(language)();
  });
  form.addEventListener("submit", () => { dirty = false; });
  addEventListener("beforeunload", (event) => { if (dirty) event.preventDefault(); });
  addEventListener("keydown", (event) => {
    if (event.key !== "s" || !(event.ctrlKey || event.metaKey) || event.altKey) return;
    event.preventDefault();
    form.requestSubmit(document.querySelector('[form="entry-form"][value="save"]'));
  });
})();
