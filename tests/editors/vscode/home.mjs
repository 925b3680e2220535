// A home of its own for the tests' server and daemon, with the default model in it.
import { execFile, execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";

/** Where conftest.py says that things are. */
export const FORETYPE = process.env.FORETYPE;
export const PYTHON = process.env.FORETYPE_PYTHON;
export const PLACE = process.env.FORETYPE_VSCODE;
export const VSIX = path.resolve(import.meta.dirname, "../../../editors/vscode/dist/foretype.vsix");

const run = promisify(execFile);

export class Home {
  constructor() {
    this.folder = mkdtempSync(path.join(tmpdir(), "ft")); // short: a socket's path may have 107 bytes
    this.environment = {};
    for (const name of ["RUNTIME_DIR", "CONFIG_HOME", "CACHE_HOME", "STATE_HOME", "DATA_HOME"]) {
      this.environment[`XDG_${name}`] = path.join(this.folder, name.toLowerCase());
      mkdirSync(this.environment[`XDG_${name}`], { mode: 0o700 });
    }
    const models = path.join(this.environment.XDG_DATA_HOME, "foretype", "models");
    mkdirSync(models, { recursive: true });
    symlinkSync(process.env.FORETYPE_MODEL, path.join(models, path.basename(process.env.FORETYPE_MODEL)));
  }

  /** What `foretype …` prints in this home. */
  async foretype(...args) {
    const env = { ...process.env, ...this.environment };
    return (await run(FORETYPE, args, { env, timeout: 60_000 })).stdout;
  }

  /** The daemon as `foretype daemon status --json` describes it. */
  async daemon() {
    return JSON.parse(await this.foretype("daemon", "status", "--json"));
  }

  close() {
    try {
      execFileSync(FORETYPE, ["daemon", "stop"], { env: { ...process.env, ...this.environment }, timeout: 30_000, stdio: "ignore" });
    } catch {
      // It had ended already.
    }
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 30, retryDelay: 100 });
  }
}
