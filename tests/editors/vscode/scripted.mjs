// A real VS Code whose language server says what a script says; see tests/support/scripted_server.py.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { PLACE, PYTHON, VSIX } from "./home.mjs";
import { until, Workbench } from "./workbench.mjs";

const SERVER = path.resolve(import.meta.dirname, "../../support/scripted_server.py");

/**
 * Start one with its first file open and the server ready.
 * @param name what its folder's name begins with
 * @param answers what is said behind which texts
 * @param files the workspace's, by their names
 * @returns the workbench, and how to end it all
 */
export async function scripted(name, answers, files) {
  const folder = mkdtempSync(path.join(tmpdir(), name));
  writeFileSync(path.join(folder, "script.json"), JSON.stringify(answers));
  const command = path.join(folder, "foretype");
  const script = `#!/bin/sh\nexec ${PYTHON} ${SERVER} ${folder}/script.json ${folder}/journal\n`;
  writeFileSync(command, script, { mode: 0o755 });
  let vscode;
  const close = async () => {
    await vscode?.close();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    vscode = await Workbench.start({
      place: PLACE,
      vsix: VSIX,
      environment: Object.fromEntries(
        ["CONFIG_HOME", "DATA_HOME", "STATE_HOME", "CACHE_HOME"].map((each) => [`XDG_${each}`, path.join(folder, each)]),
      ),
      machine: { "foretype.path": command },
      files,
    });
    await vscode.openFile(Object.keys(files)[0]);
    await until("the server", async () => /ready/.test(await vscode.status()), 60_000);
  } catch (error) {
    await close();
    throw error;
  }
  return { vscode, close };
}
