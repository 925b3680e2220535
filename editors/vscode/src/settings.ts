/**
 * What the user has set, as the server wants it.
 *
 * Only what somebody really set is sent: a default of VS Code's schema must not win over the user's own
 * configuration file. The names and types come from the server's schema, in package.json. What a workspace says is kept
 * apart: it can restrict what the user set, and nothing else.
 */
import * as vscode from "vscode";

/** The sections that are the server's; everything else under "foretype" is this extension's own. */
const SECTIONS = ["completion", "edits", "workspace", "statistics"] as const;

/** What a workspace may say: only ever less. The server narrows the user's settings by it, and checks that again. */
const NARROWING = ["completion.enabled", "completion.disabledLanguages", "workspace.index", "edits.enabled"] as const;

type Values = Record<string, unknown>;

/** The settings of one section that the user has set, on this machine or for all. */
function setByUser(section: string): Values {
  const configuration = vscode.workspace.getConfiguration(`foretype.${section}`);
  const found: Values = {};
  for (const key of keysOf(section)) {
    const value = configuration.inspect(key)?.globalValue;
    if (value !== undefined) {
      found[key] = value;
    }
  }
  return found;
}

/** What the open workspace asks for, by section: a repository can bring settings along, so they only restrict. */
function restrictions(): Record<string, Values> {
  const configuration = vscode.workspace.getConfiguration("foretype");
  const found: Record<string, Values> = {};
  for (const name of NARROWING) {
    const known = configuration.inspect(name);
    const said = [known?.workspaceValue, known?.workspaceFolderValue].filter((value) => value !== undefined);
    const [section, key] = name.split(".") as [string, string];
    const lists = said.filter((value) => Array.isArray(value)).flat();
    if (said.includes(false)) {
      found[section] = { ...found[section], [key]: false };
    } else if (lists.length > 0) {
      found[section] = { ...found[section], [key]: lists };
    }
  }
  return found;
}

function keysOf(section: string): string[] {
  const extension = vscode.extensions.getExtension("foretype.foretype");
  const properties = extension?.packageJSON?.contributes?.configuration?.properties ?? {};
  const start = `foretype.${section}.`;
  return Object.keys(properties)
    .filter((key) => key.startsWith(start))
    .map((key) => key.slice(start.length));
}

/** What `workspace/configuration` is answered with. */
export function serverSettings(): Values {
  return {
    ...Object.fromEntries(SECTIONS.map((section) => [section, setByUser(section)])),
    restrictions: restrictions(),
  };
}

/** This extension's own settings, which only the user's machine can say, never a workspace. */
export function own(name: "path" | "package" | "packageIndex" | "python"): string {
  const value = vscode.workspace.getConfiguration("foretype").inspect<string>(name)?.globalValue;
  return typeof value === "string" ? value.trim() : "";
}

interface Said<T> {
  readonly user: T | undefined;
  readonly workspace: T | undefined;
}

function said<T>(name: string): Said<T> {
  const known = vscode.workspace.getConfiguration("foretype").inspect<T>(name);
  return { user: known?.globalValue, workspace: known?.workspaceValue };
}

/** Whether suggestions are on for a language, and where the settings say so. */
export function switchedOn(language: string | undefined): {
  everywhere: boolean;
  workspace: boolean;
  language: boolean;
} {
  const enabled = said<boolean>("completion.enabled");
  const off = said<string[]>("completion.disabledLanguages");
  const workspace = enabled.workspace !== false;
  return {
    everywhere: enabled.user !== false && workspace,
    workspace,
    language: language === undefined || ![...(off.user ?? []), ...(off.workspace ?? [])].includes(language),
  };
}

/** Switch suggestions on or off for the user; what the workspace says against it goes. */
export async function switchEverywhere(on: boolean): Promise<void> {
  const completion = vscode.workspace.getConfiguration("foretype.completion");
  await completion.update("enabled", on, vscode.ConfigurationTarget.Global);
  if (on) {
    await switchWorkspace(true);
  }
}

/** Switch suggestions off in the workspace, or as they are elsewhere: a workspace can't switch them on. */
export async function switchWorkspace(on: boolean): Promise<void> {
  if (said("completion.enabled").workspace !== undefined || !on) {
    const completion = vscode.workspace.getConfiguration("foretype.completion");
    await completion.update("enabled", on ? undefined : false, vscode.ConfigurationTarget.Workspace);
  }
}

/** Switch suggestions on or off for one language; on again wherever it was off. */
export async function switchLanguage(language: string, on: boolean): Promise<void> {
  const completion = vscode.workspace.getConfiguration("foretype.completion");
  const off = said<string[]>("completion.disabledLanguages");
  const without = (list: string[]) => list.filter((one) => one !== language);
  const user = without(off.user ?? []);
  await completion.update("disabledLanguages", on ? user : [...user, language], vscode.ConfigurationTarget.Global);
  if (on && off.workspace?.includes(language)) {
    await completion.update("disabledLanguages", without(off.workspace), vscode.ConfigurationTarget.Workspace);
  }
}
