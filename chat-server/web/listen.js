// Three ways to hear what changes in a room. All go on from its cursor, so any may follow any other.
//
// Each is called with the room, a signal that ends it, and what to call once it works; each ends by throwing.

import { Refusal, sleep } from "./api.js";

/** Servers give a sign of life every 25 s; after so long without one a stream is dead, whatever it looks like. */
const SILENCE_MS = 60_000;

/** A stream says something as soon as it is open. One that does not is held back by something in between. */
const OPENING_MS = 10_000;

/** What is said over a socket is answered within this, or the socket is taken for dead. */
const ANSWER_MS = 10_000;

/** How long a poll asks to be held. */
const HELD_SECONDS = 25;

/** Numbers of a closing WebSocket that have a code (the others are broken connections). */
const CLOSE_CODES = { 4401: "token_expired", 4403: "not_a_member", 4410: "room_gone" };

/** The ways by name, the best first. */
export const WAYS = { websocket: bySocket, events: byEvents, polling: byPolling };

/** The one to try where `way` does not get through. */
export function nextWay(way) {
  const names = Object.keys(WAYS);
  return names[Math.min(names.indexOf(way) + 1, names.length - 1)];
}

/** A WebSocket. What is said goes up it too. */
async function bySocket(room, signal, live) {
  const address = new URL(`${room.path}/socket?after=${room.cursor}`, location.href);
  address.protocol = address.protocol.replace("http", "ws");
  // A browser cannot set Authorization here: the token goes as a second subprotocol, which is never answered.
  const socket = new WebSocket(address, ["chat.v1", `bearer.${room.api.token}`]);
  const said = new Map(); // By key, what is not answered yet.
  const { promise: over, resolve: end } = Promise.withResolvers();
  const giveUp = () => end({});
  let timer = setTimeout(giveUp, OPENING_MS);
  // Pings are the browser's business, and tell a page nothing. Where all is silent, a poll looks whether it should be.
  const watch = () => {
    clearTimeout(timer);
    timer = setTimeout(() => room.poll(signal).then(({ news }) => (news ? giveUp() : watch()), giveUp), SILENCE_MS);
  };
  socket.onclose = end;
  socket.onopen = () => {
    watch();
    room.carrier = ({ key, text }) => {
      const answered = Promise.withResolvers();
      said.set(key, answered);
      socket.send(JSON.stringify({ type: "send", transaction_id: key, text }));
      const late = setTimeout(giveUp, ANSWER_MS);
      return answered.promise.finally(() => clearTimeout(late));
    };
    live();
  };
  socket.onmessage = ({ data }) => {
    watch();
    const frame = JSON.parse(data);
    if (frame.type === "changes") return room.take(frame.messages, frame.cursor);
    // Frames of types that we do not know are of a later version.
    const answered = said.get(frame.transaction_id);
    said.delete(frame.transaction_id);
    if (frame.type === "sent") answered?.resolve(frame.message);
    if (frame.type === "refused") answered?.reject(new Refusal(frame.problem, frame.retry_after));
  };
  signal.addEventListener("abort", giveUp);
  addEventListener("offline", giveUp);
  const { code: number } = await over;
  clearTimeout(timer);
  signal.removeEventListener("abort", giveUp);
  removeEventListener("offline", giveUp);
  [socket.onopen, socket.onmessage] = []; // It may yet come to life: nobody listens any more.
  socket.close();
  room.carrier = undefined;
  for (const answered of said.values()) answered.reject(new Error("the socket has closed"));
  const code = CLOSE_CODES[number];
  if (code) throw new Refusal({ status: code === "token_expired" ? 401 : 403, code });
  throw new Error("the socket has closed");
}

/** Server-sent events, read by fetch: an EventSource could not say who we are. */
async function byEvents(room, signal, live) {
  const silent = new AbortController();
  const either = AbortSignal.any([signal, silent.signal]);
  const response = await room.api.fetch(`${room.path}/events?after=${room.cursor}`, { signal: either });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let rest = "", patience = OPENING_MS; ; patience = SILENCE_MS) {
    // A comment, which is a sign of life, counts like anything else.
    const timer = setTimeout(() => silent.abort(new Error("the stream is silent")), patience);
    const { value, done } = await reader.read().finally(() => clearTimeout(timer));
    if (done) throw new Error("the stream has ended");
    if (patience === OPENING_MS) live();
    const blocks = (rest + value).split("\n\n");
    rest = blocks.pop();
    for (const { event, id, data } of blocks.map(fields)) {
      if (event === "end") throw new Refusal(JSON.parse(data));
      if (event === "message") room.take([JSON.parse(data)], Number(id));
    }
  }
}

/** `event`, `id` and `data` of a server-sent event. Each is one line; comments have no name. */
function fields(block) {
  return Object.fromEntries(block.split("\n").map((line) => line.split(/: ?(.*)/s, 2)));
}

/** Polls that are held until there is something to answer: they pass wherever anything does. */
async function byPolling(room, signal, live) {
  for (let held = 0; ; held = HELD_SECONDS) {
    const { jitter } = await room.poll(signal, held);
    live();
    // Many were answered at once, and are asked to come back one by one.
    await sleep(Math.random() * jitter, signal);
  }
}
