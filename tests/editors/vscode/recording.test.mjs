// A whole session in VS Code, recorded between it and a real language server with a scripted model. `make recordings`
// keeps it as tests/lsp/recordings/vscode.jsonl, for the language server's own tests to replay.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { Home, PLACE, PYTHON, VSIX } from "./home.mjs";
import { until, Workbench } from "./workbench.mjs";

const ROOT = path.resolve(import.meta.dirname, "../../..");
const SUPPORT = path.join(ROOT, "tests/support");
const RECORDER = path.join(SUPPORT, "recorder.py");
const KEPT = path.join(ROOT, "tests/lsp/recordings/vscode.jsonl");

const SCRIPT = {
  "def add(a, b):": "\n    return a + b",
  "def sub(a, b):": "\n    return a - b",
  "def mul(a, b):": "\n    return a * b",
  "def div(a, b):": "\n    return a / b",
};

const names = Object.keys(SCRIPT).map((_, index) => `sample-${index}.py`);

/** A `foretype` whose `lsp` is the scripted server behind the recorder. */
function program(home, recording) {
  const file = path.join(home.folder, "foretype");
  const script = path.join(home.folder, "script.json");
  writeFileSync(script, JSON.stringify(SCRIPT));
  const python = `"${PYTHON}" -P`;
  const server = `${python} "${SUPPORT}/scripted_server.py" "${script}" "${home.folder}/journal"`;
  writeFileSync(file, `#!/bin/sh\nexec ${python} "${RECORDER}" run "${recording}" ${server}\n`, { mode: 0o755 });
  return file;
}

test("a session is recorded both ways", async () => {
  const home = new Home();
  const recording = path.join(home.folder, "session.jsonl");
  let vscode;
  try {
    vscode = await Workbench.start({
      place: PLACE,
      vsix: VSIX,
      environment: home.environment,
      machine: { "foretype.path": program(home, recording) },
      files: Object.fromEntries(names.map((name) => [name, "import math\n\n"])),
    });
    const [add, sub, mul, div] = Object.keys(SCRIPT);
    await vscode.openFile(names[0]);
    await until("the server", async () => /ready/.test(await vscode.status()), 60_000);
    await vscode.type(add);
    await vscode.ghostAppears();
    await vscode.press("Tab");
    await vscode.ghostGoes();
    await vscode.press("Control+s");
    await vscode.openFile(names[1]);
    await vscode.type(sub);
    await vscode.ghostAppears();
    await vscode.press("Control+ArrowRight"); // the line's end and its indentation
    await vscode.press("Control+ArrowRight");
    await vscode.ghostSettles();
    await vscode.openFile(names[2]);
    await vscode.type(mul);
    await vscode.ghostAppears();
    await vscode.press("Enter");
    await vscode.type("ret"); // through the suggestion
    await vscode.ghostSettles();
    await vscode.openFile(names[3]);
    await vscode.type(div);
    await vscode.ghostAppears();
    await vscode.press("Shift+Escape");
    await vscode.ghostGoes();
    await vscode.command("foretype: Switch Suggestions Off");
    await until("the status", async () => /switched off/.test(await vscode.status()));
    await vscode.command("foretype: Switch Suggestions On");
    await until("the status", async () => /ready/.test(await vscode.status()));
    await vscode.page.click(".editor-instance .view-lines");
    await vscode.press("Control+End");
    await vscode.press("Alt+Backslash");
    await vscode.ghostSettles();
  } finally {
    await vscode?.close();
  }
  try {
    const messages = () => readFileSync(recording, "utf8").trim().split("\n").map((line) => JSON.parse(line));
    const sent = messages().filter((one) => one.from === "client").map((one) => one.message.method);
    for (const method of ["initialize", "initialized", "textDocument/didOpen", "textDocument/didChange", "textDocument/inlineCompletion",
      "textDocument/didShowCompletion", "textDocument/didPartiallyAcceptCompletion", "workspace/executeCommand"]) {
      assert.ok(sent.includes(method), `${method} is missing`);
    }
    const asked = messages().filter((one) => one.from === "client" && one.message.method === "textDocument/inlineCompletion");
    for (const { message } of asked) {
      assert.deepEqual(message.params.formattingOptions, { tabSize: 4, insertSpaces: true });
    }
    if (process.env.FORETYPE_UPDATE_GOLDENS === "1") {
      const replaced = [`${vscode.folder}=/project`, `${vscode.state}=/home/user`, `${home.folder}=/home/user`, `${ROOT}=/opt/foretype`];
      execFileSync(PYTHON, [RECORDER, "publish", recording, KEPT, ...replaced]);
    }
  } finally {
    home.close();
  }
});
