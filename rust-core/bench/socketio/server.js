// What the server's streams are held against: Socket.IO as its documentation has it, one room, one emit per message,
// WebSocket alone and uncompressed. It stores nothing and checks nobody, which is in its favour.
//
//   node --expose-gc server.js     prints "listening on http://…"
//   POST /v1/rooms/1/messages      {"text":"…"}: emitted as the message chat-server would send, answered by it
//   POST /gc                       collects garbage, so that memory can be compared
import { createServer } from 'node:http';
import { Server } from 'socket.io';

const ROOM = 'room 1';
let last = 0;

const http = createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    const answer = (status, body) => {
      const bytes = Buffer.from(JSON.stringify(body));
      response.writeHead(status, { 'content-type': 'application/json', 'content-length': bytes.length }).end(bytes);
    };
    if (request.url === '/gc') {
      globalThis.gc();
      return answer(200, {});
    }
    const { text } = JSON.parse(Buffer.concat(chunks));
    last += 1;
    const message = {
      id: last, seq: last, sender: 'talker-1', text, sent_at: new Date().toISOString(), edited_at: null, deleted: false,
    };
    io.to(ROOM).emit('message', message);
    answer(201, message);
  });
});

const io = new Server(http, { transports: ['websocket'], perMessageDeflate: false, serveClient: false });
io.on('connection', (socket) => socket.join(ROOM));
http.listen(Number(process.argv[2] ?? 0), '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${http.address().port}`);
});
