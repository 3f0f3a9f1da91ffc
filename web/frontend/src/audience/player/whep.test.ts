import { expect, test } from "vitest";
import { iceServers } from "./whep";

test("relays are read from the answer's Link header", () => {
  const link =
    '<stun:stun.example.cn:3478>; rel="ice-server", ' +
    '<turn:turn.example.cn:3478?transport=udp>; rel="ice-server"; username="1:v"; credential="a,b="; credential-type="password"';
  expect(iceServers(link)).toEqual([
    { urls: "stun:stun.example.cn:3478" },
    { urls: "turn:turn.example.cn:3478?transport=udp", username: "1:v", credential: "a,b=" },
  ]);
  expect(iceServers(null)).toEqual([]);
  expect(iceServers('</next>; rel="next"')).toEqual([]);
});
