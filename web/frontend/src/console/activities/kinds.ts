// The shelf: for each kind its form, its live result, and what a fresh draft holds.
import type { Component } from "vue";
import type { ActivityView, Draft } from "./activity";
import { checkinDraft, emptyCheckin } from "./checkin";
import CheckinResult from "./CheckinResult.vue";
import { emptyLottery, lotteryDraft } from "./lottery";
import LotteryForm from "./LotteryForm.vue";
import LotteryList from "./LotteryList.vue";
import LotteryResult from "./LotteryResult.vue";
import NothingMore from "./NothingMore.vue";
import QuizForm from "./QuizForm.vue";
import QuizResult from "./QuizResult.vue";
import VoteForm from "./VoteForm.vue";
import VoteResult from "./VoteResult.vue";
import { emptyQuiz, quizDraft } from "./quiz";
import { emptyVote, voteDraft } from "./vote";

export interface KindOfActivity {
  form: Component;
  result: Component;
  // what more a prepared one shows on the desk
  prepared?: Component;
  empty: (t: (key: string, values?: Record<string, unknown>) => string) => Draft;
  // the body that edits an existing draft
  draft: (activity: ActivityView) => Draft;
  // settled by a button of the result component, not by the desk's
  settlesItself?: boolean;
}

export const kinds: Record<string, KindOfActivity> = {
  checkin: { form: NothingMore, result: CheckinResult, empty: emptyCheckin, draft: checkinDraft },
  vote: { form: VoteForm, result: VoteResult, empty: emptyVote, draft: voteDraft },
  lottery: { form: LotteryForm, result: LotteryResult, prepared: LotteryList, empty: emptyLottery, draft: lotteryDraft },
  quiz: { form: QuizForm, result: QuizResult, empty: emptyQuiz, draft: quizDraft },
};
