// One's own comments of this visit, from the thumb until the hub has them; and the hearts one gave.
import { reactive } from "vue";
import { randomId, type RoomClient } from "../../shared/room/client";

export interface Own {
  clientId: string;
  text: string;
  replyTo: string | null;
  state: "pending" | "shown" | "held" | "failed";
  id: string;
  message: string;
  // why the hub refused it
  code: string;
}

export interface OwnComments {
  list: Own[];
  liked: Set<string>;
  say(text: string, replyTo?: string | null): Promise<void>;
  again(own: Own): Promise<void>;
  takeBack(own: Own): string;
  like(commentId: string): Promise<void>;
}

export function ownComments(room: RoomClient): OwnComments {
  const list = reactive<Own[]>([]);
  const liked = reactive(new Set<string>());

  async function send(own: Own): Promise<void> {
    own.state = "pending";
    own.message = own.code = "";
    const answer = await room.comment(own.text, own.clientId, own.replyTo);
    if (answer.ok) {
      own.id = answer.id ?? "";
      own.state = answer.status === "held" ? "held" : "shown";
    } else {
      // refused or not answered: the words stay here, with the reason
      own.state = "failed";
      own.message = answer.error?.message ?? "";
      own.code = answer.error?.code ?? "";
    }
  }

  return {
    list,
    liked,
    async say(text, replyTo = null) {
      list.push({ clientId: randomId(), text, replyTo, state: "pending", id: "", message: "", code: "" });
      await send(list[list.length - 1]!);
    },
    again: send, // the same client id: the hub takes it once
    takeBack(own) {
      list.splice(list.indexOf(own), 1);
      return own.text;
    },
    async like(commentId) {
      if (liked.has(commentId)) return;
      liked.add(commentId);
      const answer = await room.likeComment(commentId);
      if (!answer.ok) liked.delete(commentId);
    },
  };
}
