// Opens one page in a real Chromium 69 as a phone of 360x740, comments in it, and prints what it saw as one JSON line.
// Usage: node drive.mjs BROWSER_FILE SCREENSHOT_FILE URL [COMMENT [MODULE...]]
// Each MODULE (a path on the page's host) is imported too: what this browser would never load by itself has to parse.
import { opened, WAIT } from "./launch.mjs";

const [binary, screenshot, url, comment, ...modules] = process.argv.slice(2);

// What a thumb and an old eye meet: runs inside the page.
function layout() {
  const shown = (element) => element.getClientRects().length > 0;
  const outside = (element) => {
    const box = element.getBoundingClientRect();
    return box.left < -1 || box.right > innerWidth + 1;
  };
  const small = [];
  const sideways = [];
  const tiny = [];
  const spilt = [];
  for (const element of document.querySelectorAll("button, a[href], input")) {
    const box = element.getBoundingClientRect();
    if (shown(element) && (box.width < 44 || box.height < 44))
      small.push(`${element.textContent.trim() || element.tagName} ${box.width}x${box.height}`);
    if (shown(element) && element.tagName !== "INPUT" && element.scrollWidth > element.clientWidth + 1)
      spilt.push(element.textContent.trim());
  }
  for (const element of document.querySelectorAll("body *")) {
    if (element.closest("[aria-hidden=true]")) continue; // flying comments
    if (!shown(element) || ["SCRIPT", "SVG", "PATH"].includes(element.tagName.toUpperCase())) continue;
    const words = Array.from(element.childNodes).some((node) => node.nodeType === 3 && node.data.trim());
    if (outside(element) && !element.closest("[role=tablist]")) sideways.push(element.className || element.tagName);
    if (words && parseFloat(getComputedStyle(element).fontSize) < 16) tiny.push(element.textContent.trim());
  }
  return { scrolls: document.documentElement.scrollWidth > innerWidth, small, sideways, spilt, tiny };
}

const { browser, page, errors } = await opened(binary, url, 740);
try {
  const facts = { version: await browser.version() };
  if (comment) {
    await page.waitForSelector(".composer input:not([disabled])", WAIT);
    await page.waitForSelector(".frame [role=status]", WAIT);
    await page.tap(".composer input");
    // as an input method does it: this Chromium's protocol has no Input.insertText yet
    await page.evaluate((text) => document.execCommand("insertText", false, text), comment);
    await page.tap(".composer button[type=submit]");
    // in the list and no longer marked as being on its way
    await page.waitForFunction(
      (text) =>
        Array.from(document.querySelectorAll(".comment")).some(
          (one) => one.textContent.includes(text) && !one.querySelector(".mark, .again"),
        ),
      WAIT,
      comment,
    );
    facts.comments = await page.$$eval(".comment", (all) => all.map((one) => one.textContent));
  }
  facts.status = await page.$$eval("[role=status]", (all) => all.map((one) => one.textContent.trim()));
  facts.text = await page.$eval("#app", (app) => app.innerText);
  facts.layout = await page.evaluate(layout);
  await page.screenshot({ path: screenshot });
  facts.modules = [];
  for (const module of modules)
    facts.modules.push(await page.evaluate(`import(${JSON.stringify(module)}).then(() => "", (error) => String(error))`));
  console.log(JSON.stringify({ ...facts, errors }));
} catch (error) {
  console.log(JSON.stringify({ failed: String(error), errors }));
} finally {
  await browser.close();
}
