// The room over Socket.IO; over the snapshot endpoint while no socket holds. Reconnecting and first loading are one.
import { io, type Socket } from "socket.io-client";
import { enter, forget } from "./identity";
import { fullJitter } from "./jitter";
import { afterBatch, afterPoll, emptyRoom, fromSnapshot, type Batch, type RoomState, type Snapshot } from "./reducer";

export interface Answer {
  ok: boolean;
  id?: string;
  status?: string;
  error?: { code: string; message: string; retry_after?: number };
  [more: string]: unknown;
}

const ACK_MS = 10_000;
const POLL_MS = 3_000; // and as much again at random
const CATCH_UP_MS = 500;
const POLL_AFTER_MS = 4_000;
const HEARTBEAT_MS = 10_000;

export type Personal = { type: string } & Record<string, unknown>;

export interface Watching {
  venue_id: string;
  position: string | null;
  playing: boolean;
  // how the stream is played: hls, flv, whep
  protocol?: string | null;
}

export class RoomClient {
  private socket: Socket | null = null;
  private state: RoomState = emptyRoom;
  private timers: ReturnType<typeof setInterval>[] = [];
  private downSince = Date.now();
  private loading = false;
  private joining = false;
  private attempt = 0;
  private stopped = false;
  private retrying = false;
  private readonly listeners: ((payload: Personal) => void)[] = [];
  private token = "";

  constructor(
    private readonly eventId: string,
    private readonly onState: (state: RoomState) => void,
    private readonly watching: () => Watching | null,
  ) {}

  start(): void {
    void this.connect();
    this.pollLater();
    this.timers.push(setInterval(() => this.heartbeat(), HEARTBEAT_MS));
  }

  stop(): void {
    this.stopped = true;
    this.timers.forEach(clearInterval);
    this.socket?.close();
  }

  // What concerns this viewer alone; answers with what ends the listening.
  onPersonal(listener: (payload: Personal) => void): () => void {
    this.listeners.push(listener);
    return () => {
      const at = this.listeners.indexOf(listener);
      if (at >= 0) this.listeners.splice(at, 1);
    };
  }

  get connected(): boolean {
    return this.socket?.connected ?? false;
  }

  async comment(text: string, clientId: string, replyTo: string | null = null): Promise<Answer> {
    return this.ask("comment", { text, client_id: clientId, ...(replyTo ? { reply_to: replyTo } : {}) });
  }

  async likeComment(commentId: string): Promise<Answer> {
    return this.ask("comment_like", { comment_id: commentId });
  }

  async like(count: number): Promise<Answer> {
    return this.ask("like", { count });
  }

  // What a viewer does in an activity: vote, answer, enter, checkin.
  async act(event: string, payload: object): Promise<Answer> {
    return this.ask(event, payload);
  }

  // Something of the event that concerns this viewer (`mall`); null when it cannot be read.
  async read<T>(path: string): Promise<T | null> {
    try {
      const response = await fetch(`/api/v1/events/${this.eventId}/${path}`, {
        headers: { Authorization: `Bearer ${this.token}` },
      });
      return response.ok ? ((await response.json()) as T) : null;
    } catch {
      return null;
    }
  }

  // Something that is no socket's matter (a claim); null when taken, else why not in the reader's words.
  async send(path: string, body: object): Promise<string | null> {
    try {
      const response = await fetch(`/api/v1${path}`, {
        method: "POST",
        headers: {
          Authorization: `Bearer ${this.token}`,
          "Content-Type": "application/json",
          "Accept-Language": document.documentElement.lang,
        },
        body: JSON.stringify(body),
      });
      if (response.ok) return null;
      const problem = (await response.json()) as { detail?: string; title?: string; errors?: { msg: string }[] };
      return [problem.detail || problem.title || "", ...(problem.errors ?? []).map((one) => one.msg)].join(" ").trim();
    } catch {
      return "";
    }
  }

  // What this viewer did, by activity id; empty when nothing can be read.
  async mine(): Promise<Record<string, Record<string, unknown>>> {
    try {
      const response = await fetch(`/api/v1/events/${this.eventId}/me`, {
        headers: { Authorization: `Bearer ${this.token}` },
      });
      if (!response.ok) return {};
      return ((await response.json()) as { activities: Record<string, Record<string, unknown>> }).activities;
    } catch {
      return {};
    }
  }

  heartbeat(): void {
    const watching = this.watching();
    if (this.connected && watching) this.socket?.emit("heartbeat", watching);
  }

  private async connect(): Promise<void> {
    const socket = io("/room", {
      transports: ["websocket", "polling"],
      tryAllTransports: true, // a proxy that lets no websocket through is met with long polling
      reconnection: false, // its own jitter is none once the longest wait is reached
      auth: (give) => void this.join().then((token) => give({ token })),
    });
    this.socket = socket;
    socket.on("connect", () => {
      this.downSince = 0;
      this.attempt = 0;
      setTimeout(() => this.heartbeat(), 500);
    });
    socket.on("disconnect", () => {
      this.downSince = Date.now();
      this.again(socket);
    });
    socket.on("connect_error", (error: Error & { data?: { code?: string } }) => {
      // a token that the hub no longer takes is asked for anew
      if (error.data?.code === "join_again" || error.message.includes("join")) forget(this.eventId);
      this.again(socket);
    });
    socket.on("snapshot", (snapshot: Snapshot) => this.apply(fromSnapshot(this.state, snapshot)));
    socket.on("batch", (batch: Batch) => this.apply(afterBatch(this.state, batch)));
    socket.on("personal", (payload: Personal) => [...this.listeners].forEach((listener) => listener(payload)));
  }

  private again(socket: Socket): void {
    if (this.stopped || this.retrying) return;
    this.retrying = true;
    setTimeout(() => {
      this.retrying = false;
      if (!this.stopped) socket.connect();
    }, fullJitter(this.attempt++));
  }

  private apply(state: RoomState): void {
    if (state === this.state) return;
    this.state = state;
    this.onState(state);
    if (state.behind) setTimeout(() => this.state.behind && void this.load(), Math.random() * CATCH_UP_MS);
  }

  private async join(): Promise<string> {
    if (this.joining) return "";
    this.joining = true;
    try {
      const token = await enter(this.eventId);
      if (token) this.token = token;
      return token;
    } finally {
      this.joining = false;
    }
  }

  private async load(): Promise<void> {
    if (this.loading) return;
    this.loading = true;
    try {
      const response = await fetch(`/api/v1/events/${this.eventId}/snapshot`);
      if (response.ok) this.apply(afterPoll(this.state, (await response.json()) as Snapshot));
    } catch {
      // the next poll or the reconnect tries again
    } finally {
      this.loading = false;
    }
  }

  private pollLater(): void {
    if (this.stopped) return;
    setTimeout(() => {
      this.poll();
      this.pollLater();
    }, POLL_MS * (1 + Math.random()));
  }

  private poll(): void {
    if (document.hidden || this.stopped) return;
    const down = !this.connected && this.downSince > 0 && Date.now() - this.downSince > POLL_AFTER_MS;
    // on the level `polling` the hub sends state alone over the sockets (docs/rooms.md)
    if (down || (this.connected && (this.state.behind || this.state.level === "polling"))) void this.load();
  }

  private async ask(event: string, payload: object): Promise<Answer> {
    const socket = this.socket;
    if (!socket?.connected) return { ok: false, error: { code: "offline", message: "" } };
    try {
      return (await socket.timeout(ACK_MS).emitWithAck(event, payload)) as Answer;
    } catch {
      return { ok: false, error: { code: "no_answer", message: "" } };
    }
  }
}

export { randomId } from "./identity";
