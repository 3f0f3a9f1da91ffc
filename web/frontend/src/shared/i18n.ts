// Chinese first, English beside it: every text stands once in each language, chosen by the page's lang attribute.
import { createI18n } from "vue-i18n";

export type Locale = "zh-CN" | "en";
const KEPT = "venuecast.locale";

export function initialLocale(): Locale {
  const kept = localStorage.getItem(KEPT);
  if (kept === "zh-CN" || kept === "en") return kept;
  return document.documentElement.lang.startsWith("en") ? "en" : "zh-CN";
}

export function keepLocale(locale: Locale): void {
  localStorage.setItem(KEPT, locale);
  document.documentElement.lang = locale;
}

export function makeI18n<Messages extends Record<string, unknown>>(messages: Record<Locale, Messages>) {
  return createI18n({
    legacy: false,
    locale: initialLocale(),
    fallbackLocale: "zh-CN",
    messages: messages as never,
    warnHtmlMessage: false,
  });
}
