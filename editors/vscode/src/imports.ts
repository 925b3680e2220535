/**
 * Imports that a suggestion brings with it: asked for once its text is in the document, and put in without an undo
 * stop of their own, so that one undo takes both back. Which import that is, and where it goes, is the server's business.
 */
import * as vscode from "vscode";
import { needed, type Wanted } from "./needed";

/** Runs one of the server's commands. */
export type Execute = (command: string, ...args: unknown[]) => Promise<unknown>;

interface Position {
  readonly line: number;
  readonly character: number;
}

/** What `foretype.importEdits` answers. */
interface Answer {
  readonly uri: string;
  readonly version: number;
  readonly edits: readonly {
    readonly range: { readonly start: Position; readonly end: Position };
    readonly newText: string;
  }[];
}

const TRIES = 3;

/** Add what the accepted beginning of a suggestion needs. Whatever goes wrong costs the import alone. */
export async function addImports(execute: Execute, argument: unknown, taken?: string): Promise<void> {
  const wanted = needed(argument, taken);
  for (let tries = 0; wanted && tries < TRIES; tries++) {
    const answer = (await execute("foretype.importEdits", wanted)) as Answer | null | undefined;
    if (!answer || (await apply(answer, wanted))) {
      return;
    }
  }
}

/** Whether the edits were for the document as it is now, and are in it. */
async function apply(answer: Answer, wanted: Wanted): Promise<boolean> {
  const uri = vscode.Uri.parse(answer.uri).toString();
  const editor = [vscode.window.activeTextEditor, ...vscode.window.visibleTextEditors].find(
    (one) => one?.document.uri.toString() === uri,
  );
  if (editor && answer.uri === wanted.uri) {
    if (editor.document.version !== answer.version) {
      return false;
    }
    return editor.edit(
      (builder) => {
        for (const edit of answer.edits) {
          builder.replace(rangeOf(edit.range), edit.newText);
        }
      },
      { undoStopBefore: false, undoStopAfter: false },
    );
  }
  const elsewhere = new vscode.WorkspaceEdit(); // another cell of the notebook
  elsewhere.set(
    vscode.Uri.parse(answer.uri),
    answer.edits.map((edit) => new vscode.TextEdit(rangeOf(edit.range), edit.newText)),
  );
  return vscode.workspace.applyEdit(elsewhere);
}

function rangeOf({ start, end }: Answer["edits"][number]["range"]): vscode.Range {
  return new vscode.Range(start.line, start.character, end.line, end.character);
}
