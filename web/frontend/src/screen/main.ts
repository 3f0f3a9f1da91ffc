import { createApp } from "vue";
import { en as activityEn, zh as activityZh } from "../audience/activities/words";
import { makeI18n } from "../shared/i18n";
import App from "./App.vue";
import "./screen.css";
import { en, zh } from "./words";

const messages = { "zh-CN": { ...zh, activity: activityZh }, en: { ...en, activity: activityEn } };
createApp(App).use(makeI18n(messages)).mount("#app");
