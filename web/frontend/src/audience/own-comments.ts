// One's own comments of this visit, from the thumb until the hub has them.
import { reactive } from "vue";
import { randomId, type RoomClient } from "../shared/room/client";

export interface Own {
  clientId: string;
  text: string;
  state: "pending" | "shown" | "held" | "failed";
  id: string;
  message: string;
}

export function ownComments(room: RoomClient): { list: Own[]; say(text: string): Promise<void>; again(own: Own): Promise<void> } {
  const list = reactive<Own[]>([]);

  async function send(own: Own): Promise<void> {
    own.state = "pending";
    own.message = "";
    const answer = await room.comment(own.text, own.clientId);
    if (answer.ok) {
      own.id = answer.id ?? "";
      own.state = answer.status === "held" ? "held" : "shown";
    } else {
      own.state = "failed";
      own.message = answer.error?.message ?? "";
    }
  }

  return {
    list,
    async say(text) {
      list.push({ clientId: randomId(), text, state: "pending", id: "", message: "" });
      await send(list[list.length - 1]!);
    },
    again: send, // the same client id: the hub takes it once
  };
}
