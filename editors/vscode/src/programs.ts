/** Programs: where they are, and running them to their end, line by line, cancellable, never through a shell. */
import { spawn } from "node:child_process";
import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import * as os from "node:os";
import * as path from "node:path";
import type { CancellationToken } from "vscode";

/** A program that ended badly: the message is one sentence with the last thing it said. */
export class Failed extends Error {}

/** The user cancelled it. */
export class Cancelled extends Error {}

/** How a program is run. */
export interface Options {
  readonly token?: CancellationToken;
  /** Called with each line of both outputs. */
  readonly line?: (text: string) => void;
  readonly env?: NodeJS.ProcessEnv;
}

/**
 * Run a program in the user's home and return its standard output.
 *
 * @throws Failed when it can't be started or exits with anything but 0; Cancelled when the token said so
 */
export function run(command: string, args: readonly string[], options: Options = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: os.homedir(),
      env: options.env ?? process.env,
      stdio: ["ignore", "pipe", "pipe"],
      detached: true, // a process group of its own: compilers that it starts end with it
    });
    let output = "";
    let last = "";
    const hear = (keep: boolean) => {
      let rest = "";
      return (chunk: string) => {
        output += keep ? chunk : "";
        const lines = (rest + chunk).split(/[\r\n]+/);
        rest = lines.pop() ?? "";
        for (const line of lines.filter((one) => one.trim())) {
          last = line.trim();
          options.line?.(last);
        }
      };
    };
    child.stdout.setEncoding("utf8").on("data", hear(true));
    child.stderr.setEncoding("utf8").on("data", hear(false));
    const stop = options.token?.onCancellationRequested(() => endGroup(child.pid));
    child.on("error", (error) => {
      stop?.dispose();
      reject(new Failed(`${command} can't be started (${error.message}).`));
    });
    child.on("close", (code) => {
      stop?.dispose();
      if (options.token?.isCancellationRequested) {
        reject(new Cancelled());
      } else if (code === 0) {
        resolve(output);
      } else {
        reject(new Failed(last.replace(/^ERROR: /, "") || `${command} ended with exit code ${code}.`));
      }
    });
  });
}

/** The PATH, and where pipx and uv put commands: an editor started from a desktop often lacks that one. */
export function searchPath(): string[] {
  const folders = (process.env.PATH ?? "").split(path.delimiter);
  return [...folders, path.join(os.homedir(), ".local", "bin")].filter((folder) => path.isAbsolute(folder));
}

/** Whether a path names a file that may be run. */
export async function isExecutable(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return (await stat(file)).isFile();
  } catch {
    return false;
  }
}

function endGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) {
      process.kill(-pid, "SIGTERM");
    }
  } catch {
    // It has ended meanwhile.
  }
}
