// The desk's own behaviour, on top of pages that work without it: cases open without a full load, lists stay live,
// drafts survive, and the keyboard reaches everything. The server's pages stay the one source of what is shown.
"use strict";

(() => {
  const byId = (id) => document.getElementById(id);
  const QUIET = { "Contactbot-Live": "1" }; // such requests keep no session alive
  const DRAFT = "draft:";
  const DONE = {
    claim: "Saken er oppdatert.",
    closure: "Saken er oppdatert.",
    assignment: "Saken er gitt videre.",
    replies: "Svaret er lagret og blir sendt.",
    notes: "Notatet er lagret.",
  };

  // --- pages in parts --------------------------------------------------------------------------------------------

  async function fetchPage(url, options = {}) {
    const response = await fetch(url, { credentials: "same-origin", ...options });
    if (response.status === 401 && response.headers.has("HX-Redirect")) {
      location.assign(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
      return null;
    }
    if (response.redirected && new URL(response.url).pathname === "/sign-in") {
      location.assign(response.url);
      return null;
    }
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    return { page, status: response.status, url: response.url };
  }

  function replace(id, page) {
    const old = byId(id);
    const fresh = page.getElementById(id);
    if (!old || !fresh || old.isEqualNode(fresh)) return;
    const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
    const open = [...old.querySelectorAll("details[open] > summary")].map((summary) => summary.textContent);
    old.replaceWith(document.adoptNode(fresh));
    for (const summary of fresh.querySelectorAll("details > summary")) {
      if (open.includes(summary.textContent)) summary.parentElement.open = true;
    }
    if (focused) byId(focused)?.focus({ preventScroll: true });
    window.htmx?.process(fresh);
  }

  const isTyping = (part) => part?.contains(document.activeElement) && document.activeElement.matches("input, textarea, select");

  function show({ page, url }, { push = true, focus = true } = {}) {
    const panes = page.getElementById("panes");
    if (!panes || !byId("panes")) return false;
    byId("panes").dataset.open = panes.dataset.open;
    document.title = page.title;
    for (const id of ["views", "list-title", "filter", "list", "case"]) replace(id, page);
    if (byId("search") && !isTyping(byId("search").parentElement)) byId("search").value = page.getElementById("search").value;
    if (push && url !== location.href) history.pushState({}, "", url);
    settle();
    if (focus) byId("case").focus({ preventScroll: true });
    return true;
  }

  async function open(url, options) {
    let result = null;
    try {
      result = await fetchPage(url);
    } catch {
      location.assign(url); // the browser itself says best what is wrong with the line
      return;
    }
    if (result && !show(result, options)) location.assign(url);
  }

  // What a case needs each time it is put in place.
  function settle() {
    for (const field of document.querySelectorAll("[data-draft]")) {
      const kept = sessionStorage.getItem(DRAFT + field.dataset.draft);
      if (kept && (!field.value || field.matches("select"))) field.value = kept;
    }
    countSegments();
    showWhoWrites();
    // Where panes scroll by themselves, the newest words and the composer come first; a phone's page starts at its top.
    const pane = [byId("case-main"), byId("case")].find((one) => one && getComputedStyle(one).overflowY === "auto");
    const composer = byId("composer");
    if (composer && pane && pane.scrollHeight > pane.clientHeight) {
      pane.scrollTop += composer.getBoundingClientRect().bottom - pane.getBoundingClientRect().bottom + 16;
    }
  }

  // --- links and forms -------------------------------------------------------------------------------------------

  document.addEventListener("click", (event) => {
    const insert = event.target.closest("[data-insert]");
    if (insert && byId("reply")) {
      event.preventDefault();
      insertAnswer(insert.dataset.insert);
      return;
    }
    if (event.target.closest("[data-refresh]")) {
      refresh({ force: true });
      return;
    }
    const button = event.target.closest("button[commandfor]");
    if (button && !("commandForElement" in button)) {
      const dialog = byId(button.getAttribute("commandfor"));
      if (button.getAttribute("command") === "close") dialog.close();
      else dialog.showModal();
      return;
    }
    const link = event.target.closest("#panes a[href^='/desk']:not([data-whole])");
    if (!link || event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    open(link.href, { focus: !link.matches(".view") });
  });

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.getAttribute("action") === "/sign-out") {
      forgetDrafts();
      return;
    }
    if (form.getAttribute("action") === "/desk/contacts") {
      sessionStorage.removeItem(`${DRAFT}contact`);
      return;
    }
    if (!form.closest("#panes")) return;
    if (form.method === "get") {
      event.preventDefault();
      narrow(form);
    } else if (!form.getAttribute("action").startsWith("/raw/")) {
      event.preventDefault();
      send(form, event.submitter);
    }
  });

  // The address says only what was chosen, so that it is short enough to share.
  async function narrow(form) {
    const chosen = [...new FormData(form)].filter(([, value]) => value);
    await open(`${form.action}?${new URLSearchParams(chosen)}`, { focus: false });
    byId("filter-words").parentElement.open = false;
    if (!document.activeElement.matches("#search")) byId("filter-words").focus();
    const shown = document.querySelectorAll("#list .row-link").length;
    say(shown === 1 ? "1 sak i listen." : `${shown || "Ingen"} saker i listen.`);
  }

  async function send(form, submitter) {
    if (form.dataset.busy) return;
    form.dataset.busy = "1";
    const action = submitter?.getAttribute("formaction") || form.getAttribute("action");
    const fields = form.querySelectorAll("[data-draft]");
    let result = null;
    try {
      result = await fetchPage(action, { method: "POST", body: new URLSearchParams(new FormData(form, submitter)) });
    } catch {
      complain("Ikke sendt: nettet er borte, eller tjenesten svarer ikke. Teksten er beholdt. Prøv igjen.");
    }
    delete form.dataset.busy;
    if (!result) return;
    const inTheWay = !result.page.getElementById("case");
    if (inTheWay) {
      complain(result.page.querySelector("main p")?.textContent || "Noe gikk galt. Teksten er beholdt. Prøv igjen.");
      return;
    }
    if (result.status < 400) for (const field of fields) sessionStorage.removeItem(DRAFT + field.dataset.draft);
    show(result.status < 400 ? result : { ...result, url: location.href }, { push: result.status < 400 });
    if (result.status < 400) say(DONE[new URL(action, location).pathname.split("/").pop()] || "");
  }

  function complain(text) {
    const place = byId("send-problem");
    if (place) {
      place.className = "composer-problem ds-alert";
      place.dataset.color = "danger";
      place.textContent = text;
    }
  }

  function say(text) {
    if (byId("said")) byId("said").textContent = text;
  }

  addEventListener("popstate", () => open(location.href, { push: false }));

  // --- the composer ----------------------------------------------------------------------------------------------

  document.addEventListener("input", (event) => {
    const field = event.target.closest("[data-draft]");
    if (!field) return;
    if (field.value) sessionStorage.setItem(DRAFT + field.dataset.draft, field.value);
    else sessionStorage.removeItem(DRAFT + field.dataset.draft);
    if (field.id === "reply") { countSegments(); tellOfWriting(field); }
  });

  let told = 0;
  function tellOfWriting(field) {  // whoever waits in a chat sees that somebody writes; a lost word of it does no harm
    if (Date.now() - told < 4000) return;
    told = Date.now();
    const action = new URL(field.form.getAttribute("action"), location).pathname.replace(/replies$/, "writing");
    fetch(action, { method: "POST" }).catch(() => {});
  }

  function forgetDrafts() {
    for (const key of Object.keys(sessionStorage)) if (key.startsWith(DRAFT)) sessionStorage.removeItem(key);
  }

  function insertAnswer(text) {
    const field = byId("reply");
    choose("reply");
    field.value = [field.value.trim(), text].filter(Boolean).join("\n\n");
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }

  function choose(kind) {
    const radio = byId(`kind-${kind}`);
    if (!radio) return;
    radio.checked = true;
    byId(kind).focus();
  }

  // The same count as the channel's: GSM 03.38 in septets, or UTF-16 units when a sign is outside it also after
  // quotation marks, dashes and special spaces were made plain.
  function countSegments() {
    const place = byId("segments");
    const field = byId("reply");
    if (!place || !field) return;
    const basic = new Set(place.dataset.basic);
    const extended = new Set(place.dataset.extended);
    const plain = JSON.parse(place.dataset.plain);
    const said = field.value.trim();
    // With the name below it, as the channel signs; its dash costs what a hyphen does.
    const written = [...(said && `${said}\n\n- ${place.dataset.signature}`).normalize("NFC")];
    const rewritten = [...written.map((sign) => plain[sign] ?? sign).join("")];
    const signs = rewritten.every((sign) => basic.has(sign) || extended.has(sign)) ? rewritten : written;
    const foreign = [...new Set(signs.filter((sign) => !basic.has(sign) && !extended.has(sign)))];
    const widths = signs.map((sign) => (foreign.length ? sign.length : extended.has(sign) ? 2 : 1));
    const units = widths.reduce((sum, width) => sum + width, 0);
    const [single, joined] = foreign.length ? [70, 67] : [160, 153];
    const parts = units <= single ? 1 : partsOf(widths, joined);
    const why = foreign.length ? ` Tegnet ${foreign.slice(0, 3).join(" ")} gjør hver SMS kortere.` : "";
    place.dataset.empty ??= place.textContent;
    place.textContent = signs.length ? `${units} tegn med navnet ditt, ${parts} SMS${priceOf(parts, place.dataset.price)}.${why}` : place.dataset.empty;
  }

  function priceOf(parts, price) {
    const two = { minimumFractionDigits: 2, maximumFractionDigits: 2 };
    return price ? `, ${(parts * Number(price)).toLocaleString("nb", two)} kr` : "";
  }

  function partsOf(widths, room) {
    let parts = 1;
    let used = 0;
    for (const width of widths) {
      if (used + width > room) {
        parts += 1;
        used = 0;
      }
      used += width;
    }
    return parts;
  }

  // --- the keyboard ----------------------------------------------------------------------------------------------

  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.matches("textarea")) {
      event.preventDefault();
      event.target.form?.requestSubmit(event.target.form.querySelector("button[type=submit]:not([name])"));
      return;
    }
    const busy = event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey;
    if (busy || document.body.dataset.shortcuts !== "1" || document.querySelector("dialog[open]")) return;
    if (event.target.matches("input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable]")) return;
    const act = KEYS[event.key];
    if (act && act() !== false) event.preventDefault();
  });

  const KEYS = {
    j: () => walk(1),
    k: () => walk(-1),
    r: () => choose("reply"),
    x: () => choose("note"),
    s: () => byId("search")?.focus(),
    f: () => filter(),
    C: () => (byId("close") ? byId("close").click() : false),
    "?": () => byId("shortcuts")?.showModal(),
  };

  function filter() {
    const words = byId("filter-words");
    if (!words) return false;
    words.parentElement.open = true;
    byId("filter-team").focus();
    return true;
  }

  function walk(step) {
    const rows = [...document.querySelectorAll(".row-link")].filter((row) => row.offsetParent);
    if (!rows.length) return;
    const here = rows.indexOf(document.activeElement);
    const from = here >= 0 ? here : rows.findIndex((row) => row.hasAttribute("aria-current"));
    const next = rows[Math.min(Math.max(from + step, 0), rows.length - 1)];
    next.focus();
    next.scrollIntoView({ block: "nearest" });
  }

  // --- the live feed: one WebSocket, long polling where it fails ---------------------------------------------------

  let cursor = byId("panes")?.dataset.cursor || "";
  let waiting = 0;
  let isStale = false;
  let isRefreshing = false;
  let isWanted = false;
  let isForced = false;

  const LASTING = 5000; // milliseconds
  const pause = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));

  async function listen() {
    let failures = 0;
    while (true) {
      const worked = (await bySocket()) || (await byPolling());
      failures = worked ? 0 : failures + 1;
      await pause(Math.min(30, 2 ** failures) * (0.5 + Math.random() / 2));
    }
  }

  function bySocket() {
    return new Promise((done) => {
      let opened = Infinity;
      const socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/desk/live?after=${encodeURIComponent(cursor)}`);
      socket.onopen = () => (opened = Date.now());
      socket.onmessage = (event) => hear(JSON.parse(event.data));
      socket.onclose = (event) => {
        if (event.code === 4401) location.reload();
        done(Date.now() - opened > LASTING); // a line that closes as soon as it opens is none
      };
    });
  }

  async function byPolling() {
    try {
      const response = await fetch(`/desk/live?after=${encodeURIComponent(cursor)}`, { headers: QUIET });
      if (response.status === 401) location.reload();
      if (!response.ok) return false;
      hear(await response.json());
      return true;
    } catch {
      return false;
    }
  }

  // A resident who writes says so every four seconds; after eight without a word they do not. It is kept by case, so
  // that a pane which is fetched anew meanwhile still says it.
  const writesUntil = new Map();
  let rests = 0;

  function tellWhoWrites(cases) {
    for (const number of cases) writesUntil.set(number, Date.now() + 8000);
    showWhoWrites();
  }

  function showWhoWrites() {
    const shown = byId("resident-writing");
    if (!shown) return;
    const left = (writesUntil.get(Number(document.querySelector("#case .case")?.dataset.ticket)) ?? 0) - Date.now();
    const words = left > 0 ? "Innbyggeren skriver …" : "";
    if (shown.textContent !== words) shown.textContent = words;
    clearTimeout(rests);
    if (words) rests = setTimeout(showWhoWrites, left);
  }

  function hear(message) {
    if (message.writing) return tellWhoWrites(message.writing);
    cursor = message.cursor;
    if (!message.reset && !message.changes.length) return;
    if (document.hidden) {
      isStale = true;
      if (!document.title.startsWith("● ")) document.title = `● ${document.title}`;
    } else if (!waiting) {
      waiting = setTimeout(() => refresh(), 250);
    }
  }

  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && isStale) refresh();
  });

  // What is heard while a page is on its way may be newer than that page: then it is fetched once more.
  async function refresh({ force = false } = {}) {
    waiting = 0;
    isForced = isForced || force;
    isWanted = true;
    if (isRefreshing) return;
    isRefreshing = true;
    try {
      while (isWanted) {
        isWanted = false;
        await fetchAndShow();
      }
    } finally {
      isRefreshing = false;
      isForced = false;
    }
  }

  async function fetchAndShow() {
    let result = null;
    try {
      result = await fetchPage(location.href, { headers: QUIET });
    } catch {
      isStale = true;
    }
    if (!result?.page.getElementById("panes")) return;
    isStale = false;
    document.title = result.page.title;
    replace("views", result.page);
    refreshList(result.page, isForced);
    refreshCase(result.page);
  }

  // The list never moves under the pointer or the focus: then a button tells that there is something new.
  function refreshList(page, force) {
    const list = byId("list");
    const order = (root) => [...root.querySelectorAll("#list .row-link")].map((row) => row.id).join();
    const isHeld = list.matches(":hover") || list.contains(document.activeElement);
    const mayMove = force || !isHeld || order(document) === order(page);
    byId("fresh").hidden = mayMove;
    if (mayMove) replace("list", page);
  }

  function refreshCase(page) {
    const ticket = (root) => root.querySelector("#case .case")?.dataset.ticket;
    if (!ticket(document) || ticket(document) !== ticket(page)) return;
    for (const id of ["case-head", "conversation", "sending", "holder", "about"]) if (!isTyping(byId(id))) replace(id, page);
    const seen = byId("seen");
    const fresh = page.getElementById("seen");
    if (seen && fresh && Number(fresh.value) > Number(seen.value)) {
      seen.value = fresh.value;
      byId("newer").textContent = "Innbyggeren har skrevet igjen. Les det før du sender.";
    }
  }

  settle();
  if (byId("panes")) listen();
})();
