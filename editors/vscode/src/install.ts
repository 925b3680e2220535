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

/** What came of an installation. */
export interface Installed {
  readonly command: string;
  /** Why no model can run yet, one sentence; "" when all is there. */
  readonly problem: string;
}

/** How an environment is made, and how packages come into it: pip's way, or uv's where it is there. */
interface Tool {
  readonly make: readonly string[];
  readonly add: readonly string[];
}

const WHENCE = "foretype-from";

/** The command of the environment that was installed last; undefined when there is none. */
export async function managedCommand(storage: vscode.Uri): Promise<string | undefined> {
  const folder = await currentFolder(storage);
  const command = folder && inside(folder, "foretype");
  return command && (await isExecutable(command)) ? command : undefined;
}

/** What the environment was installed from that is in use; "" where that is not known. */
export async function managedFrom(storage: vscode.Uri): Promise<string> {
  const folder = await currentFolder(storage);
  return folder ? (await readFile(path.join(folder, WHENCE), "utf8").catch(() => "")).trim() : "";
}

async function currentFolder(storage: vscode.Uri): Promise<string | undefined> {
  const name = (await readFile(pointer(storage), "utf8").catch(() => "")).trim();
  return /^environment-\d+$/.test(name) ? path.join(storage.fsPath, name) : undefined;
}

/** A program in an environment. */
function inside(folder: string, name: string): string {
  return process.platform === "win32" ? path.join(folder, "Scripts", `${name}.exe`) : path.join(folder, "bin", name);
}

/**
 * Make a new environment and install the package into it, then its engine: without a compiler that may fail, and the
 * package is there all the same.
 *
 * @throws Failed with a sentence for the user; Cancelled
 */
export async function install(
  wanted: Wanted,
  storage: vscode.Uri,
  report: Report,
  log: (line: string) => void,
  token: vscode.CancellationToken,
): Promise<Installed> {
  await mkdir(storage.fsPath, { recursive: true });
  const name = `environment-${Date.now()}`;
  const folder = path.join(storage.fsPath, name);
  const tool = await findTool(folder);
  const put = async (what: readonly string[]) => {
    const [program, ...args] = [...tool.add, ...what] as [string, ...string[]];
    log([program, ...args].join(" "));
    await run(program, args, {
      token,
      line: (line) => {
        log(line);
        const step = installStep(line);
        if (step) {
          report(step);
        }
      },
    });
  };
  try {
    report("making a virtual environment");
    const [maker, ...made] = tool.make as [string, ...string[]];
    log(tool.make.join(" "));
    await run(maker, made, { token, line: log }).catch((error: unknown) => {
      throw error instanceof Failed && /ensurepip|venv/.test(error.message)
        ? new Failed(`${maker} can't make virtual environments. Install its venv package, such as python3-venv.`)
        : error;
    });
    report(`installing ${wanted.name}`);
    await put(wanted.args);
    const command = inside(folder, "foretype");
    if (!(await isExecutable(command))) {
      throw new Failed(`${wanted.name} was installed, but it brought no foretype command. Check foretype.package.`);
    }
    const problem = await put(wanted.engine).then(
      () => "",
      (error: unknown) => {
        if (error instanceof Failed) {
          return `foretype is installed, but llama.cpp could not be: ${error.message} 'Check the Installation' says what else there is.`;
        }
        throw error;
      },
    );
    await writeFile(path.join(folder, WHENCE), `${wanted.name}\n`);
    await writeFile(`${pointer(storage)}.new`, `${name}\n`);
    await rename(`${pointer(storage)}.new`, pointer(storage));
    return { command, problem };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

/** Remove all that was installed here. Call it when nothing runs from it. */
export async function removeAll(storage: vscode.Uri): Promise<void> {
  await rm(pointer(storage), { force: true });
  for (const name of await readdir(storage.fsPath).catch(() => [])) {
    if (/^environment-\d+$/.test(name)) {
      await rm(path.join(storage.fsPath, name), { recursive: true, force: true });
    }
  }
}

/** uv where it is there and no interpreter was named: it is quicker, and brings a Python where none is new enough. */
async function findTool(folder: string): Promise<Tool> {
  const uv = own("python") ? undefined : await findProgram(process.platform === "win32" ? "uv.exe" : "uv");
  const python = inside(folder, "python");
  if (uv) {
    return {
      make: [uv, "venv", "--python", `>=3.${OLDEST_MINOR}`, folder],
      add: [uv, "pip", "install", "--python", python],
    };
  }
  return {
    make: [await suitablePython(), "-m", "venv", folder],
    add: [python, "-m", "pip", "install", "--disable-pip-version-check", "--no-input"],
  };
}

async function findProgram(name: string): Promise<string | undefined> {
  for (const folder of searchPath()) {
    const file = path.join(folder, name);
    if (await isExecutable(file)) {
      return file;
    }
  }
  return undefined;
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

/** One line of pip's or uv's, as a step for the user; "" when it says nothing of interest. */
export function installStep(line: string): string {
  const building =
    /^\s*Building wheel for (\S+)/.exec(line) ??
    /^\s*Building wheels for collected packages: (.+)/.exec(line) ??
    /^\s*Building (\S+?)(?:==\S+)?$/.exec(line);
  if (building) {
    return `compiling ${building[1]} for this machine, which takes some minutes`;
  }
  const got = /^\s*(?:Collecting|Downloading) ([\w.-]+)/.exec(line);
  if (got) {
    return `fetching ${got[1]}`;
  }
  return /^\s*(?:Installing collected packages|Prepared \d+ packages?)/.test(line) ? "putting it into place" : "";
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
