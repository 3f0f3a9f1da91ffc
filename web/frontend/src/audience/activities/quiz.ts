// A quiz as the audience gets it: in the room what everybody may know, and for one viewer the question itself.
export interface QuizOption {
  id: string;
  text: string;
  picture?: string | null;
  correct?: boolean;
  count?: number;
}

// In the room. Text and options only once revealed.
export interface PublicQuestion {
  id: string;
  number: number;
  asked_at: string;
  seconds: number;
  state: "held" | "released" | "over" | "revealed";
  text?: string;
  picture?: string | null;
  options?: QuizOption[];
  answered?: number;
  right?: number;
}

// By `personal`, or with what this viewer did: released for this viewer's own picture.
export interface Released {
  activity_id: string;
  question: { id: string; number: number; text: string; picture: string | null; multiple: boolean; seconds: number; points: number; options: QuizOption[] };
  seconds_left: number;
}

export interface Row {
  rank: number;
  viewer: string;
  nickname: string;
  score: number;
  right: number;
  seconds: number;
  out?: boolean;
}

export interface MyQuiz {
  answers: Record<string, { options: string[]; seconds: number; right?: boolean }>;
  rank?: number;
  score?: number;
  out?: boolean;
  revivals?: number;
  question?: Released;
  late?: boolean;
}
