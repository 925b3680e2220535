// Finding foretype, doing without it, and installing it on request, in a VS Code that knows nothing of it.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { FORETYPE, Home, PLACE, VSIX } from "./home.mjs";
import { until, Workbench } from "./workbench.mjs";

const SCREENSHOTS = path.join(PLACE, "screenshots");
const FILES = { "first.py": "def fibonacci(n):\n    if n < 2:\n        return n\n" };

let home, vscode;

beforeEach(() => {
  mkdirSync(SCREENSHOTS, { recursive: true });
  home = new Home();
});

afterEach(async (context) => {
  await vscode?.screenshot(path.join(SCREENSHOTS, `${context.name.replaceAll(/\W+/g, "-")}.png`));
  await vscode?.close();
  home.close();
});

async function start(options) {
  vscode = await Workbench.start({ place: PLACE, vsix: VSIX, environment: home.environment, files: FILES, ...options });
  await vscode.openFile("first.py");
}

/**
 * A wheel whose `foretype` command is the one under test: installing the real package compiles llama.cpp, which is
 * pip's work and takes minutes. `engine` is what its extra of that name requires.
 */
function stubWheel(engine = "") {
  const program = `
import os, sys
def main():
    os.execv(${JSON.stringify(FORETYPE)}, [${JSON.stringify(FORETYPE)}, *sys.argv[1:]])
`;
  const files = {
    "foretype_stub.py": program,
    "foretype_stub-1.0.dist-info/METADATA": `Metadata-Version: 2.1\nName: foretype-stub\nVersion: 1.0\n${
      engine && `Provides-Extra: engine\nRequires-Dist: ${engine} ; extra == "engine"\n`
    }`,
    "foretype_stub-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "foretype_stub-1.0.dist-info/entry_points.txt": "[console_scripts]\nforetype = foretype_stub:main\n",
    "foretype_stub-1.0.dist-info/RECORD": "",
  };
  const wheel = path.join(home.folder, "foretype_stub-1.0-py3-none-any.whl");
  const zip = "import json, sys, zipfile\nwith zipfile.ZipFile(sys.argv[1], 'w') as z:\n for n, t in json.load(sys.stdin).items(): z.writestr(n, t)";
  execFileSync("python3", ["-c", zip, wheel], { input: JSON.stringify(files), timeout: 30_000 });
  return wheel;
}

test("without foretype the status bar says so, and no dialog opens", async () => {
  await start({});
  await until("the status", async () => /not installed/.test(await vscode.status()));
  await vscode.type("    return");
  await vscode.quiet();
  assert.equal(await vscode.hasNotifications(), false);
});

test("a setting that names no program is said to be wrong", async () => {
  await start({ machine: { "foretype.path": "/nowhere/foretype" } });
  await until("the status", async () => /foretype\.path names/.test(await vscode.status()));
  assert.equal(await vscode.hasNotifications(), false);
});

test("a program that is no language server is said to have failed", async () => {
  const program = path.join(home.folder, "foretype");
  writeFileSync(program, "#!/bin/sh\necho broken >&2\nexit 1\n", { mode: 0o755 });
  await start({ machine: { "foretype.path": program } });
  await until("the status", async () => /could not be started/.test(await vscode.status()));
  await vscode.quiet();
  assert.equal(await vscode.hasNotifications(), false);
});

test("it is found where pipx and uv put commands", async () => {
  await start({ home: { ".local/bin/foretype": FORETYPE } });
  await until("the server", async () => /ready/.test(await vscode.status()), 60_000);
  await vscode.type("    return ");
  await vscode.ghostAppears(60_000);
});

test("it is installed on request, into an environment of its own", async () => {
  await start({ machine: { "foretype.package": stubWheel() } });
  await until("the status", async () => /not installed/.test(await vscode.status()));
  await vscode.command("foretype: Install foretype into an Environment of Its Own");
  await until("progress", async () => (await vscode.notifications()).some((text) => /environment|installing/.test(text)));
  await vscode.screenshot(path.join(SCREENSHOTS, "installing.png"));
  await until("the server", async () => /ready/.test(await vscode.status()), 90_000);
  await until("the end of the progress", async () => !(await vscode.notifications()).some((text) => /environment|installing|model/.test(text)), 60_000);
  await vscode.page.click(".editor-instance .view-lines");
  await vscode.press("Control+End");
  await vscode.type("    return ");
  await vscode.ghostAppears(60_000);
});

async function installed(wheel) {
  await start({ machine: { "foretype.package": wheel } });
  await until("the status", async () => /not installed/.test(await vscode.status()));
  await vscode.command("foretype: Install foretype into an Environment of Its Own");
  await until("the server", async () => /ready/.test(await vscode.status()), 90_000);
}

test("where llama.cpp can't be compiled foretype is there all the same", async () => {
  await installed(stubWheel("broken @ file:///nowhere/broken-1.0-py3-none-any.whl"));
  const said = await until("the warning", async () => (await vscode.notifications()).find((text) => /could not be/.test(text)), 60_000);
  assert.match(said, /foretype is installed, but llama\.cpp could not be/);
});

test("uninstalling asks, and removes what was installed but not the models", async () => {
  await installed(stubWheel());
  await until("the end of the progress", async () => !(await vscode.notifications()).some((text) => /environment|installing|model/.test(text)), 60_000);
  await vscode.command("foretype: Uninstall foretype…");
  await vscode.page.click(".monaco-dialog-box .monaco-button:has-text('Keep the Models')");
  await until("the status", async () => /not installed/.test(await vscode.status()), 60_000);
  assert.ok(existsSync(path.join(home.environment.XDG_DATA_HOME, "foretype", "models")));
  assert.ok(!existsSync(path.join(home.environment.XDG_CACHE_HOME, "foretype")));
});

test("an installation that fails says why", async () => {
  await start({ machine: { "foretype.package": path.join(home.folder, "missing.whl") } });
  await until("the status", async () => /not installed/.test(await vscode.status()));
  await vscode.command("foretype: Install foretype into an Environment of Its Own");
  const said = await until("the reason", async () => (await vscode.notifications()).find((text) => /was not installed/.test(text)), 60_000);
  assert.match(said, /missing\.whl/);
  assert.match(await vscode.status(), /not installed/);
});

test("a name that nobody has published is not asked for", async () => {
  await start({ machine: { "foretype.package": "foretype" } });
  await until("the status", async () => /not installed/.test(await vscode.status()));
  await vscode.command("foretype: Install foretype into an Environment of Its Own");
  const said = await until("the reason", async () => (await vscode.notifications()).find((text) => /was not installed/.test(text)), 60_000);
  assert.match(said, /not published yet/);
});

test("where nothing is chosen the user is asked for a wheel", async () => {
  await start({});
  await until("the status", async () => /not installed/.test(await vscode.status()));
  await vscode.command("foretype: Install foretype into an Environment of Its Own");
  await vscode.page.waitForSelector(".quick-input-widget:not([style*='display: none']) input:focus");
  await vscode.press("Escape");
  await vscode.quiet();
  assert.equal(await vscode.hasNotifications(), false);
  assert.match(await vscode.status(), /not installed/);
});
