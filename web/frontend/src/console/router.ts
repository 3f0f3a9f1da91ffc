import { createRouter, createWebHistory } from "vue-router";
import { loadSession, session } from "./session";

export const router = createRouter({
  history: createWebHistory("/console/"),
  routes: [
    { path: "/", name: "events", component: () => import("./EventList.vue") },
    { path: "/new", name: "new", component: () => import("./EventWizard.vue") },
    { path: "/event/:id/:desk?", name: "event", component: () => import("./EventWorkspace.vue"), props: true },
    { path: "/library", name: "library", component: () => import("./LibraryList.vue") },
    { path: "/mall", name: "mall", component: () => import("./mall/MallPage.vue") },
    { path: "/crew", name: "crew", component: () => import("./CrewList.vue") },
    { path: "/centers", name: "centers", component: () => import("./CenterList.vue") },
    { path: "/sign-on", name: "sign-on", component: () => import("./signon/SignOnPage.vue") },
    { path: "/system", name: "system", component: () => import("./SystemPage.vue") },
    { path: "/sign-in", name: "sign-in", component: () => import("./SignIn.vue") },
    { path: "/:rest(.*)*", redirect: "/" },
  ],
});

router.beforeEach(async (to) => {
  if (!session.known) await loadSession();
  if (!session.me && to.name !== "sign-in") return { name: "sign-in", query: { to: to.fullPath } };
  return true;
});
