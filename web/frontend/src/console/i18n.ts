import { makeI18n } from "../shared/i18n";
import { messages } from "./messages";

export const i18n = makeI18n(messages);
