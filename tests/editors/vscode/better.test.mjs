// A better suggestion takes the place of an early one, in the real VS Code: nobody has to type anything for it.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, afterEach, before, test } from "node:test";
import { PLACE, PYTHON, VSIX } from "./home.mjs";
import { until, Workbench } from "./workbench.mjs";

const SERVER = path.resolve(import.meta.dirname, "../../support/scripted_server.py");
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

let folder, vscode;

before(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "better"));
  writeFileSync(path.join(folder, "script.json"), JSON.stringify(ANSWERS));
  const command = path.join(folder, "foretype");
  const script = `#!/bin/sh\nexec ${PYTHON} ${SERVER} ${folder}/script.json ${folder}/journal\n`;
  writeFileSync(command, script, { mode: 0o755 });
  vscode = await Workbench.start({
    place: PLACE,
    vsix: VSIX,
    environment: Object.fromEntries(
      ["CONFIG_HOME", "DATA_HOME", "STATE_HOME", "CACHE_HOME"].map((name) => [`XDG_${name}`, path.join(folder, name)]),
    ),
    machine: { "foretype.path": command },
    files: { "first.py": SOURCE, "second.py": SOURCE, "third.py": SOURCE },
  });
  await vscode.openFile("first.py");
  await until("the server", async () => /ready/.test(await vscode.status()), 60_000);
});

after(async () => {
  await vscode?.close();
  rmSync(folder, { recursive: true, force: true });
});

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
