// Names that need an import, in the real VS Code: accepted with their import, and taken back with it at once.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import path from "node:path";
import { after, afterEach, before, beforeEach, test } from "node:test";
import { scripted } from "./scripted.mjs";
import { until, written } from "./workbench.mjs";

const EXTENSION = path.resolve(import.meta.dirname, "../../../editors/vscode");
const { buildSync } = createRequire(path.join(EXTENSION, "package.json"))("esbuild");
const { outputFiles } = buildSync({ entryPoints: [path.join(EXTENSION, "src/needed.ts")], format: "esm", write: false });
const { needed } = await import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].text).toString("base64")}`);

const SOURCE = "import sys\n\n\ndef size(path):\n    ";
const ANSWERS = { "found = ": "os.stat(path).st_size", "there = ": "len(path) + os.getpid() + 1" };
const NAMES = ["a.py", "b.py", "c.py"];

let close, vscode, file;
const names = [...NAMES];

before(async () => {
  ({ vscode, close } = await scripted("imports", ANSWERS, Object.fromEntries(["first.py", ...NAMES].map((name) => [name, SOURCE]))));
});

after(async () => await close?.());

beforeEach(async () => {
  file = names.shift();
  if (file) {
    await vscode.openFile(file);
  }
});

afterEach(async () => assert.equal(await vscode.hasNotifications(), false, "nothing may open a dialog"));

/** What the editor shows. */
async function shown() {
  return (await vscode.page.locator(".monaco-editor .view-lines").first().innerText()).replaceAll("\u00a0", " ");
}

/** Wait until the file, saved, has this text. */
async function becomes(text) {
  let last = "";
  await until("another text", async () => (last = await saved()) === text).catch(() => assert.equal(last, text));
}

async function saved() {
  await until("the file to be saved", async () => {
    await vscode.press("Control+s"); // what comes while it is saved makes it dirty again
    return (await vscode.page.locator(".tab.active.dirty").count()) === 0;
  });
  return written(path.join(vscode.folder, file));
}

test("accepting brings the import, and one undo takes both back", async () => {
  await vscode.type("found = ");
  await vscode.ghostAppears(60_000);
  await vscode.press("Tab");
  await until("the import on the screen", async () => (await shown()).includes("import os")); // saving ends what one undo takes back
  await becomes(`import os\n${SOURCE}found = ${ANSWERS["found = "]}`);
  await vscode.press("Control+z");
  await becomes(`${SOURCE}found = `);
  await vscode.press("Control+y");
  await becomes(`import os\n${SOURCE}found = ${ANSWERS["found = "]}`);
});

test("word by word the import comes with its name", async () => {
  await vscode.type("there = ");
  await vscode.ghostAppears();
  const named = (text) => /there = .*\bos\b/.test(text); // what a key accepts may be seen with the next one
  for (let words = 0, text = await saved(); words < 12 && !named(text); words++, text = await saved()) {
    assert.ok(text.startsWith("import sys"), `no import before its name is there: ${text}`);
    await vscode.press("Control+ArrowRight");
  }
  await until("the import", async () => (await saved()).startsWith(`import os\n${SOURCE}there = len(path) + os`));
});

test("typed by hand nothing is added", async () => {
  await vscode.type("found = ");
  await vscode.ghostAppears();
  await vscode.type("os.stat(path).st_size");
  const text = await saved();
  assert.ok(text.startsWith(SOURCE), text);
});

const NEEDED = { uri: "file:///a.py", imports: [{ name: "os" }, { name: "Path" }] };
const check = (taken) => needed(NEEDED, taken)?.imports.map((one) => one.name);

test("all of a suggestion needs all of its imports", () => assert.deepEqual(check(undefined), ["os", "Path"]));
test("a part needs those whose names are in it", () => assert.deepEqual(check("x = Path"), ["Path"]));
test("a longer word is another name", () => assert.equal(check("x = cos(Paths)"), undefined));
test("whatever else a server sends needs nothing", () => {
  for (const odd of [undefined, null, 3, {}, { uri: "a" }, { uri: "a", imports: [null, {}] }]) {
    assert.equal(needed(odd), undefined);
  }
});
