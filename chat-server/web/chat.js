// The page: signing in, the list of rooms, and which room is open.
//
// How the protocol is spoken is in api.js (requests), room.js (a room in step) and outbox.js (saying something
// once); view.js draws a room.

import { Api, endsSession, pause, subject } from "./api.js";
import { newKey } from "./outbox.js";
import { translate, words, wordsFor } from "./words.js";
import { RoomView } from "./view.js";

/** Between two looks at the list of rooms, unless the server asks for more. */
const LOOK_MS = 5_000;

const element = (id) => document.getElementById(id);

let api;
let rooms = [];
let open; // The room on the screen: { id, view }.
let session; // Aborted when it ends.

// ── Signing in ─────────────────────────────────────────────────────────────────────────────────────────────

/** The token lives as long as the tab, and never stands in an address that a server sees. */
function enter(token) {
  sessionStorage.setItem("token", token);
  api = new Api(token);
  session = new AbortController();
  element("door").hidden = true;
  element("house").hidden = false;
  element("me").textContent = api.user;
  look();
}

/** `why`: a Refusal, or nothing when the user leaves; then nothing of theirs stays behind. */
function leave(why) {
  session?.abort();
  closeRoom();
  if (why) sessionStorage.removeItem("token");
  else sessionStorage.clear();
  [api, rooms] = [undefined, []];
  element("room-list").replaceChildren();
  element("house").hidden = true;
  element("door").hidden = false;
  element("door-error").textContent = why ? wordsFor(why) : "";
  element("token").focus();
}

element("sign-in").addEventListener("submit", (event) => {
  event.preventDefault();
  const token = element("token").value.trim();
  if (subject(token) === undefined) {
    element("door-error").textContent = words.notAToken;
    return;
  }
  element("token").value = "";
  element("door-error").textContent = "";
  enter(token);
});

element("sign-out").addEventListener("click", () => {
  history.replaceState(null, "", location.pathname);
  leave();
});

// ── Rooms ──────────────────────────────────────────────────────────────────────────────────────────────────

/** Looks at the list again and again while the page is on the screen. Unchanged, it costs a 304. */
async function look() {
  const { signal } = session;
  let tag;
  for (let tries = 0; !signal.aborted; ) {
    try {
      const response = await api.fetch("/v1/rooms", { headers: tag ? { "If-None-Match": tag } : {}, signal });
      tag = response.headers.get("ETag");
      if (response.status === 200) {
        ({ rooms } = await response.json());
        if (!open) tell("");
        drawRooms();
        route();
      }
      tries = 0;
      const wish = Number(response.headers.get("chat-poll-interval")) * 1_000;
      await shown(Math.max(LOOK_MS, wish), signal);
    } catch (error) {
      if (signal.aborted) return;
      if (endsSession(error)) return leave(error);
      if (!open) tell(wordsFor(error, words.serverTrouble));
      await pause(tries++, error, signal);
    }
  }
}

/** An open room has more to say. */
function tell(what) {
  Object.assign(element("banner"), { textContent: what, hidden: !what });
}

/** Waits so long, and then until the page is on the screen. */
async function shown(milliseconds, signal) {
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
  if (!document.hidden) return;
  await new Promise((resolve) => {
    document.addEventListener("visibilitychange", resolve, { once: true, signal });
    signal.addEventListener("abort", resolve, { once: true });
  });
}

function drawRooms() {
  const lines = rooms.map(({ id, title, unread, last_message: last }) => {
    const link = Object.assign(document.createElement("a"), { href: `#/rooms/${id}` });
    if (id === open?.id) link.ariaCurrent = "page";
    link.append(span("title", title));
    if (last) link.append(span("last", last.deleted ? words.deleted : `${last.sender}: ${last.text}`));
    if (unread > 0) {
      const badge = span("unread", unread > 99 ? "99+" : unread);
      badge.ariaLabel = words.unread(unread);
      badge.role = "img";
      link.append(badge);
    }
    const line = document.createElement("li");
    line.append(link);
    return line;
  });
  const focused = element("room-list").contains(document.activeElement) && document.activeElement.hash;
  element("room-list").replaceChildren(...lines);
  if (focused) lines.find((line) => line.firstChild.hash === focused)?.firstChild.focus();
  element("no-rooms").hidden = rooms.length > 0;
}

function span(className, content) {
  return Object.assign(document.createElement("span"), { className, textContent: content });
}

/** What was asked for and not answered, and its key: asked for again, it makes no second room. */
let making;

element("make").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  const members = form.members.value.split(/[\s,]+/u).filter(Boolean);
  element("make-error").textContent = "";
  try {
    const body = { title: form.title.value, members };
    const asked = JSON.stringify([api.user, body]);
    if (making?.asked !== asked) making = { asked, key: newKey() };
    const headers = { "Idempotency-Key": making.key };
    const room = await api.ask("/v1/rooms", { method: "POST", headers, body });
    making = undefined;
    rooms.push({ ...room, last_message: null, unread: 0, read_marker: null });
    form.reset();
    element("new-room").open = false;
    location.hash = `#/rooms/${room.id}`;
  } catch (error) {
    element("make-error").textContent = error.message || words.failed;
  }
});

// ── Which room is open ─────────────────────────────────────────────────────────────────────────────────────

/** The address says it, so that the browser's own keys go back and forth. */
function route() {
  const id = Number(location.hash.match(/^#\/rooms\/(\d+)$/)?.[1]);
  if (!api || id === open?.id) return;
  closeRoom();
  const room = rooms.find((room) => room.id === id);
  document.body.dataset.place = room ? "room" : "rooms";
  element("pick").hidden = Boolean(room);
  document.title = room ? `${room.title} · chat` : "chat";
  if (!room) return drawRooms();
  const read = (marker) => {
    if (marker) room.unread = marker.unread;
    drawRooms();
  };
  open = { id, view: new RoomView(api, room, { sessionEnded: leave, read }) };
  drawRooms();
  element("room-title").focus();
}

function closeRoom() {
  open?.view.close();
  open = undefined;
  document.body.dataset.place = "rooms";
  element("pick").hidden = false;
}

addEventListener("hashchange", route);

// ── The beginning ──────────────────────────────────────────────────────────────────────────────────────────

translate(document);
// A link of a demonstration may bring a token behind `#`, which no server sees; it is taken out of the address at
// once, and signs nobody else in over who is here.
const brought = location.hash.match(/^#token=([\w.-]+)$/)?.[1];
if (brought) history.replaceState(null, "", location.pathname);
const token = sessionStorage.getItem("token") ?? brought;
if (token && subject(token) !== undefined) enter(token);
else leave();
