/**
 * What *Install* installs: only what the user chose. foretype is on no public index yet, and whoever registered its name
 * there could run anything on the machines of those who ask for it.
 *
 * In this order: what the settings name; a wheel that lies in the extension; a file that the user picks.
 */
import { readdir, stat } from "node:fs/promises";
import * as os from "node:os";
import * as path from "node:path";
import * as vscode from "vscode";
import { Failed } from "./programs";
import { own } from "./settings";

/** A package and where pip finds it. */
export interface Wanted {
  /** For people. */
  readonly name: string;
  /** What pip or uv is given. */
  readonly args: readonly string[];
  /** The same with llama.cpp, which foretype leaves out by itself, since it may have to be compiled. */
  readonly engine: readonly string[];
}

/**
 * What is to be installed; undefined when the user picked nothing.
 *
 * @throws Failed when the settings name nothing that can be installed
 */
export async function toInstall(extension: vscode.Uri): Promise<Wanted | undefined> {
  const named = own("package");
  if (!named) {
    return (await enclosed(extension)) ?? picked();
  }
  const file = named.startsWith("~") ? path.join(os.homedir(), named.slice(1)) : named;
  if (path.isAbsolute(file)) {
    return fromDisk(file);
  }
  const index = own("packageIndex");
  if (!index || named.startsWith("-")) {
    throw new Failed(
      `The setting foretype.package names "${named}". foretype is not published yet: name a wheel or a source folder there by its full path, or your own package index in foretype.packageIndex.`,
    );
  }
  return wanted(named, named, "--index-url", index);
}

async function fromDisk(file: string): Promise<Wanted> {
  const found = await stat(file).catch(() => undefined);
  if (!found || !(found.isDirectory() || file.endsWith(".whl") || file.endsWith(".tar.gz"))) {
    throw new Failed(`${file} is no wheel and no source folder. Correct the setting foretype.package.`);
  }
  return wanted(path.basename(file), file);
}

/** A wheel that was packed together with the extension; undefined where there is none. */
export async function enclosed(extension: vscode.Uri): Promise<Wanted | undefined> {
  const folder = path.join(extension.fsPath, "wheel");
  const wheels = (await readdir(folder).catch(() => [])).filter((name) => /^foretype-[^-]+-.*\.whl$/.test(name));
  const newest = wheels.sort().at(-1);
  return newest === undefined ? undefined : wanted(newest, path.join(folder, newest));
}

function wanted(name: string, what: string, ...index: string[]): Wanted {
  return { name, args: [...index, what], engine: [...index, `${what}[engine]`] };
}

/** Whether one wheel's file name says a later version than another's. */
export function isNewer(wheel: string, than: string): boolean {
  const [ours, theirs] = [wheel, than].map((name) => /^foretype-([^-]+)-/.exec(name)?.[1]?.split(".").map(Number));
  if (!ours || !theirs || [...ours, ...theirs].some(Number.isNaN)) {
    return false;
  }
  const at = ours.findIndex((number, index) => number !== (theirs[index] ?? 0));
  return at >= 0 && (ours[at] ?? 0) > (theirs[at] ?? 0);
}

async function picked(): Promise<Wanted | undefined> {
  const chosen = await vscode.window.showOpenDialog({
    title: "foretype's wheel, or the folder of its source",
    openLabel: "Install",
    canSelectFolders: true,
    filters: { Wheels: ["whl"] },
  });
  const file = chosen?.[0]?.fsPath;
  return file === undefined ? undefined : fromDisk(file);
}
