import "../shared/room/identity"; // first: it takes the app's token out of the address
import { createApp } from "vue";
import App from "./App.vue";
import { makeI18n } from "../shared/i18n";
import { messages } from "./messages";
import "./audience.css";

createApp(App).use(makeI18n(messages)).mount("#app");
