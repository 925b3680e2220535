// The whole path, from keys in VS Code's workbench to the default model and back to grey text on the screen.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { FORETYPE, Home, PLACE, VSIX } from "./home.mjs";
import { until, Workbench, written } from "./workbench.mjs";

const FIBONACCI = `def fibonacci(n):
    if n < 2:
        return n
    return fibonacci(n - 1) + fibonacci(n - 2)


`;
const HEAD = "def factorial(n):";
const PACKAGE = JSON.parse(readFileSync(path.resolve(import.meta.dirname, "../../../editors/vscode/package.json"), "utf8"));
const SCREENSHOTS = path.join(PLACE, "screenshots");

const CELL = { cell_type: "code", metadata: {}, source: ["x = 1"], outputs: [], execution_count: null };
const NOTEBOOK = JSON.stringify({
  cells: [CELL],
  metadata: { language_info: { name: "python" } },
  nbformat: 4,
  nbformat_minor: 5,
});
/** A file for each test: they are all there from the start, since VS Code learns late of new ones. */
const NAMES = Array.from({ length: 20 }, (_, index) => `numbers-${String.fromCharCode(97 + index)}.py`);

let home, vscode, file;
const names = [...NAMES];

before(async () => {
  mkdirSync(SCREENSHOTS, { recursive: true });
  home = new Home();
  vscode = await Workbench.start({
    place: PLACE,
    vsix: VSIX,
    environment: home.environment,
    // Whole suggestions, however slow this machine is now: the first lines alone would be answered after the usual budget.
    machine: { "foretype.path": FORETYPE, "foretype.completion.latencyBudgetMs": 15_000 },
    files: Object.fromEntries([["first.py", FIBONACCI], ["book.ipynb", NOTEBOOK], ...NAMES.map((name) => [name, FIBONACCI])]),
  });
  await vscode.openFile("first.py");
  await until("the server", async () => /ready/.test(await vscode.status()), 60_000);
  await vscode.type(HEAD); // the model is loaded with the first question
  await vscode.ghostAppears(60_000);
});

after(async () => {
  await vscode?.close();
  home?.close();
});

beforeEach(async () => {
  file = names.shift();
  await vscode.openFile(file);
});

afterEach(async (context) => {
  await vscode.screenshot(path.join(SCREENSHOTS, `${context.name.replaceAll(/\W+/g, "-")}.png`));
  assert.equal(await vscode.hasNotifications(), false, "nothing may open a dialog");
});

/** The file as it is on the disk, once it was saved. */
async function saved() {
  await vscode.press("Control+s");
  await until("the file to be saved", async () => (await vscode.page.locator(".tab.active.dirty").count()) === 0);
  return written(path.join(vscode.folder, file));
}

async function suggested(head = HEAD) {
  await vscode.type(head);
  await vscode.ghostAppears();
  return vscode.ghostSettles();
}

test("Tab takes the ghost text into the file", async () => {
  const ghost = await suggested();
  assert.equal(await saved(), FIBONACCI + HEAD, "ghost text is not in the file");
  await vscode.press("Tab");
  await vscode.ghostGoes();
  const text = await saved();
  assert.equal(words(text), words(FIBONACCI + HEAD + ghost));
});

test("the status bar says how long the suggestion took", async () => {
  await suggested();
  assert.match(await vscode.status(), /foretype \d+ ms/);
});

test("a word is taken with VS Code's own command, and the server is told", async () => {
  const counted = await partly();
  const ghost = await suggested();
  await vscode.press("Control+ArrowRight"); // the line's end and its indentation
  await vscode.press("Control+ArrowRight");
  const rest = await until("less ghost text", async () => {
    const now = await vscode.ghost();
    return words(now) && words(now).length < words(ghost).length && now;
  });
  assert.ok(words(ghost).endsWith(words(rest)), `${rest} is not the rest of ${ghost}`);
  const text = await saved();
  assert.ok(words(FIBONACCI + HEAD + ghost).startsWith(words(text)));
  assert.ok(words(text).length > words(FIBONACCI + HEAD).length);
  await vscode.command("foretype: Restart"); // the server writes what it counted when it ends
  await until("the acceptance to be counted", async () => (await partly()) === counted + 1);
});

test("a line of a longer suggestion is taken", async () => {
  await vscode.press("Control+a");
  await vscode.type("x = 1\n\n");
  const ghost = await suggested();
  assert.ok(ghost.trimEnd().includes("\n"), `the suggestion has only one line: ${ghost}`);
  await vscode.press("Control+End"); // the rest of this line, which is its end
  await vscode.press("Control+End");
  await until("less ghost text", async () => words(await vscode.ghost()).length < words(ghost).length);
  const rest = await vscode.ghostSettles(); // VS Code draws the line and what follows it one after the other
  assert.ok(rest.trim(), "nothing is left");
  assert.equal(words(await saved()) + words(rest), words(`x = 1${HEAD}${ghost}`));
});

test("Shift+Escape sends it away for good", async () => {
  const ghost = await suggested();
  await vscode.press("Shift+Escape");
  await vscode.ghostGoes();
  await vscode.type(" ");
  await vscode.press("Backspace");
  const now = await vscode.ghostSettles();
  assert.notEqual(now, ghost);
});

test("typing what the ghost text says goes through it", async () => {
  const ghost = await suggested();
  await vscode.press("Enter");
  const body = await vscode.ghostSettles();
  assert.ok(body.trim(), `nothing is left of ${ghost}`);
  await vscode.type(body.trim()[0]);
  const rest = await vscode.ghostSettles();
  assert.equal(words(rest), words(body).slice(1));
});

test("typing something else cancels it, and nothing stale stays", async () => {
  const ghost = await suggested();
  await vscode.type("  # zzz qqq", 15);
  await until("the old text to go", async () => !(await vscode.ghost()).includes(ghost.trim()));
  assert.equal(await saved(), `${FIBONACCI + HEAD}  # zzz qqq`);
});

test("Escape sends it away", async () => {
  await suggested();
  await vscode.press("Escape");
  await vscode.ghostGoes();
});

test("Alt+] shows another suggestion, Alt+[ the first again", async () => {
  const first = await suggested();
  await vscode.press("Alt+BracketRight");
  const second = await until("another suggestion", async () => {
    const now = await vscode.ghost();
    return now && now !== first && now;
  });
  await vscode.press("Alt+BracketLeft");
  await until("the first again", async () => (await vscode.ghost()) === first);
  assert.notEqual(second, first);
});

test("a key asks for a suggestion after it was sent away", async () => {
  await suggested();
  await vscode.press("Escape");
  await vscode.ghostGoes();
  await vscode.press("Alt+Backslash");
  await vscode.ghostAppears();
});

test("it is switched off and on again", async () => {
  await suggested();
  await vscode.command("foretype: Switch Suggestions Off");
  await vscode.ghostGoes();
  await until("the status", async () => /switched off/.test(await vscode.status()));
  await vscode.type("\n    ");
  await vscode.press("Alt+Backslash");
  await vscode.quiet();
  assert.equal(await vscode.ghost(), "");
  await vscode.screenshot(path.join(SCREENSHOTS, "switched-off.png"));
  await vscode.command("foretype: Switch Suggestions On");
  await until("the status", async () => /ready/.test(await vscode.status()));
  await vscode.press("Alt+Backslash");
  await vscode.ghostAppears();
});

test("it is switched off for one language only", async () => {
  await vscode.command("foretype: Switch Suggestions On or Off for This Language");
  await until("the status", async () => /switched off for python/.test(await vscode.status()));
  await vscode.type(HEAD);
  await vscode.quiet();
  assert.equal(await vscode.ghost(), "");
  await vscode.command("foretype: Switch Suggestions On or Off for This Language");
  await until("the status", async () => /ready/.test(await vscode.status()));
  await vscode.press("Alt+Backslash");
  await vscode.ghostAppears();
});

test("it goes on after the daemon was killed", async () => {
  await suggested();
  const { pid } = await home.daemon();
  process.kill(pid, "SIGKILL");
  await vscode.press("Escape");
  await vscode.type("\n    if n == 0:\n");
  await vscode.ghostAppears(60_000);
  assert.notEqual((await home.daemon()).pid, pid);
});

test("it goes on after the language server was killed", async () => {
  await suggested();
  const server = await vscode.processOf(FORETYPE);
  process.kill(server, "SIGKILL");
  await until("another language server", async () => {
    const now = await vscode.processOf(FORETYPE);
    return now && now !== server && /ready/.test(await vscode.status());
  });
  await vscode.type("\n    if n == 0:\n");
  await vscode.ghostAppears(60_000);
});

test("a notebook's cell gets ghost text", async () => {
  await vscode.openFile("book.ipynb", ".notebookOverlay .cell .view-lines");
  await vscode.type(`\n\n${HEAD}`);
  await vscode.ghostAppears();
});

test("the menu opens from the status bar", async () => {
  await vscode.page.locator("#foretype\\.foretype\\.foretype").click();
  await vscode.page.waitForSelector(".quick-input-list .monaco-list-row[aria-label*='Statistics']");
  await vscode.screenshot(path.join(SCREENSHOTS, "menu.png"));
  await vscode.press("Escape");
});

test("the walkthrough shows every step, and what belongs to it", async () => {
  const { steps } = PACKAGE.contributes.walkthroughs[0];
  await vscode.page.setViewportSize({ width: 1500, height: 900 });
  try {
    await vscode.press("Control+b"); // narrow windows have no room for pictures
    await vscode.command("foretype: Get Started");
    for (const { id, title, media } of steps) {
      const step = vscode.page.locator(`.getting-started-step[data-step-id$="#${id}"]`);
      await step.waitFor();
      assert.match(await step.innerText(), new RegExp(title));
      await step.click();
      await vscode.page.waitForSelector(`.getting-started-step.expanded[data-step-id$="#${id}"]`);
      const selector = media.markdown ? "iframe" : "img";
      await vscode.page.locator(`.gettingStartedContainer .getting-started-media ${selector}, body > div > ${selector}.webview`).first().waitFor();
      await vscode.screenshot(path.join(SCREENSHOTS, `walkthrough-${id}.png`));
    }
    // foretype runs and has a model, so these are done.
    for (const id of ["install", "model"]) {
      await vscode.page.locator(`.getting-started-step[data-step-id$="#${id}"] .codicon-getting-started-step-checked.complete`).waitFor();
    }
  } finally {
    await vscode.press("Control+b");
    await vscode.page.setViewportSize({ width: 900, height: 420 });
  }
});

/** A text without its blanks: what an editor does with indentation is its own affair. */
function words(text) {
  return text.replaceAll(/\s+/g, "");
}

/** How many suggestions were accepted in part, as the server has counted them. */
async function partly() {
  return JSON.parse(await home.foretype("stats", "--json")).fates.partly ?? 0;
}
