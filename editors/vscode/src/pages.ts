/** Texts to read, such as statistics, as documents that nobody is asked to save. Its state: the texts by address. */
import * as vscode from "vscode";

const SCHEME = "foretype";

export class Pages implements vscode.TextDocumentContentProvider, vscode.Disposable {
  private readonly texts = new Map<string, string>();
  private readonly changes = new vscode.EventEmitter<vscode.Uri>();
  private readonly registration = vscode.workspace.registerTextDocumentContentProvider(SCHEME, this);
  readonly onDidChange = this.changes.event;

  provideTextDocumentContent(uri: vscode.Uri): string {
    return this.texts.get(uri.toString()) ?? "";
  }

  /** Show a text under a name, whose ending says the language. What is no text is answered with a short remark. */
  async show(name: string, content: unknown): Promise<void> {
    if (typeof content !== "string" || !content) {
      vscode.window.setStatusBarMessage("foretype has no answer to that now.", 5000);
      return;
    }
    const uri = vscode.Uri.from({ scheme: SCHEME, path: `/${name}` });
    this.texts.set(uri.toString(), content);
    this.changes.fire(uri);
    await vscode.window.showTextDocument(await vscode.workspace.openTextDocument(uri), { preview: true });
  }

  dispose(): void {
    this.registration.dispose();
    this.changes.dispose();
  }
}
