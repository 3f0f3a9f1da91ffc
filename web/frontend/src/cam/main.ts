import { createApp } from "vue";
import { makeI18n } from "../shared/i18n";
import App from "./App.vue";
import "./cam.css";
import { messages } from "./words";

createApp(App).use(makeI18n(messages)).mount("#app");
