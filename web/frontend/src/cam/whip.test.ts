import { expect, test } from "vitest";
import { parseLinks } from "./whip";

test("ICE servers stand in Link headers, several to one header", () => {
  const header =
    '<stun:stun.example.cn:3478>; rel="ice-server", ' +
    '<turn:turn.example.cn:3478?transport=udp>; rel="ice-server"; username="1:crew"; credential="a+/="; credential-type="password", ' +
    '<https://example.cn/next>; rel="next"';
  expect(parseLinks(header)).toEqual([
    { urls: "stun:stun.example.cn:3478" },
    { urls: "turn:turn.example.cn:3478?transport=udp", username: "1:crew", credential: "a+/=" },
  ]);
  expect(parseLinks("")).toEqual([]);
});
