/**
 * Where the `foretype` command is: the setting, the PATH, the active Python environment, the environment that this
 * extension installed; the first that there is.
 *
 * Nothing inside a workspace is run unless the user trusts the workspace: the setting is the machine's, folders of
 * the PATH must be absolute, and an active Python environment counts in trusted workspaces only.
 */
import * as os from "node:os";
import * as path from "node:path";
import type * as vscode from "vscode";
import { managedCommand } from "./install";
import { isExecutable, searchPath } from "./programs";
import { activePython } from "./python";
import { own } from "./settings";

/** A command that can be started, and why it was chosen. */
export interface Found {
  readonly command: string;
  readonly from: "setting" | "PATH" | "Python environment" | "own environment";
}

/** Why there is none: one sentence, which says what to do. */
export interface Missing {
  readonly problem: string;
}

/** Look everywhere; never throws. */
export async function find(storage: vscode.Uri): Promise<Found | Missing> {
  const named = own("path");
  if (named) {
    const command = named.startsWith("~") ? path.join(os.homedir(), named.slice(1)) : named;
    return path.isAbsolute(command) && (await isExecutable(command))
      ? { command, from: "setting" }
      : { problem: `The setting foretype.path names "${named}", which is no program. Correct it or leave it empty.` };
  }
  const onPath = await inFolders(searchPath());
  if (onPath) {
    return { command: onPath, from: "PATH" };
  }
  const interpreter = await activePython();
  const beside = interpreter && (await inFolders([path.dirname(interpreter)]));
  if (beside) {
    return { command: beside, from: "Python environment" };
  }
  const managed = await managedCommand(storage);
  if (managed) {
    return { command: managed, from: "own environment" };
  }
  return { problem: "foretype is not installed. Click to install it." };
}

async function inFolders(folders: string[]): Promise<string | undefined> {
  for (const folder of folders) {
    const command = path.join(folder, process.platform === "win32" ? "foretype.exe" : "foretype");
    if (await isExecutable(command)) {
      return command;
    }
  }
  return undefined;
}
