// What the desk's parts share: types of the API, and the number that waits.
import { ref } from "vue";
import type { components } from "../../shared/api/types";

type Schemas = components["schemas"];
export type Reviewed = Schemas["ReviewedComment"];
export type ReviewedPage = Schemas["ReviewedPage"];
export type Desk = Schemas["ModerationView"];
export type Sanction = Schemas["SanctionView"];
export type Word = Schemas["WordView"];
export type WordPage = Schemas["WordPage"];
export type JournalEntry = Schemas["JournalEntry"];
export type JournalPage = Schemas["JournalPage"];

// Comments that wait for review in the event at hand: the workspace's tab carries it.
export const waiting = ref(0);
