/** What the Python extension says, if it is there: the active environment. In workspaces that aren't trusted it is not asked. */
import * as vscode from "vscode";

/** The few parts used here of what the Python extension offers to others. */
interface PythonApi {
  readonly environments?: {
    getActiveEnvironmentPath(resource?: vscode.Uri): { readonly path: string };
    resolveEnvironment(one: {
      readonly path: string;
    }): Promise<{ readonly executable: { readonly uri?: vscode.Uri } } | undefined>;
    readonly onDidChangeActiveEnvironmentPath: vscode.Event<unknown>;
  };
}

async function pythonApi(): Promise<PythonApi["environments"]> {
  const extension = vscode.extensions.getExtension<PythonApi>("ms-python.python");
  if (!extension || !vscode.workspace.isTrusted) {
    return undefined;
  }
  try {
    return (extension.isActive ? extension.exports : await extension.activate()).environments;
  } catch {
    return undefined;
  }
}

/** The interpreter of the environment that is active in the Python extension, if that one is there. */
export async function activePython(): Promise<string | undefined> {
  const environments = await pythonApi();
  try {
    const folder = vscode.workspace.workspaceFolders?.[0]?.uri;
    const resolved = await environments?.resolveEnvironment(environments.getActiveEnvironmentPath(folder));
    return resolved?.executable.uri?.fsPath;
  } catch {
    return undefined;
  }
}

/** Call back when another Python environment becomes active. */
export async function onOtherPython(changed: () => void): Promise<vscode.Disposable | undefined> {
  return (await pythonApi())?.onDidChangeActiveEnvironmentPath(() => changed());
}
