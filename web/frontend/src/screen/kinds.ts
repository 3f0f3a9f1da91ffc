// Which component shows which kind of activity in the hall.
import type { Component } from "vue";
import CheckinNumber from "./CheckinNumber.vue";
import LotteryShow from "./LotteryShow.vue";
import QuizBoard from "./QuizBoard.vue";
import VoteBars from "./VoteBars.vue";

export const shows: Record<string, Component> = { checkin: CheckinNumber, lottery: LotteryShow, vote: VoteBars, quiz: QuizBoard };
