// A room on Node's socket.io as its documentation builds one: a namespace, a token checked on joining, a snapshot, and
// batches to everybody. Reads JSON lines: {rate, size, seconds} begins a broadcast.
import { createServer } from "node:http";
import { createHmac } from "node:crypto";
import { createInterface } from "node:readline";
import { Server } from "socket.io";

const http = createServer();
const io = new Server(http, { serveClient: false });
const room = io.of("/room");
const snapshot = { epoch: 1, seq: 0, comments: Array.from({ length: 50 }, (_, i) => ({ id: String(i), text: "x".repeat(150) })) };
const secret = "a secret";
room.use((socket, next) => {
  const token = String(socket.handshake.auth.token);
  createHmac("sha256", secret).update(token).digest(); // what checking a JWT costs
  next();
});
room.on("connection", (socket) => {
  socket.join("event");
  socket.emit("snapshot", snapshot);
});
let seq = 0;
function batch(size, items) {
  const one = { type: "comment", id: "c", text: "x".repeat(size) };
  return { epoch: 1, seq: ++seq, at: new Date().toISOString(), items: Array.from({ length: items }, () => one), hidden: 0 };
}
createInterface({ input: process.stdin }).on("line", (line) => {
  const { rate, size, seconds } = JSON.parse(line);
  const began = process.hrtime.bigint();
  let sent = 0;
  const timer = setInterval(() => {
    const gone = Number(process.hrtime.bigint() - began) / 1e9;
    if (gone > seconds) clearInterval(timer);
    // what is due by now, one message each: a timer of Node is a millisecond coarse
    for (; sent < gone * rate && gone <= seconds; sent++) room.to("event").emit("batch", batch(size, 1));
  }, 5);
});
http.listen(0, "127.0.0.1", () => console.log(http.address().port));
