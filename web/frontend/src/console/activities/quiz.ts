// A quiz's draft, and its results as the run-sheet reads them.
import type { ActivityView, Draft } from "./activity";

export interface QuizOption {
  id?: string | null;
  text: string;
  correct: boolean;
  picture?: string | null;
}
export interface QuizQuestion {
  id?: string | null;
  text: string;
  picture?: string | null;
  options: QuizOption[];
  multiple: boolean;
  seconds: number;
  points: number;
}
export interface QuizResults {
  players: number;
  alive: number | null;
  closes_at: string | null;
  questions: {
    id: string;
    text: string;
    state: "waiting" | "held" | "released" | "over" | "revealed";
    answered: number;
    right: number | null;
    options: { id: string; text: string; correct: boolean; count: number | null }[];
  }[];
  leaderboard: { rank: number; viewer: string; nickname: string; score: number; out?: boolean }[];
  tie_seed: string | null;
}

type Translate = (key: string, values?: Record<string, unknown>) => string;

export function emptyQuestion(texts: string[]): QuizQuestion {
  return {
    text: "",
    options: texts.map((text, index) => ({ text, correct: index === 0 })),
    multiple: false,
    seconds: 20,
    points: 1000,
  };
}

export function emptyQuiz(t: Translate): Draft {
  return {
    kind: "quiz",
    title: t("activity.quiz.template"),
    seconds: null,
    questions: [emptyQuestion(["", ""])],
    mode: "score",
    speed: true,
    revivals: 0,
    late_may_play: false,
    protocol: "any",
    begin: "by_hand",
    reveal: "auto",
  };
}

export function quizDraft(activity: ActivityView): Draft {
  const { kind, title, seconds, questions, mode, speed, revivals, late_may_play, protocol, begin, reveal } = activity;
  return { kind, title, seconds, questions, mode, speed, revivals, late_may_play, protocol, begin, reveal };
}
