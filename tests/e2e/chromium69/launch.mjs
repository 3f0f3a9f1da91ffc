// A real Chromium 69: unpacked on first use, started as a phone, with what its page complains of.
import { createRequire } from "node:module";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { brotliDecompressSync } from "node:zlib";

const require = createRequire(import.meta.url);
const puppeteer = require("puppeteer-core");
const PACKED = require.resolve("chrome-aws-lambda/package.json").replace("package.json", "bin/chromium-69.0.3494.0.br");
const FLAGS = ["--no-sandbox", "--disable-gpu", "--single-process", "--no-zygote", "--lang=zh-CN"];
export const WAIT = { timeout: 30_000 };

// The browser and its page, opened at `url`, `height` pixels high; `errors` fills as the page complains.
export async function opened(binary, url, height) {
  // unpacked beside its name first: two tests may come at once
  if (!existsSync(binary)) {
    const unpacking = `${binary}.${process.pid}`;
    writeFileSync(unpacking, brotliDecompressSync(readFileSync(PACKED)), { mode: 0o755 });
    renameSync(unpacking, binary);
  }
  const browser = await puppeteer.launch({ executablePath: binary, args: FLAGS });
  const page = await browser.newPage();
  const errors = [];
  await page.setViewport({ width: 360, height, deviceScaleFactor: 1, isMobile: true, hasTouch: true });
  await page.setExtraHTTPHeaders({ "Accept-Language": "zh-CN,zh;q=0.9" });
  page.on("pageerror", (error) => errors.push(`pageerror: ${error.message}`));
  page.on("console", (message) => message.type() === "error" && errors.push(`console: ${message.text()}`));
  await page.goto(url, { waitUntil: "domcontentloaded" });
  await page.waitForFunction("document.getElementById('app').childElementCount > 0", WAIT);
  return { browser, page, errors };
}
