// The shelf: for each kind its form, its live result, and what a fresh draft holds.
import type { Component } from "vue";
import type { ActivityView, Draft } from "./activity";
import { checkinDraft, emptyCheckin } from "./checkin";
import CheckinResult from "./CheckinResult.vue";
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
  empty: (t: (key: string, values?: Record<string, unknown>) => string) => Draft;
  // the body that edits an existing draft
  draft: (activity: ActivityView) => Draft;
  // settled by a button of the result component, not by the desk's
  settlesItself?: boolean;
}

export const kinds: Record<string, KindOfActivity> = {
  checkin: { form: NothingMore, result: CheckinResult, empty: emptyCheckin, draft: checkinDraft },
  vote: { form: VoteForm, result: VoteResult, empty: emptyVote, draft: voteDraft },
  quiz: { form: QuizForm, result: QuizResult, empty: emptyQuiz, draft: quizDraft },
};
