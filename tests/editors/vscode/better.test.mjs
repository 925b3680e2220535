// A better suggestion takes the place of an early one, in the real VS Code: nobody has to type anything for it.
import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { scripted } from "./scripted.mjs";
import { until } from "./workbench.mjs";

const SOURCE = "def size(path, names):\n    ";
const ANSWERS = {
  "found = ": "str(path)",
  "whole found = ": "len(path) + len(names)",
  "there = ": "str(names)",
  "whole there = ": "str(names) + str(path)",
  "here = ": "str(names)",
  "whole here = ": [null],
  "here = s": "tr(names)",
  "whole here = s": "um(names)",
};

let close, vscode;

before(async () => {
  ({ vscode, close } = await scripted("better", ANSWERS, { "first.py": SOURCE, "second.py": SOURCE, "third.py": SOURCE }));
});

after(async () => await close?.());

afterEach(async () => assert.equal(await vscode.hasNotifications(), false, "nothing may open a dialog"));

const ghostIs = (text) => until(`the ghost text ${text}`, async () => (await vscode.ghost()).trim() === text, 60_000);

test("another answer is shown as soon as the whole context has spoken", async () => {
  await vscode.type("found = ");
  await ghostIs("len(path) + len(names)");
  await vscode.press("Tab");
  assert.match(await vscode.visibleText(), /found = len\(path\) \+ len\(names\)/);
});

test("an answer that goes on as the early one began grows in its place", async () => {
  await vscode.openFile("second.py");
  await vscode.type("there = ");
  await ghostIs("str(names) + str(path)");
  await vscode.press("Tab");
  assert.match(await vscode.visibleText(), /there = str\(names\) \+ str\(path\)/);
});

test("what was typed into is replaced at a rest", async () => {
  await vscode.openFile("third.py");
  await vscode.type("here = ");
  await ghostIs("str(names)");
  await vscode.type("s");
  await ghostIs("um(names)");
  await vscode.press("Tab");
  assert.match(await vscode.visibleText(), /here = sum\(names\)/);
});
