// Takes part in activities with a thumb, in a real Chromium 69 as a phone of 360x640, and prints one JSON line.
// Usage: node taps.mjs BROWSER_FILE SCREENSHOT_FILE URL STEPS
// STEPS is JSON: a list of [what is tapped (the words of a button), the words or the [selector] that follow].
import { opened, WAIT } from "./launch.mjs";

const TRIES = 4;
const AGAIN = { timeout: 6_000 };
const [binary, screenshot, url, steps] = process.argv.slice(2);
const { browser, page, errors } = await opened(binary, url, 640);
const done = [];

async function tap(words) {
  const button = await page.waitForFunction(
    (text) =>
      Array.from(document.querySelectorAll("button")).find(
        (one) => one.getClientRects().length && !one.disabled && one.textContent.trim().includes(text),
      ),
    WAIT,
    words,
  );
  await button.asElement().tap();
}

// Runs inside the page.
function follows(what) {
  return what[0] === "[" ? document.querySelector(what) : document.body.innerText.includes(what);
}

try {
  for (const [words, after] of JSON.parse(steps)) {
    for (let tries = 1; ; tries++) {
      await tap(words);
      try {
        await page.waitForFunction(follows, AGAIN, after);
        break;
      } catch (error) {
        if (tries === TRIES) throw error; // a page that was busy drawing loses a tap now and then, as phones do
      }
    }
    done.push(words);
  }
  const sideways = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
  await page.screenshot({ path: screenshot });
  console.log(JSON.stringify({ version: await browser.version(), done, sideways, errors }));
} catch (error) {
  console.log(JSON.stringify({ failed: String(error), done, text: await page.$eval("#app", (app) => app.innerText), errors }));
} finally {
  await browser.close();
}
