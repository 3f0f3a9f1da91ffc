// The pages, built for old webviews: Chrome 69 and iOS 13 are the floor (browserslist in package.json).
import { defineConfig } from "vite";
import vue from "@vitejs/plugin-vue";
import autoprefixer from "autoprefixer";

export default defineConfig({
  plugins: [vue()],
  css: { postcss: { plugins: [autoprefixer()] } },
  define: { __VUE_OPTIONS_API__: false, __VUE_PROD_DEVTOOLS__: false },
  build: {
    target: ["chrome69", "safari13"],
    cssTarget: ["chrome69", "safari13"],
    modulePreload: { polyfill: false },
    rollupOptions: { input: { audience: "audience.html", console: "console.html", replay: "replay.html", cam: "cam.html", screen: "screen.html", verify: "verify.html" } },
  },
  server: { proxy: { "/api": "http://127.0.0.1:8080" } },
});
