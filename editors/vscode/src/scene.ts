/** What commands act on, and how they say that something did not work. */
import * as vscode from "vscode";
import type { NextEdits } from "./edits";
import type { Pages } from "./pages";
import { Cancelled, Failed } from "./programs";
import type { Server } from "./server";

/** What commands act on. */
export interface Scene {
  readonly server: Server;
  readonly edits: NextEdits;
  readonly log: vscode.LogOutputChannel;
  readonly pages: Pages;
  readonly storage: vscode.Uri;
  /** Where this extension lies. */
  readonly extension: vscode.Uri;
}

/** Say why something that the user asked for did not happen; not when it was the user who cancelled it. */
export async function explain({ log }: Pick<Scene, "log">, what: string, error: unknown): Promise<void> {
  if (error instanceof Cancelled) {
    return;
  }
  const why = error instanceof Failed ? error.message : String(error);
  log.error(what, why);
  if ((await vscode.window.showErrorMessage(`${what} ${why}`, "Show Log")) === "Show Log") {
    log.show();
  }
}
