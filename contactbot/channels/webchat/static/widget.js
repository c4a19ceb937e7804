// The chat's page made live. What it shows is what the server's history holds, in order of position;
// what the resident sends is kept here until the server says that it is accepted.
"use strict";
(() => {
  const config = JSON.parse(document.getElementById("config").textContent);
  const words = config.words;
  const root = document.documentElement;
  const at = (id) => document.getElementById(id);
  const [list, scroll, status, alertBox, text, composer] =
    ["list", "scroll", "status", "alert", "text", "composer"].map(at);
  const framed = root.classList.contains("framed");
  const title = document.title;
  root.classList.add("js");

  // ---- What is kept: in this tab's storage, and in memory where the browser denies that. Never a cookie.

  const memory = new Map();
  let stores = true;
  const store = {
    get: (key) => {
      try { return sessionStorage.getItem(`chat:${config.site}:${key}`) ?? memory.get(key) ?? ""; }
      catch { stores = false; return memory.get(key) ?? ""; }
    },
    set: (key, value) => {
      memory.set(key, value);
      try {
        const name = `chat:${config.site}:${key}`;
        value ? sessionStorage.setItem(name, value) : sessionStorage.removeItem(name);
      } catch { stores = false; }
    },
  };
  const remembered = (key) => { try { return JSON.parse(store.get(key) || "[]"); } catch { return []; } };

  if (config.token) store.set("token", config.token);
  let token = store.get("token");
  let after = 0;                          // the last position shown
  let pending = remembered("pending");    // [{id, text, failed}] not yet accepted
  let lastFromUs = 0, read = 0, unread = 0;
  let shown = !framed;                    // whether the panel is open; a page of its own always is
  const keep = () => store.set("pending", pending.length ? JSON.stringify(pending) : "");
  const random = () => Array.from(crypto.getRandomValues(new Uint8Array(12)), (b) => b.toString(16).padStart(2, "0")).join("");
  const fill = (sentence, values) => sentence.replace(/\{(\w+)\}/g, (_, name) => values[name]);

  // ---- Making elements. Residents' words are only ever text.

  const make = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) if (value) element.setAttribute(name, value);
    element.append(...children);
    return element;
  };
  const locales = [words.locale, "nb"];  // not every browser has nynorsk
  const clock = new Intl.DateTimeFormat(locales, { hour: "2-digit", minute: "2-digit", timeZone: config.zone });
  const day = new Intl.DateTimeFormat(locales, { day: "numeric", month: "numeric", timeZone: config.zone });
  const exact = new Intl.DateTimeFormat(locales, { dateStyle: "full", timeStyle: "short", timeZone: config.zone });
  const time = (iso) => {
    const when = new Date(iso), hour = clock.format(when).replace(":", words.time_mark);
    const label = day.format(when) === day.format(new Date()) ? hour : `${day.format(when)} ${hour}`;
    return make("time", { datetime: iso, title: exact.format(when) }, label);
  };
  const author = (item) => {
    if (item.author === "resident") return words.you;
    if (item.author === "bot") return item.name || words.bot;
    return item.name ? `${item.name}, ${words.staff}` : words.staff_unnamed;
  };
  const linked = (plain) => plain.split(/(https?:\/\/[^\s<>"]*[^\s<>".,:;!?)\]])/).map((part, odd) => odd % 2 ? make("a", { href: part }, part) : part);
  const bubble = (item) => {
    const box = make("div", { class: "bubble", lang: item.language || config.lang });
    if (item.html) { box.classList.add("rich"); box.innerHTML = item.html; }  // an editor's Markdown, rendered by our server: raw HTML never passes there
    else if (item.author === "resident") box.textContent = item.text;
    else box.append(...linked(item.text));
    for (const link of box.querySelectorAll("a[href]")) {
      link.target = "_blank"; link.rel = "noopener noreferrer";
      link.append(make("span", { class: "unseen" }, ` (${words.new_tab})`));
    }
    return box;
  };
  const choices = (labels, asksWhy) => {
    const none = make("button", { disabled: "disabled", hidden: "hidden" });  // Enter in the field presses a form's first button: not a verdict
    const above = asksWhy ? [none, make("label", { for: "survey-why" }, words.survey_why), make("input", { id: "survey-why", name: "why", type: "text", maxlength: "500", autocomplete: "off" })] : [make("p", { class: "hint" }, words.choices)];
    const form = make("form", { class: "choices" }, ...above);
    for (const label of labels) form.append(make("button", { class: "choice", name: "say", value: label }, label));
    return form;
  };

  // ---- What the resident thinks of an answer: two buttons, and then a field for why

  const rating = (item) => {  // nothing of it is read aloud when the answer comes
    const box = make("div", { class: "rate", role: "group", "aria-label": words.rate, "aria-live": "off" });
    const rate = (helpful, why = "") => line?.ready ? line.send({ type: "rate", position: item.position, helpful, words: why }) : connect();
    const buttons = ["helpful", "unhelpful"].map((verdict) => {
      const button = make("button", { type: "button", "data-verdict": verdict, "aria-pressed": String(item.rating === verdict) }, words[`rate_${verdict}`]);
      button.addEventListener("click", () => { press(box, verdict); rate(verdict === "helpful"); if (!box.querySelector("form")) box.append(why()); });
      return button;
    });
    const why = () => {
      const id = `why-${item.position}`, field = make("input", { id, type: "text", maxlength: "500", autocomplete: "off" });
      const form = make("form", { class: "why" }, make("label", { for: id }, words.rate_why), make("div", { class: "pair" }, field, make("button", { class: "button" }, words.rate_send)));
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        event.stopPropagation();
        const verdict = box.querySelector('[aria-pressed="true"]').dataset.verdict;
        if (field.value.trim()) rate(verdict === "helpful", field.value.trim());
        form.remove();
        text.focus();
      });
      return form;
    };
    box.append(...buttons);
    return box;
  };
  const press = (box, verdict) => { for (const one of box.querySelectorAll("[data-verdict]")) one.setAttribute("aria-pressed", String(one.dataset.verdict === verdict)); };

  // ---- Showing what was said

  const retireChoices = () => { for (const old of list.querySelectorAll(".choices")) old.remove(); };
  const drop = (position) => {  // what was said before is erased: only what comes after it, and what has not arrived, stays
    const waiting = new Set(pending.map((message) => message.id));
    for (const li of [...list.children]) if (!(li.dataset.position > position || waiting.has(li.dataset.id))) li.remove();
  };
  const dress = (li, item) => {
    li.className = `say ${item.author}`;
    li.dataset.position = item.position;
    li.replaceChildren(make("p", { class: "by" }, make("span", { class: "name" }, author(item)), " ", time(item.at)), bubble(item));
    if (item.rating) li.append(rating(item));
    if (item.attachments) li.append(make("p", { class: "files" }, `${words.attachment}: ${item.attachments.join(", ")}`));
    return li;
  };
  const firstPending = () => list.querySelector("[data-id]");
  const show = (item) => {
    if (list.querySelector(`[data-position="${item.position}"]`)) return;
    const newest = item.position > after;
    after = Math.max(after, item.position);
    const mine = item.key && list.querySelector(`[data-id="${CSS.escape(item.key)}"]`);
    if (item.forgets) drop(item.position);
    const later = [...list.children].find((li) => li.dataset.position > item.position) || firstPending();
    if (newest) retireChoices();
    if (mine) {
      settle(item.key);
      delete mine.dataset.id;
      dress(mine, item);
      if (later && later !== mine) list.insertBefore(mine, later);
    } else {
      const li = dress(make("li"), item);
      list.insertBefore(li, later);
      if (item.choices && newest) li.append(choices(item.choices, item.asks_why));
      reveal(li);
    }
    if (item.author !== "resident") heardFrom(item);
    for (const offer of document.querySelectorAll("[data-later]")) offer.hidden = false;
  };
  const heardFrom = (item) => {
    lastFromUs = Math.max(lastFromUs, item.position);
    thinking(false);
    at("who").textContent = item.author === "staff" ? fill(words.who_staff, { name: item.name || words.somebody }) : words.who_bot;
    if (!present()) count(unread + 1);
    acknowledge();
  };
  const reveal = (li) => {  // a long answer is shown from its beginning
    const low = getComputedStyle(scroll).overflowY === "visible";  // then the page is what scrolls
    const box = low ? document.scrollingElement : scroll;
    const height = low ? innerHeight - composer.offsetHeight : scroll.clientHeight;
    const start = li.getBoundingClientRect().top - (low ? 0 : scroll.getBoundingClientRect().top) + box.scrollTop;
    box.scrollTop = Math.min(start - 12, Math.max(start + li.offsetHeight + 16 - height, 0));
  };
  const drawPending = (message) => {
    let li = list.querySelector(`[data-id="${message.id}"]`);
    if (!li) {
      li = make("li", { class: "say resident", "data-id": message.id },
        make("p", { class: "by" }, make("span", { class: "name" }, words.you)),
        make("div", { class: "bubble", lang: config.lang }, message.text), make("p", { class: "state" }));
      list.append(li);
      reveal(li);
    }
    li.classList.toggle("failed", Boolean(message.failed));
    const state = li.querySelector(".state");
    if (!message.failed) { state.textContent = line?.ready ? words.sending : words.waits; return; }
    const again = make("button", { type: "button" }, words.resend);
    again.addEventListener("click", () => { delete message.failed; keep(); drawPending(message); text.focus(); transmit(message); });
    state.replaceChildren(`${words.not_sent}. `, again);
  };
  const settle = (id) => { pending = pending.filter((message) => message.id !== id); keep(); };

  // ---- Saying in words how things stand

  let standing = "", thought = 0, timer = 0;
  const tell = (sentence) => { if (status.textContent !== sentence) status.textContent = sentence; };
  const stand = (sentence) => { standing = sentence; clearTimeout(thought); tell(sentence); };
  const thinking = (busy) => {
    clearTimeout(thought);
    if (standing) return;
    tell(busy ? words.thinking : "");
    // When nothing comes, a person has the conversation: say that the message is there, and promise nothing.
    if (busy) thought = setTimeout(() => tell(words.received), 8000);
  };
  const complain = (sentence, ...buttons) => {
    alertBox.replaceChildren(...(sentence ? [make("p", { class: "problem" }, sentence)] : []));
    if (buttons.length) alertBox.append(make("div", { class: "pair" }, ...buttons));
    sentence ? text.setAttribute("aria-invalid", "true") : text.removeAttribute("aria-invalid");
  };

  // ---- How the conversation stands: whether people have it, and who of them writes

  let writes = 0, writer = "";  // the sentence that says who writes
  const stands = ({ people, ended, writing, place }) => {
    const queue = place === 1 ? words.queue_next : place ? fill(words.queue, { place }) : "";
    if (at("queue").textContent !== queue) at("queue").textContent = queue;
    at("files").hidden = !(people && config.files);
    if (ended && at("ended").hidden) tell(words.ended);
    at("ended").hidden = !ended;
    if (ended) at("who").textContent = words.who_bot;
    clearTimeout(writes);
    const rests = () => { if (writer && status.textContent === writer) tell(""); };
    if (typeof writing !== "string") return rests();
    writer = fill(words.writes, { name: writing || words.staff_unnamed });
    clearTimeout(thought);
    if (!standing) tell(writer);
    writes = setTimeout(rests, 9000);
  };

  // ---- Unread, and read

  const present = () => shown && document.visibilityState === "visible";
  const count = (number) => {
    unread = number;
    document.title = number ? `(${number}) ${title}` : title;
    post({ contactbot: "unread", count: number });
  };
  const acknowledge = () => {
    if (!present()) return;
    if (unread) count(0);
    if (lastFromUs > read && line?.ready) { read = lastFromUs; line.send({ type: "read", position: read }); }
  };

  // ---- Lines to the server. Each kind has `ready` and `send(frame)`; the next is tried when one does not open.

  const url = (path) => `${config.base}/${path}`;
  const language = config.chosen ? `?lang=${config.chosen}` : "";
  const LOOK_BACK = 20;  // an answer may appear after the resident's next message; what is shown already is left alone
  const since = () => Math.max(0, after - LOOK_BACK);
  const hello = () => ({ type: "hello", token, after: since(), language: config.language });

  const call = async (frame) => {
    const answer = await fetch(url(`messages${language}`), {
      method: "POST", body: JSON.stringify(frame), credentials: "omit",
      headers: { "Content-Type": "application/json", ...(token && { Authorization: `Bearer ${token}` }) },
    });
    return answer.json();
  };

  const socketLine = (on) => {
    const socket = new WebSocket(new URL(url("ws"), location.href.replace(/^http/, "ws")));
    let heard = Date.now();
    const beat = setInterval(() => {
      if (Date.now() - heard > config.beat * 2000) return end();
      if (socket.readyState === 1) socket.send('{"type":"ping"}');
    }, config.beat * 1000);
    const opening = setTimeout(() => end(), 6000);
    const end = () => { clearInterval(beat); clearTimeout(opening); socket.onclose = socket.onmessage = null; socket.close(); on.lost(); };
    socket.onopen = () => socket.send(JSON.stringify(hello()));
    socket.onmessage = ({ data }) => { heard = Date.now(); clearTimeout(opening); on.frame(JSON.parse(data)); };
    socket.onclose = end;
    const send = (frame) => socket.readyState === 1 ? socket.send(JSON.stringify(frame)) : end();
    return { send, end, check: () => { const then = heard; send({ type: "ping" }); setTimeout(() => heard === then && end(), 4000); } };
  };

  const streamLine = (on) => {
    const stop = new AbortController();
    const end = (unreachable = false) => { if (!stop.signal.aborted) { stop.abort(); on.lost(unreachable === true); } };
    (async () => {
      let ready;
      try { ready = await call(hello()); } catch { return end(true); }
      if (ready.type !== "ready") return on.frame(ready);
      token = ready.token;
      const opening = setTimeout(end, 6000);  // some proxies hold a stream back
      const answer = await fetch(url(`events?after=${since()}`), {
        headers: { Authorization: `Bearer ${token}` }, signal: stop.signal, credentials: "omit", cache: "no-store",
      });
      if (!answer.ok) return end();
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let held = ""; ;) {
        const { value, done } = await reader.read();
        if (done) return end();
        clearTimeout(opening);
        if (ready) on.frame(ready);
        ready = null;
        const events = (held + value).split("\n\n");
        held = events.pop();
        for (const event of events) {
          const data = event.split("\n").find((row) => row.startsWith("data: "));
          if (data) on.frame(JSON.parse(data.slice(6)));
        }
      }
    })().catch(end);
    return { send: (frame) => call(frame).then(on.frame, end), end, check: end };
  };

  const pollLine = (on) => {
    let going = true;
    const end = (unreachable = false) => { if (going) { going = false; on.lost(unreachable === true); } };
    const ask = async () => {
      const answer = await fetch(url(`messages?after=${since()}`), { headers: { Authorization: `Bearer ${token}` }, credentials: "omit", cache: "no-store" });
      on.frame(await answer.json());
    };
    (async () => {
      try { on.frame(await call(hello())); } catch { return end(true); }
      for (let turn = 0; going; turn++) {
        if (turn > 40) return end();  // a better line may be possible again
        await ask();
        await new Promise((wake) => setTimeout(wake, turn < 10 ? 2000 : 5000));
      }
    })().catch(end);
    return { send: (frame) => call(frame).then(on.frame).then(ask).catch(end), end, check: () => {} };
  };

  const KINDS = [socketLine, streamLine, pollLine];
  let kind = 0, failures = 0, line = null, retry = 0;

  const connect = () => {
    clearTimeout(retry);
    if (line) return;
    let alive = true;
    const mine = { ready: false, send: () => {}, check: () => {}, end: () => {} };
    line = mine;
    const lost = (unreachable) => {
      if (!alive) return;
      alive = false;
      clearTimeout(timer);
      kind = mine.ready || unreachable ? 0 : (kind + 1) % KINDS.length;
      failures = mine.ready ? 1 : failures + 1;
      if (line === mine) line = null;
      for (const message of pending) drawPending(message);
      if (!navigator.onLine) stand(words.offline);
      else if (failures > 1 || mine.ready) stand(words.reconnecting);
      const wait = kind ? 50 : Math.min(30000, 500 * 2 ** Math.min(failures, 6)) * (0.5 + Math.random() / 2);
      if (navigator.onLine) retry = setTimeout(connect, wait);
    };
    const frame = (data) => {
      if (!alive) return;
      if (data.type === "ready" && !mine.ready) {
        mine.ready = true;
        failures = 0;
        opened(data);
      } else if (data.type === "refused" && !mine.ready) {
        if (data.code === "session") return startOver();
        mine.end();
        stand(data.text);
      } else take(data);
    };
    Object.assign(mine, KINDS[kind]({ frame, lost }));
  };

  const opened = (data) => {
    token = data.token;
    store.set("token", token);
    at("opening").textContent = data.opening;
    at("opening").classList.toggle("is-open", data.open);
    if (framed) at("window").href = `${config.base}/s/${token}${language}`;
    const before = standing;
    stand("");
    if (before === words.offline) tell(words.back);
    if (fresh) list.insertBefore(make("li", { class: "event" }, words.expired), firstPending());
    remember();
    fresh = false;
    read = 0;
    for (const message of pending) if (!message.failed) { drawPending(message); transmit(message); }
    acknowledge();
    setTimeout(() => at("log").setAttribute("aria-live", "polite"), 800);
  };

  const remember = () => {  // where this tab may store nothing, the page around us keeps the token, if there is one
    if (stores || !token) return;
    if (host) post({ contactbot: "keep", token }); else tell(words.no_storage);
  };

  const take = (data) => {
    switch (data.type) {
      case "messages": data.items.forEach(show); if (data.standing) stands(data.standing); break;
      case "accepted": accepted(data); break;
      case "refused": refused(data); break;
      case "rated": tell(words.rated); break;
      case "noted": noted("address", words.address_noted); break;
      case "asked": noted("mail", words.mail_asked); break;
    }
  };
  const accepted = ({ id, position }) => {
    const li = list.querySelector(`[data-id="${CSS.escape(id)}"]`);
    settle(id);
    clearTimeout(timer);
    if (host) remember();
    if (li && position <= after) return startAfresh();
    if (li) li.querySelector(".state").textContent = words.sent;
    if (lastFromUs < position) thinking(true);
  };
  const refused = (data) => {
    if (data.code === "session") return startOver();
    if (data.code === "bad_address") return noted("address", "", data.text);
    if (["bad_mail", "no_mail", "asked_enough"].includes(data.code)) return noted("mail", "", data.text);
    const message = pending.find((one) => one.id === data.id);
    if (!message) return complain(data.text);
    clearTimeout(timer);
    thinking(false);
    message.failed = true;
    keep();
    drawPending(message);
    complain(data.text);
  };
  const startAfresh = () => {  // the house began a new thread after a long rest: its positions begin again
    for (const li of list.querySelectorAll("[data-position]")) delete li.dataset.position;
    after = lastFromUs = read = 0;
    line?.end();
  };
  let fresh = false;
  const startOver = () => {  // the token is too old or not of this place: nothing the resident wrote is lost
    token = "";
    store.set("token", "");
    after = lastFromUs = 0;
    for (const li of list.querySelectorAll("[data-position]")) li.remove();
    const old = line;
    line = null;
    old?.end();
    clearTimeout(retry);
    kind = 0;
    fresh = true;
    connect();
  };

  // ---- Sending

  const transmit = (message) => {
    if (!line?.ready) { connect(); return; }
    line.send({ type: "message", id: message.id, text: message.text, language: config.chosen });
    clearTimeout(timer);
    timer = setTimeout(() => pending.length && line?.ready && line.end(), 20000);
  };
  const say = (words_) => {
    complain("");
    const message = { id: random(), text: words_ };
    pending.push(message);
    keep();
    retireChoices();
    drawPending(message);
    transmit(message);
  };
  const sensitive = config.pattern ? new RegExp(config.pattern, "u") : null;
  const submit = (sure) => {
    const value = text.value.trim();
    if (!value) return complain(words.refused_empty);
    if (value.length > config.limit) return complain(fill(words.refused_too_long, { limit: config.limit }));
    if (!sure && sensitive?.test(value)) return warn();
    text.value = "";
    store.set("draft", "");
    grow();
    say(value);
    text.focus();
  };
  const warn = () => {
    const fix = make("button", { class: "button", type: "button" }, words.warning_fix);
    const anyway = make("button", { class: "button quiet", type: "button" }, words.warning_send);
    fix.addEventListener("click", () => { complain(""); text.focus(); });
    anyway.addEventListener("click", () => submit(true));
    complain(words.warning, fix, anyway);
    fix.focus();
  };

  composer.addEventListener("submit", (event) => { event.preventDefault(); submit(false); });
  document.addEventListener("submit", (event) => {
    if (event.target === composer || ["address", "mail", "files"].includes(event.target.id)) return;
    event.preventDefault();
    at("menu").open = false;
    const why = event.target.elements.why?.value.trim();  // what was said about a choice goes with it, as one message
    say(why ? `${event.submitter.value}: ${why}` : event.submitter.value);
    // The pressed choice is gone: go on where the resident reads, or writes when a keyboard is at hand.
    (matchMedia("(pointer: coarse)").matches ? scroll : text).focus();
  });
  text.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    submit(false);
  });

  at("files").addEventListener("submit", async (event) => {
    event.preventDefault();
    const problem = (sentence) => { at("file-problem").textContent = sentence; };
    const button = event.target.querySelector("button"), body = new FormData(event.target);
    if (button.disabled) return;
    button.disabled = true;
    problem("");
    tell(words.file_sending);
    body.delete("token");
    body.set("key", random());
    try {
      const answer = await fetch(url(`files?lang=${config.language}`), { method: "POST", body, headers: { Authorization: `Bearer ${token}` }, credentials: "omit" });
      const reply = await answer.json();
      tell(answer.ok ? words.file_received : "");
      if (answer.ok) at("file").value = ""; else problem(reply.text);
    } catch { tell(""); problem(words.refused_busy); }
    button.disabled = false;
  });

  let typed = 0;
  const grow = () => {
    if (!CSS.supports("field-sizing", "content")) { text.style.height = "auto"; text.style.height = `${text.scrollHeight + 2}px`; }
    const left = config.limit - text.value.length, label = at("count");
    label.classList.toggle("over", left < 0);
    label.textContent = left < 0 ? fill(words.over, { count: -left }) : left < config.limit / 10 ? fill(words.left, { count: left }) : "";
  };
  text.addEventListener("input", () => {
    grow();
    store.set("draft", text.value);
    if (alertBox.firstChild) complain("");
    connect();
    if (line.ready && Date.now() - typed > 4000) { typed = Date.now(); line.send({ type: "typing" }); }
  });

  // ---- The menu

  const menu = at("menu");
  const summary = menu.querySelector("summary");
  document.addEventListener("click", (event) => { if (menu.open && !menu.contains(event.target)) menu.open = false; });
  const noted = (form, thanks, problem = "") => {  // what became of one of the menu's two forms
    at(`${form}-problem`).textContent = problem;
    if (problem) { menu.open = true; at(`${form}-value`).focus(); return; }
    at(`${form}-value`).value = "";
    menu.open = false;
    tell(thanks);
    text.focus();
  };
  for (const [form, type] of [["address", "address"], ["mail", "transcript"]]) at(form)?.addEventListener("submit", (event) => {
    event.preventDefault();
    const frame = { type, value: at(`${form}-value`).value, language: config.language };
    if (line?.ready) return line.send(frame);
    connect();
    const wait = setInterval(() => { if (line?.ready) { clearInterval(wait); line.send(frame); } }, 200);
    setTimeout(() => clearInterval(wait), 20000);
  });
  at("new").addEventListener("click", () => {
    if (token) fetch(url("messages"), { method: "POST", body: '{"type":"end"}', keepalive: true, credentials: "omit", headers: { "Content-Type": "application/json", Authorization: `Bearer ${token}` } }).catch(() => {});  // people are told; the page is left at once
    for (const key of ["token", "pending", "draft"]) store.set(key, "");
  });
  at("download").addEventListener("click", async (event) => {
    if (!token) return;
    event.preventDefault();
    const answer = await fetch(url(`transcript?lang=${config.language}`), { headers: { Authorization: `Bearer ${token}` }, credentials: "omit" });
    if (!answer.ok) return tell(words.refused_busy);
    const link = make("a", { download: /filename="([^"]+)"/.exec(answer.headers.get("Content-Disposition"))?.[1] || "chat.txt" });
    link.href = URL.createObjectURL(await answer.blob());
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    menu.open = false;
    summary.focus();
  });

  // ---- The page around us. It is spoken to only after it has said where it is, and only if it may have us.

  let host = "";
  const post = (data) => { if (host) parent.postMessage(data, host); };
  const close = () => post({ contactbot: "close" });
  addEventListener("message", ({ origin, source, data }) => {
    if (!framed || source !== parent || !(origin === location.origin || config.origins.includes(origin))) return;
    if (data?.kept && !stores && !token) { token = String(data.kept); connect(); }
    if (data?.contactbot === "open") { host = origin; shown = true; text.focus(); acknowledge(); }
    if (data?.contactbot === "closed") { host = origin; shown = false; }
  });
  at("close")?.addEventListener("click", close);
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.isComposing) return;
    if (menu.open) { menu.open = false; summary.focus(); } else if (framed) close();
  });

  // ---- Coming back: from another tab, from sleep, from a place without a net

  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState !== "visible") return;
    acknowledge();
    if (line?.ready) line.check(); else if (token || pending.length) connect();
  });
  addEventListener("online", () => { if (token || pending.length) { line?.end(); clearTimeout(retry); connect(); } else stand(""); });
  addEventListener("offline", () => { stand(words.offline); line?.end(); });

  // ---- Begin

  list.replaceChildren();  // the line brings it all again, live
  if (token) at("log").setAttribute("aria-live", "off");  // what was said before the reload is not read aloud again
  if (token) history.replaceState(null, "", location.href.replace(/\/s\/[^/?#]+/, ""));
  if (!text.value) text.value = store.get("draft");
  grow();
  pending.forEach(drawPending);
  if (token || pending.length) connect();
})();
