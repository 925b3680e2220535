// The extension's icon: the Marketplace takes no SVG, so images/icon.png is drawn from images/icon.svg, with
// FORETYPE_UPDATE_GOLDENS=1. On other runs it is looked at whether the PNG is what package.json names, and square.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { test } from "node:test";
import { PLACE } from "./home.mjs";

const EXTENSION = path.resolve(import.meta.dirname, "../../../editors/vscode");
const SIDE = 128;

async function draw(svg, png) {
  const { chromium } = createRequire(path.join(PLACE, "package.json"))("playwright-core");
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"],
  });
  try {
    const page = await browser.newPage({ viewport: { width: SIDE, height: SIDE } });
    await page.setContent(`<style>body { margin: 0 } svg { display: block }</style>${readFileSync(svg, "utf8")}`);
    await page.screenshot({ path: png, omitBackground: true });
  } finally {
    await browser.close();
  }
}

test("the icon is a square PNG that package.json names", async () => {
  const { icon } = JSON.parse(readFileSync(path.join(EXTENSION, "package.json"), "utf8"));
  const file = path.join(EXTENSION, icon);
  if (process.env.FORETYPE_UPDATE_GOLDENS === "1") {
    await draw(file.replace(/png$/, "svg"), file);
  }
  const png = readFileSync(file);
  assert.equal(png.subarray(0, 8).toString("latin1"), "\x89PNG\r\n\x1a\n");
  assert.deepEqual([png.readUInt32BE(16), png.readUInt32BE(20)], [SIDE, SIDE]);
});
