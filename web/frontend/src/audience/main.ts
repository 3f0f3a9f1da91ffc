import { createApp } from "vue";
import App from "./App.vue";
import { makeI18n } from "../shared/i18n";
import { messages } from "./messages";
import "./audience.css";

// the county app's token is read once and leaves the address at once: people share their address bar
if (/[?&]token=/.test(location.search)) {
  const kept = new URLSearchParams(location.search);
  kept.delete("token");
  history.replaceState(null, "", location.pathname + (kept.toString() ? "?" + kept : ""));
}

createApp(App).use(makeI18n(messages)).mount("#app");
