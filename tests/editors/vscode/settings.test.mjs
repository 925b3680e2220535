// What a repository's settings can do to the user's, in the real VS Code: restrict them, and nothing else.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { Home, PLACE, PYTHON, VSIX } from "./home.mjs";
import { until, Workbench } from "./workbench.mjs";

const SUPPORT = path.resolve(import.meta.dirname, "../../support");

let home, vscode, recording;

beforeEach(() => {
  home = new Home();
  recording = path.join(home.folder, "session.jsonl");
});

afterEach(async () => {
  await vscode?.close();
  home.close();
});

/** A `foretype` whose `lsp` is the scripted server behind the recorder. */
function program() {
  const file = path.join(home.folder, "foretype");
  const script = path.join(home.folder, "script.json");
  writeFileSync(script, "{}");
  const server = `"${PYTHON}" -P "${SUPPORT}/scripted_server.py" "${script}" "${home.folder}/journal"`;
  writeFileSync(file, `#!/bin/sh\nexec "${PYTHON}" -P "${SUPPORT}/recorder.py" run "${recording}" ${server}\n`, { mode: 0o755 });
  return file;
}

async function start(machine, user, workspace) {
  vscode = await Workbench.start({
    place: PLACE,
    vsix: VSIX,
    environment: home.environment,
    machine: { "foretype.path": program(), ...machine },
    user,
    files: { "first.py": "x = 1\n", ".vscode/settings.json": JSON.stringify(workspace) },
  });
  await vscode.openFile("first.py");
}

/** The settings that the server was last told, whoever spoke first. */
function told() {
  const messages = readFileSync(recording, "utf8").trim().split("\n").map((line) => JSON.parse(line));
  const asked = new Set(messages.filter((one) => one.message.method === "workspace/configuration").map((one) => one.message.id));
  const answers = messages.filter((one) => one.from === "client" && asked.has(one.message.id) && one.message.result);
  const changes = messages.filter((one) => one.message.method === "workspace/didChangeConfiguration" && one.message.params.settings);
  return changes.at(-1)?.message.params.settings ?? answers.at(-1)?.message.result[0];
}

test("a repository's settings make nothing wider", async () => {
  await start(
    { "foretype.completion.maxTokens": 32 },
    { "foretype.completion.enabled": false, "foretype.completion.disabledLanguages": ["markdown"], "foretype.statistics.enabled": false },
    {
      "foretype.completion.enabled": true,
      "foretype.completion.disabledLanguages": [],
      "foretype.completion.maxTokens": 4096,
      "foretype.completion.multiline": "always",
      "foretype.statistics.enabled": true,
      "foretype.path": "/nowhere/foretype",
      "foretype.package": "evil",
      "foretype.workspace.index": true,
    },
  );
  await until("the status", async () => /switched off/.test(await vscode.status()), 60_000);
  assert.deepEqual(told(), {
    completion: { enabled: false, disabledLanguages: ["markdown"], maxTokens: 32 },
    edits: {},
    workspace: {},
    statistics: { enabled: false },
    restrictions: {},
  });
});

test("a repository's settings restrict the user's, and the user takes that back", async () => {
  await start(
    {},
    { "foretype.completion.enabled": true, "foretype.completion.disabledLanguages": ["markdown"] },
    {
      "foretype.completion.enabled": false,
      "foretype.completion.disabledLanguages": ["go"],
      "foretype.workspace.index": false,
    },
  );
  await until("the status", async () => /switched off/.test(await vscode.status()), 60_000);
  assert.deepEqual(told(), {
    completion: { enabled: true, disabledLanguages: ["markdown"] },
    edits: {},
    workspace: {},
    statistics: {},
    restrictions: { completion: { enabled: false, disabledLanguages: ["go"] }, workspace: { index: false } },
  });
  await vscode.command("foretype: Switch Suggestions On");
  await until("the status", async () => /ready/.test(await vscode.status()));
  assert.deepEqual(told().restrictions, { completion: { disabledLanguages: ["go"] }, workspace: { index: false } });
});
