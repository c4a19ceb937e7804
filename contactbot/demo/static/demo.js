// Keeps the page up to date. Without it everything works as plain links and forms.
"use strict";

const FIRST_WAIT = 500; // milliseconds before the line is tried again, doubled each time
const LONGEST_WAIT = 15000;
let wait = FIRST_WAIT;

const parts = (element) => (element.dataset.swap || "").split(",");

/** Put the named parts of a page we were given in place of those shown. */
function swap(text, names) {
  const given = new DOMParser().parseFromString(text, "text/html");
  for (const name of ["problem", ...names]) {
    const mine = document.getElementById(name);
    const theirs = given.getElementById(name);
    if (mine && theirs && mine.innerHTML !== theirs.innerHTML) {
      mine.replaceWith(document.adoptNode(theirs));
    }
  }
  toTheEnd();
}

async function load(address, names, options) {
  const answer = await fetch(address, options);
  swap(await answer.text(), names);
  return answer;
}

function toTheEnd() {
  const texts = document.getElementById("texts");
  texts.scrollTop = texts.scrollHeight;
}

function complain(words) {
  const problem = document.getElementById("problem");
  problem.className = "ds-alert";
  problem.dataset.color = "danger";
  problem.textContent = words;
}

document.addEventListener("submit", async (event) => {
  const form = event.target.closest("form[data-swap]");
  if (!form) return;
  event.preventDefault();
  const button = form.querySelector("button");
  const fields = new URLSearchParams(new FormData(form));
  const isPost = form.method === "post";
  button.disabled = true;
  try {
    const address = isPost ? form.action : `${form.action}?${fields}`;
    const answer = await load(address, parts(form), isPost ? { method: "POST", body: fields } : {});
    if (answer.ok) {
      history.replaceState(null, "", answer.url);
      form.querySelectorAll("textarea").forEach((field) => { field.value = ""; });
    }
  } catch {
    complain("Fikk ikke kontakt med demoen. Det du skrev, er ikke sendt. Prøv igjen.");
  } finally {
    button.disabled = false;
  }
});

document.addEventListener("click", async (event) => {
  const link = event.target.closest("a[data-swap]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  try {
    await load(link.href, parts(link));
    history.pushState(null, "", link.href);
    document.querySelector("#mail textarea, #mail input:not([type=hidden])")?.focus({ preventScroll: true });
  } catch {
    location.assign(link.href);
  }
});

addEventListener("popstate", () => load(location.href, ["texts", "whose", "mails", "mail"]));

document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing && event.target.matches("[data-enter]")) {
    event.preventDefault();
    if (event.target.value.trim()) event.target.form.requestSubmit();
  }
});

function listen() {
  const socket = new WebSocket(new URL("/demo/live", location.href.replace(/^http/, "ws")));
  socket.addEventListener("open", () => { wait = FIRST_WAIT; });
  socket.addEventListener("message", (event) => { load(location.href, [event.data]).catch(() => {}); });
  socket.addEventListener("close", () => {
    setTimeout(listen, wait);
    wait = Math.min(wait * 2, LONGEST_WAIT);
  });
}

toTheEnd();
listen();
