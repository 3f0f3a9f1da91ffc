// A draw computed again from its published file; shares no code with the hub or the command line.
import { hex, hmac, sha256, unhex, utf8 } from "./sha256";

export interface Winner {
  prize: string;
  place: number;
  reserve: boolean;
  line: string;
}
interface Prize {
  id: string;
  name: string;
  count: number;
  reserves: number;
  again: boolean;
}
export interface Transcript {
  format: string;
  title: string;
  drawn_at: string;
  rules: { prizes: Prize[] } & Record<string, unknown>;
  order: string[];
  seed: string;
  pool: string[];
  outside: Record<string, unknown>;
  commitments: Record<string, string>;
  winners: Winner[];
  digest: string;
  [more: string]: unknown;
}
export interface Verdict {
  // the field that is wrong; empty when the draw holds
  field: string;
  why: "" | "file" | "missing" | "format" | "unsorted" | "commitment" | "rules" | "winner" | "digest";
  transcript: Transcript | null;
}

const TEXTS = ["format", "activity_id", "event_id", "title", "opened_at", "closed_at", "drawn_at", "seed", "digest"];
const LISTS = ["order", "pool", "winners"];
const OBJECTS = ["rules", "outside", "commitments"];

export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value !== null && typeof value === "object") {
    const record = value as Record<string, unknown>;
    const parts = Object.keys(record)
      .sort()
      .map((key) => `${JSON.stringify(key)}:${canonical(record[key])}`);
    return `{${parts.join(",")}}`;
  }
  return JSON.stringify(value);
}

const hash = (text: string): string => hex(sha256(utf8(text)));

export function verify(text: string): Verdict {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    parsed = null;
  }
  const isObject = parsed !== null && typeof parsed === "object" && !Array.isArray(parsed);
  if (!isObject || canonical(parsed) !== text.trim()) return { field: "file", why: "file", transcript: null };
  const transcript = parsed as Transcript;
  const bad = (field: string, why: Verdict["why"]): Verdict => ({ field, why, transcript });
  for (const name of TEXTS) if (typeof transcript[name] !== "string") return bad(name, "missing");
  for (const name of LISTS) if (!Array.isArray(transcript[name])) return bad(name, "missing");
  for (const name of OBJECTS) {
    const value = transcript[name];
    if (value === null || typeof value !== "object" || Array.isArray(value)) return bad(name, "missing");
  }
  if (transcript.format !== "venuecast-draw-1") return bad("format", "format");
  const { pool } = transcript;
  for (let i = 0; i < pool.length; i += 1) {
    if (typeof pool[i] !== "string" || (i > 0 && pool[i - 1]! >= pool[i]!)) return bad("pool", "unsorted");
  }
  const made: Record<string, string> = {
    rules: hash(canonical(transcript.rules)),
    order: hash(canonical(transcript.order)),
    seed: hash(`seed:${transcript.seed}`),
    pool: hash(pool.join("\n")),
    outside: hash(canonical(transcript.outside)),
  };
  for (const name of Object.keys(made)) if (transcript.commitments[name] !== made[name]) return bad(name, "commitment");
  let expected: Winner[];
  try {
    expected = draw(transcript, made);
  } catch {
    return bad("rules", "rules");
  }
  const found = transcript.winners;
  for (let i = 0; i < Math.max(found.length, expected.length); i += 1) {
    const one = found[i];
    const other = expected[i];
    if (!one || !other || canonical(one) !== canonical(other)) return bad(`winners[${i}]`, "winner");
  }
  const rest: Record<string, unknown> = { ...transcript };
  delete rest.digest;
  if (hash(canonical(rest)) !== transcript.digest) {
    return bad("digest, title, activity_id, event_id, opened_at, closed_at, drawn_at", "digest");
  }
  return { field: "", why: "", transcript };
}

const SPAN = 281474976710656; // 2^48

function draw(transcript: Transcript, made: Record<string, string>): Winner[] {
  const words = ["venuecast-draw-1", made.rules, made.order, made.pool, made.outside];
  const key = hmac(unhex(transcript.seed), utf8(words.join("\n")));
  const prizes = transcript.rules.prizes;
  if (prizes.length !== transcript.order.length) throw new Error("order");
  const byId = new Map(prizes.map((prize): [string, Prize] => [prize.id, prize]));
  let counter = 0;
  const below = (n: number): number => {
    const limit = SPAN - (SPAN % n);
    for (;;) {
      const block = hmac(key, utf8(String(counter)));
      counter += 1;
      let number = 0;
      for (let i = 0; i < 6; i += 1) number = number * 256 + block[i]!;
      if (number < limit) return number % n;
    }
  };
  const winners: Winner[] = [];
  const won = new Set<string>();
  for (const reserve of [false, true]) {
    for (const id of transcript.order) {
      const prize = byId.get(id);
      if (!prize) throw new Error("prize");
      const wanted = reserve ? prize.reserves : prize.count;
      if (!wanted) continue;
      const barred = new Set<string>(prize.again && !reserve ? [] : won);
      const left = transcript.pool.slice();
      let place = 0;
      while (place < wanted && left.length) {
        const at = below(left.length);
        const line = left[at]!;
        left[at] = left[left.length - 1]!;
        left.pop();
        const whose = line.slice(line.lastIndexOf("/") + 1);
        if (barred.has(whose)) continue;
        barred.add(whose);
        won.add(whose);
        place += 1;
        winners.push({ prize: id, place, reserve, line });
      }
    }
  }
  return winners;
}
