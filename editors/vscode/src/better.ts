/**
 * A better suggestion in the place of an early one, when the server says that it has found one.
 *
 * Ordinary extensions can't change ghost text; they can have VS Code ask again. That is done where the place is still
 * the one that was answered: same text, same cursor, same suggestion. Its state: the last answer, and whether the next
 * question is ours.
 */
import * as vscode from "vscode";

/** What `foretype/betterSuggestion` carries. */
export interface News {
  readonly textDocument: { readonly uri: string };
  /** The better suggestion's id. */
  readonly suggestion: string;
  /** The early suggestion's id; "" where nothing was shown. */
  readonly replaces: string;
}

interface Answered {
  readonly document: vscode.TextDocument;
  readonly version: number;
  readonly position: vscode.Position;
  readonly id: string;
}

export class BetterSuggestions {
  private last: Answered | undefined;
  private ours = false;

  /** The context to ask with: VS Code takes the question that is asked here for one that the user's key has asked. */
  context(context: vscode.InlineCompletionContext): vscode.InlineCompletionContext {
    return this.ours ? { ...context, triggerKind: vscode.InlineCompletionTriggerKind.Automatic } : context;
  }

  /** A question was answered, and nobody has taken it back. */
  answered(
    document: vscode.TextDocument,
    position: vscode.Position,
    items: readonly vscode.InlineCompletionItem[],
  ): void {
    const id: unknown = items[0]?.command?.arguments?.[0];
    this.last = { document, version: document.version, position, id: typeof id === "string" ? id : "" };
  }

  /** Ask again if the place is as it was when it was answered. */
  async heard(news: News): Promise<void> {
    const { last } = this;
    const editor = vscode.window.activeTextEditor;
    if (
      !last ||
      editor?.document !== last.document ||
      last.document.uri.toString() !== vscode.Uri.parse(news.textDocument.uri).toString()
    ) {
      return;
    }
    const stands =
      last.document.version === last.version &&
      editor.selection.isEmpty &&
      editor.selection.active.isEqual(last.position);
    // After a key that was answered with the better one already, VS Code goes on showing what is typed through.
    if (!stands || (last.id !== news.replaces && last.id !== news.suggestion)) {
      return;
    }
    this.ours = true;
    try {
      await vscode.commands.executeCommand("editor.action.inlineSuggest.hide"); // else what stands there stays the chosen one
      await vscode.commands.executeCommand("editor.action.inlineSuggest.trigger");
    } finally {
      this.ours = false;
    }
  }
}
