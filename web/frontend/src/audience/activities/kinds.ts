// Which component shows which kind of activity in the sheet; each is loaded when somebody opens it.
import { defineAsyncComponent, type Component } from "vue";

export const sheets: Record<string, Component> = {
  checkin: defineAsyncComponent(() => import("./CheckinSheet.vue")),
  vote: defineAsyncComponent(() => import("./VoteSheet.vue")),
  lottery: defineAsyncComponent(() => import("./LotterySheet.vue")),
  quiz: defineAsyncComponent(() => import("./QuizSheet.vue")),
};
