import { createApp } from "vue";
import { messages } from "../audience/messages";
import "../audience/audience.css";
import { makeI18n } from "../shared/i18n";
import App from "./App.vue";

createApp(App).use(makeI18n(messages)).mount("#app");
