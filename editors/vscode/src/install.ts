/**
 * Installing foretype, on the user's request, into a virtual environment in this extension's own storage.
 *
 * Each installation gets a folder of its own; a small file names the one that counts and is replaced last, so a
 * failed or cancelled installation changes nothing. Old folders go when nothing runs from them any more.
 */
import { mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import * as path from "node:path";
import type * as vscode from "vscode";
import type { Wanted } from "./package";
import { Failed, isExecutable, run, searchPath } from "./programs";
import { activePython } from "./python";
import { own } from "./settings";

const NEWEST_MINOR = 14;
const OLDEST_MINOR = 11;

/** What an installation tells while it goes on. */
export type Report = (step: string) => void;

/** The command of the environment that was installed last; undefined when there is none. */
export async function managedCommand(storage: vscode.Uri): Promise<string | undefined> {
  try {
    const name = (await readFile(pointer(storage), "utf8")).trim();
    const command = path.join(storage.fsPath, name, "bin", "foretype");
    return /^environment-\d+$/.test(name) && (await isExecutable(command)) ? command : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Make a new environment and install the package into it.
 *
 * @returns the new `foretype` command
 * @throws Failed with a sentence for the user; Cancelled
 */
export async function install(
  wanted: Wanted,
  storage: vscode.Uri,
  report: Report,
  log: (line: string) => void,
  token: vscode.CancellationToken,
): Promise<string> {
  const python = await suitablePython();
  await mkdir(storage.fsPath, { recursive: true });
  const name = `environment-${Date.now()}`;
  const folder = path.join(storage.fsPath, name);
  try {
    report("making a virtual environment");
    log(`${python} -m venv ${folder}`);
    await run(python, ["-m", "venv", folder], { token, line: log }).catch((error: unknown) => {
      throw error instanceof Failed && /ensurepip|venv/.test(error.message)
        ? new Failed(`${python} can't make virtual environments. Install its venv package, such as python3-venv.`)
        : error;
    });
    report(`installing ${wanted.name}`);
    const pip = ["-m", "pip", "install", "--disable-pip-version-check", "--no-input", ...wanted.args];
    log(`${path.join(folder, "bin", "python")} ${pip.join(" ")}`);
    await run(path.join(folder, "bin", "python"), pip, {
      token,
      line: (line) => {
        log(line);
        const step = pipStep(line);
        if (step) {
          report(step);
        }
      },
    });
    const command = path.join(folder, "bin", "foretype");
    if (!(await isExecutable(command))) {
      throw new Failed(`${wanted.name} was installed, but it brought no foretype command. Check foretype.package.`);
    }
    await writeFile(`${pointer(storage)}.new`, `${name}\n`);
    await rename(`${pointer(storage)}.new`, pointer(storage));
    return command;
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

/** Remove the environments that are not the current one. Call it when nothing runs from them. */
export async function removeOld(storage: vscode.Uri): Promise<void> {
  try {
    const current = (await readFile(pointer(storage), "utf8")).trim();
    for (const name of await readdir(storage.fsPath)) {
      if (/^environment-\d+$/.test(name) && name !== current) {
        await rm(path.join(storage.fsPath, name), { recursive: true, force: true });
      }
    }
  } catch {
    // Nothing was ever installed, or a folder can't be removed now: the next installation tries again.
  }
}

/** One line of pip's, as a step for the user; "" when it says nothing of interest. */
export function pipStep(line: string): string {
  const building =
    /^\s*Building wheel for (\S+)/.exec(line) ?? /^\s*Building wheels for collected packages: (.+)/.exec(line);
  if (building) {
    return `compiling ${building[1]} for this machine, which takes some minutes`;
  }
  const got = /^\s*(?:Collecting|Downloading) ([\w.-]+)/.exec(line);
  if (got) {
    return `fetching ${got[1]}`;
  }
  return /^\s*Installing collected packages/.test(line) ? "putting it into place" : "";
}

/** An interpreter that is new enough: the setting's, the active environment's, or one from the PATH. */
async function suitablePython(): Promise<string> {
  const named = own("python");
  const active = await activePython();
  const minors = Array.from({ length: NEWEST_MINOR - OLDEST_MINOR + 1 }, (_, index) => NEWEST_MINOR - index);
  const names = ["python3", ...minors.map((minor) => `python3.${minor}`), "python"];
  const candidates = named
    ? [named]
    : [...(active ? [active] : []), ...names.flatMap((name) => searchPath().map((folder) => path.join(folder, name)))];
  for (const candidate of candidates) {
    if ((await isExecutable(candidate)) && (await isNewEnough(candidate))) {
      return candidate;
    }
  }
  throw new Failed(
    named
      ? `The setting foretype.python names "${named}", which is no Python 3.${OLDEST_MINOR} or newer.`
      : `foretype needs Python 3.${OLDEST_MINOR} or newer, and none was found. Install one, or name it in the setting foretype.python.`,
  );
}

async function isNewEnough(python: string): Promise<boolean> {
  try {
    await run(python, ["-c", `import sys; sys.exit(sys.version_info < (3, ${OLDEST_MINOR}))`]);
    return true;
  } catch {
    return false;
  }
}

function pointer(storage: vscode.Uri): string {
  return path.join(storage.fsPath, "current");
}
