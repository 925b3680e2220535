/**
 * The life of a proposed next edit: asked for, shown, jumped to, taken, dismissed.
 *
 * Its state: the edit that is shown, about one version of its document; the question that may still be answered; the
 * pause that is waited for; whether the keys are for it; and the edit that was jumped to last. Any change of the document ends what is shown. Which edits there are is the server's
 * business. VS Code tells extensions nothing of ghost text on the screen: the keys' when-clauses leave Tab and Escape
 * to it while there is some.
 */
import * as vscode from "vscode";
import { concerns, EditView, inSight, type Proposed } from "./editView";

/** A pause in ms: an edit is asked for when somebody has done something, not at every key. */
const PAUSE_MS = 120;

/** The context of the keys' when-clauses. */
const CONTEXT = "foretype.nextEdit";

/** The part of a language client that is used here. */
export interface Asked {
  /** The next edits at a place; undefined when the server proposes none or can't be asked. */
  nextEdits(params: unknown, token: vscode.CancellationToken): Promise<Answer | undefined>;
  tell(method: string, params: unknown): Promise<void>;
  execute(command: string, args: readonly unknown[]): Promise<unknown>;
}

interface Item {
  readonly text: string;
  readonly range: { readonly start: Position; readonly end: Position };
  readonly textDocument: { readonly uri: string; readonly version?: number | null };
  readonly command?: { readonly command: string; readonly arguments?: readonly unknown[] };
}

interface Position {
  readonly line: number;
  readonly character: number;
}

/** What `textDocument/copilotInlineEdit` answers: alternatives, the likeliest first. */
export interface Answer {
  readonly edits: readonly Item[];
}

export class NextEdits implements vscode.Disposable {
  private readonly view: EditView;
  private shown: Proposed | undefined;
  private asking: vscode.CancellationTokenSource | undefined;
  private timer: NodeJS.Timeout | undefined;
  private offered = false;
  private reached: Proposed | undefined;
  private work: Promise<void> = Promise.resolve();

  /**
   * @param client the running client, if any
   * @param extension where this extension lies
   */
  constructor(
    private readonly client: () => Asked | undefined,
    extension: vscode.Uri,
  ) {
    this.view = new EditView(extension);
  }

  /** A document was edited: what was proposed for it is over, and something else may be next. */
  changed({ document, contentChanges }: vscode.TextDocumentChangeEvent): void {
    if (contentChanges.length === 0) {
      return;
    }
    if (this.shown && concerns(this.shown, document)) {
      this.forget();
    }
    if (isActive(document)) {
      this.asking?.cancel(); // a model may be at work on the text that was
      this.askSoon();
    }
  }

  /** The cursor, what is visible, or the active editor is another one. */
  moved(): void {
    if (this.shown) {
      this.view.show(this.shown);
      this.offer(concerns(this.shown, vscode.window.activeTextEditor?.document));
    }
  }

  /** Forget what is proposed, and ask for nothing. */
  stop(): void {
    clearTimeout(this.timer);
    this.asking?.cancel();
    this.asking = undefined;
    this.forget();
  }

  /** Go to the proposed edit, or take it where the cursor is there already; one after the other, however fast. */
  accept(): Promise<void> {
    this.work = this.work.catch(() => undefined).then(() => this.goOn());
    return this.work;
  }

  private async goOn(): Promise<void> {
    const edit = this.current();
    if (!edit) {
      return;
    }
    const editor = vscode.window.activeTextEditor;
    const line = editor?.selection.active.line ?? -1;
    const there = edit.range.start.line <= line && line <= edit.range.end.line;
    const seen = this.reached === edit || (editor !== undefined && inSight(editor, edit));
    if (editor && editor.document === edit.document && there && seen) {
      await this.take(editor, edit);
    } else {
      await this.jump(edit);
    }
  }

  /** Send the edit away, and all of its pattern for this session. */
  async dismiss(): Promise<void> {
    const edit = this.current();
    this.stop();
    if (edit) {
      await this.client()?.execute("foretype.dismissed", [edit.id]);
    }
  }

  dispose(): void {
    this.stop();
    this.view.dispose();
  }

  private current(): Proposed | undefined {
    const edit = this.shown;
    if (edit?.document && (edit.document.isClosed || edit.document.version !== edit.version)) {
      this.forget();
    }
    return this.shown;
  }

  private forget(): void {
    if (this.shown) {
      this.shown = undefined;
      this.view.wipe();
      this.offer(false);
    }
  }

  /** Whether the keys are for what is proposed. */
  private offer(offered: boolean): void {
    if (this.offered !== offered) {
      this.offered = offered;
      void vscode.commands.executeCommand("setContext", CONTEXT, offered);
    }
  }

  private askSoon(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.ask(), PAUSE_MS);
  }

  private async ask(): Promise<void> {
    clearTimeout(this.timer);
    const editor = vscode.window.activeTextEditor;
    const client = this.client();
    this.asking?.cancel();
    if (!editor || !client || editor.selections.length > 1) {
      return;
    }
    const asking = new vscode.CancellationTokenSource();
    this.asking = asking;
    const { document, selection } = editor;
    const { version } = document;
    const uri = document.uri.toString();
    const position = { line: selection.active.line, character: selection.active.character };
    const params = { textDocument: { uri, version }, position, context: { triggerKind: 2 } };
    const answer = await client.nextEdits(params, asking.token);
    const stale = asking.token.isCancellationRequested || document.version !== version || !isActive(document);
    const item = stale ? undefined : answer?.edits?.[0];
    const edit = item && proposed(item, document);
    if (edit) {
      this.shown = edit;
      this.moved();
      await client.tell("textDocument/didShowInlineEdit", { item });
    }
  }

  private async jump(edit: Proposed): Promise<void> {
    const document = edit.document ?? (await vscode.workspace.openTextDocument(edit.uri));
    const active = vscode.window.activeTextEditor;
    const editor = active?.document === document ? active : await vscode.window.showTextDocument(document);
    editor.selection = new vscode.Selection(edit.range.start, edit.range.start);
    editor.revealRange(editor.selection, vscode.TextEditorRevealType.InCenterIfOutsideViewport);
    await unfold(editor, edit);
    this.reached = edit;
    if (edit.document) {
      this.moved();
    } else {
      this.forget(); // what was said of a file that wasn't open is asked for again, about its text
      this.askSoon();
    }
  }

  private async take(editor: vscode.TextEditor, edit: Proposed): Promise<void> {
    this.stop();
    const start = editor.document.offsetAt(edit.range.start);
    const text = edit.text.replaceAll(/\r?\n/g, editor.document.eol === vscode.EndOfLine.CRLF ? "\r\n" : "\n");
    const done = await editor.edit((builder) => builder.replace(edit.range, text), {
      undoStopBefore: true,
      undoStopAfter: true,
    });
    if (!done) {
      return;
    }
    const end = editor.document.positionAt(start + text.length);
    editor.selection = new vscode.Selection(end, end);
    await this.client()?.execute("foretype.accepted", [edit.id]);
    await this.ask();
  }
}

function isActive(document: vscode.TextDocument): boolean {
  return vscode.window.activeTextEditor?.document === document;
}

/** Open the folds around an edit. */
async function unfold(editor: vscode.TextEditor, edit: Proposed): Promise<void> {
  if (!inSight(editor, edit)) {
    await vscode.commands.executeCommand("editor.unfold", { selectionLines: [edit.range.start.line] });
  }
}

/** An item of the server as an edit; undefined where it is about another text than the document has now. */
function proposed(item: Item, from: vscode.TextDocument): Proposed | undefined {
  const uri = vscode.Uri.parse(item.textDocument.uri);
  const document = vscode.workspace.textDocuments.find((one) => one.uri.toString() === uri.toString());
  const { version } = item.textDocument;
  if (document && typeof version === "number" && document.version !== version) {
    return undefined;
  }
  const { start, end } = item.range;
  const id: unknown = item.command?.arguments?.[0];
  return {
    id: typeof id === "string" ? id : "",
    uri,
    document,
    version: document?.version ?? 0,
    from,
    range: new vscode.Range(start.line, start.character, end.line, end.character),
    text: item.text,
  };
}
