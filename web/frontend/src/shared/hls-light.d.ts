// The light build (no subtitles, no DRM) has the same types as the whole.
declare module "hls.js/light" {
  export * from "hls.js";
  export { default } from "hls.js";
}
