// The page: signing in, and which room is open.
//
// How the protocol is spoken is in api.js (requests), room.js and listen.js (a room in step) and outbox.js (saying
// something once); rooms.js draws the list, view.js a room, of rows.js and composer.js.

import { Api, claimsOf } from "./api.js";
import { Outboxes } from "./outbox.js";
import { RoomList } from "./rooms.js";
import { RoomView } from "./view.js";
import { translate, words, wordsFor } from "./words.js";

const element = (id) => document.getElementById(id);

/** Who is here, until `session.ending` is aborted: { api, ending, outboxes, list }. */
let session;
/** The room on the screen: { id, view }. */
let open;

// ── Signing in ─────────────────────────────────────────────────────────────────────────────────────────────

/** The token lives as long as the tab, and never stands in an address that a server sees. */
function enter(token) {
  sessionStorage.setItem("token", token);
  const [api, ending] = [new Api(token), new AbortController()];
  element("door").hidden = true;
  element("house").hidden = false;
  element("me").textContent = api.user;
  const outboxes = new Outboxes(api, () => session?.list.draw(open?.id), ending.signal);
  const list = new RoomList(api, outboxes, ending.signal, { looked, trouble: (why) => open || tell(why), ended: leave });
  session = { api, ending, outboxes, list };
}

/** `why`: a Refusal, or nothing when the user leaves; then nothing of theirs stays behind. */
function leave(why) {
  session?.ending.abort();
  session = undefined;
  closeRoom();
  if (why) sessionStorage.removeItem("token");
  else sessionStorage.clear();
  element("room-list").replaceChildren();
  element("house").hidden = true;
  element("door").hidden = false;
  element("door-error").textContent = why ? wordsFor(why) : "";
  element("token").focus();
}

element("sign-in").addEventListener("submit", (event) => {
  event.preventDefault();
  // A terminal breaks long lines, and what is copied there has the breaks in it.
  const token = element("token").value.replace(/\s+/gu, "");
  const good = claimsOf(token) !== undefined;
  element("door-error").textContent = good ? "" : words.notAToken;
  if (!good) return;
  element("token").value = "";
  enter(token);
});

element("token").addEventListener("keydown", (event) => {
  if (event.key !== "Enter") return;
  event.preventDefault();
  element("sign-in").requestSubmit();
});

element("sign-out").addEventListener("click", () => {
  if (session.outboxes.unsent().length > 0 && !confirm(words.sureToLeave)) return;
  history.replaceState(null, "", location.pathname);
  leave();
});

// What is unsent goes with the tab.
addEventListener("beforeunload", (event) => {
  if (session?.outboxes.unsent().length > 0) event.preventDefault();
});

// ── Which room is open ─────────────────────────────────────────────────────────────────────────────────────

function looked() {
  if (open) open.view.room.expects(session.list.find(open.id)?.last_message?.seq ?? 0);
  else tell("");
  session.list.draw(open?.id);
  route();
}

/** An open room has more to say. */
function tell(what) {
  Object.assign(element("banner"), { textContent: what, hidden: !what });
}

/** The address says it, so that the browser's own keys go back and forth. */
function route() {
  const id = Number(location.hash.match(/^#\/rooms\/(\d+)$/)?.[1]);
  if (!session || id === open?.id) return;
  const before = open?.id;
  closeRoom();
  const room = session.list.find(id);
  document.body.dataset.place = room ? "room" : "rooms";
  element("pick").hidden = Boolean(room);
  document.title = room ? `${room.title} · chat` : "chat";
  if (room) show(room);
  else session.list.draw();
  if (!room && before) element("room-list").querySelector(`[href='#/rooms/${before}']`)?.focus();
}

function show(room) {
  const { api, outboxes, list } = session;
  const read = (marker) => {
    const known = list.find(room.id);
    if (known) known.unread = marker.unread;
    list.draw(open?.id);
  };
  open = { id: room.id, view: new RoomView(api, room, outboxes.of(room.id), { sessionEnded: leave, read }) };
  list.draw(room.id);
  element("room-title").focus();
}

function closeRoom() {
  open?.view.close();
  open = undefined;
  document.body.dataset.place = "rooms";
  element("pick").hidden = false;
}

// ── The beginning ──────────────────────────────────────────────────────────────────────────────────────────

const isGood = (token) => {
  const claims = token ? claimsOf(token) : undefined;
  return claims !== undefined && !(claims.exp * 1_000 < Date.now());
};

/**
 * A link of a demonstration may bring a token behind `#`, which no server sees; it is taken out of the address at once,
 * and signs nobody else in over who is here.
 */
function begin() {
  const brought = location.hash.match(/^#token=([\w.-]+)$/)?.[1];
  if (brought) history.replaceState(null, "", location.pathname);
  if (session) return route();
  const token = [sessionStorage.getItem("token"), brought].find(isGood);
  if (token) enter(token);
  else if (element("door").hidden) leave(sessionStorage.getItem("token") ? { code: "token_expired" } : undefined);
}

translate(document);
addEventListener("hashchange", begin);
begin();
