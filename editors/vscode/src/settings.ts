/**
 * What the user has set, as the server wants it.
 *
 * Only what somebody really set is sent: a default of VS Code's schema must not win over the user's own
 * configuration file. The names and types come from the server's schema, in package.json.
 */
import * as vscode from "vscode";

/** The sections that are the server's; everything else under "foretype" is this extension's own. */
const SECTIONS = ["completion", "statistics"] as const;

/** The settings of one section that differ from "nobody said anything". */
function setIn(section: string): Record<string, unknown> {
  const configuration = vscode.workspace.getConfiguration(`foretype.${section}`);
  const found: Record<string, unknown> = {};
  for (const key of keysOf(section)) {
    const known = configuration.inspect(key);
    const value = known?.workspaceFolderValue ?? known?.workspaceValue ?? known?.globalValue;
    if (value !== undefined) {
      found[key] = value;
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
export function serverSettings(): Record<string, unknown> {
  return Object.fromEntries(SECTIONS.map((section) => [section, setIn(section)]));
}

/** This extension's own settings, which only the user's machine can say, never a workspace. */
export function own(name: "path" | "package" | "python"): string {
  return vscode.workspace.getConfiguration("foretype").get<string>(name, "").trim();
}

/** Whether suggestions are on for a language, and where the settings say so. */
export function switchedOn(language: string | undefined): { everywhere: boolean; language: boolean } {
  const completion = vscode.workspace.getConfiguration("foretype.completion");
  const off = completion.get<string[]>("disabledLanguages", []);
  return {
    everywhere: completion.get<boolean>("enabled", true),
    language: language === undefined || !off.includes(language),
  };
}

/** Switch suggestions on or off everywhere: for the workspace if it has its own say, else for the user. */
export async function switchEverywhere(on: boolean, workspaceOnly = false): Promise<void> {
  const completion = vscode.workspace.getConfiguration("foretype.completion");
  const known = completion.inspect<boolean>("enabled");
  if (workspaceOnly) {
    await completion.update("enabled", on ? undefined : false, vscode.ConfigurationTarget.Workspace);
    if (on && known?.globalValue === false) {
      await completion.update("enabled", true, vscode.ConfigurationTarget.Workspace);
    }
    return;
  }
  await completion.update("enabled", on, vscode.ConfigurationTarget.Global);
  if (known?.workspaceValue !== undefined) {
    await completion.update("enabled", undefined, vscode.ConfigurationTarget.Workspace);
  }
}

/** Switch suggestions on or off for one language. */
export async function switchLanguage(language: string, on: boolean): Promise<void> {
  const completion = vscode.workspace.getConfiguration("foretype.completion");
  const off = completion.get<string[]>("disabledLanguages", []);
  const target =
    completion.inspect("disabledLanguages")?.workspaceValue === undefined
      ? vscode.ConfigurationTarget.Global
      : vscode.ConfigurationTarget.Workspace;
  const rest = off.filter((one) => one !== language);
  await completion.update("disabledLanguages", on ? rest : [...rest, language], target);
}
