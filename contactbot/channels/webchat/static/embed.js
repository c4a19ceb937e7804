// One script tag on a municipality's own site: a button, and the chat in a frame once it is wanted.
"use strict";
(() => {
  const SITES = /*SITES*/ {};
  const me = document.currentScript, site = me.dataset.site, base = me.src.replace(/embed\.js.*$/, "");
  const origin = new URL(base).origin, [name, colour, ink] = SITES[site] || [];
  if (!name) return console.error(`contactbot: no chat is called "${site}" (data-site)`);
  const lang = (me.dataset.lang || document.documentElement.lang || "nb").slice(0, 2).replace("no", "nb");
  const label = me.dataset.label || { nn: "Chat med oss", en: "Chat with us" }[lang] || "Chat med oss";

  const sheet = new CSSStyleSheet();
  // A floating button would cover what a phone shows, such as search results: there it stands at the end of the page.
  sheet.replaceSync(`
    button { all: unset; box-sizing: border-box; position: fixed; right: 20px; bottom: 20px; z-index: 2147483000; display: flex;
      align-items: center; gap: 10px; min-height: 52px; padding: 0 22px 0 18px; border-radius: 26px; cursor: pointer; color: ${ink};
      background: ${colour}; border: 1px solid #fff6; font: 600 16px/1.2 system-ui, sans-serif; box-shadow: 0 4px 16px #0004 }
    button:hover { filter: brightness(1.1) }
    button:focus-visible { outline: 3px solid ${ink}; box-shadow: 0 0 0 6px ${colour} }
    svg { width: 22px; height: 22px; fill: none; stroke: currentColor; stroke-width: 2 }
    b { min-width: 22px; padding: 2px 6px; border-radius: 11px; text-align: center; color: ${colour}; background: ${ink}; font-size: 13px }
    [hidden] { display: none }
    iframe { position: fixed; right: 20px; bottom: 84px; z-index: 2147483001; width: 380px; height: min(600px, calc(100vh - 100px));
      border: 1px solid #7778; border-radius: 16px; background: Canvas; box-shadow: 0 8px 40px #0005 }
    @media (max-width: 480px), (max-height: 420px) {
      iframe { inset: 0; width: 100%; height: 100%; height: 100dvh; border: 0; border-radius: 0 } }
    .placed { position: static }
    @media (max-width: 480px) { button { position: static; margin: 16px } .placed { margin: 0 } }
    @media (forced-colors: active) { button { border: 2px solid ButtonText } }
    @media print { button, iframe { display: none } }`);

  const svg = (tag, values) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const key in values) element.setAttribute(key, values[key]);
    return element;
  };
  const picture = svg("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" });
  picture.append(svg("path", { d: "M4 4h16v12H10l-6 5z" }));
  const button = document.createElement("button"), badge = document.createElement("b");
  button.type = "button";
  button.setAttribute("aria-expanded", "false");
  badge.hidden = true;
  button.append(picture, label, badge);

  let frame = null, open = false, loaded = false;
  // Where the browser denies the frame a storage, it is kept here for it: one token, two hours after the last word.
  const place = `contactbot:${site}`;
  const keep = (token) => { try { sessionStorage[place] = JSON.stringify([token, Date.now() + 72e5]); } catch { /* then not */ } };
  const kept = () => { try { const [token, until] = JSON.parse(sessionStorage[place]); return until > Date.now() && token; } catch { return ""; } };
  const say = () => loaded && frame.contentWindow.postMessage({ contactbot: open ? "open" : "closed", kept: kept() }, origin);
  const load = () => {
    if (frame) return;
    frame = document.createElement("iframe");
    frame.title = `${label} – ${name}`;
    frame.hidden = true;
    frame.src = `${base}${site}?frame=1&page=${lang}`;
    frame.onload = () => { loaded = true; say(); };
    shadow.append(frame);
  };
  const toggle = (wanted) => {
    load();
    open = wanted;
    frame.hidden = !open;
    button.setAttribute("aria-expanded", String(open));
    say();
    open ? frame.focus() : button.focus();
  };
  button.onclick = () => toggle(!open);
  button.onpointerenter = button.onfocus = load;
  addEventListener("keydown", (event) => { if (open && event.key === "Escape") toggle(false); });
  addEventListener("message", ({ origin: from, source, data }) => {
    if (from !== origin || source !== frame?.contentWindow) return;
    if (data?.contactbot === "close") toggle(false);
    if (data?.contactbot === "keep") keep(data.token);
    if (data?.contactbot === "unread") {
      const bare = document.title.replace(/^\(\d+\) /, "");
      document.title = data.count ? `(${data.count}) ${bare}` : bare;
      badge.textContent = data.count;
      badge.hidden = !data.count;
    }
  });

  const home = document.createElement("div"), shadow = home.attachShadow({ mode: "open" });
  shadow.adoptedStyleSheets = [sheet];
  shadow.append(button);
  const show = () => {
    const place = me.dataset.place && document.querySelector(me.dataset.place);
    button.className = place ? "placed" : "";
    (place || document.body).append(home);
  };
  document.body ? show() : addEventListener("DOMContentLoaded", show);
})();
