/**
 * Draws a proposed edit with decorations, in the colours of a diff, a mark in the gutter and one in the overview ruler;
 * and a hint at the cursor where the place is out of sight. What is proposed, and when, is decided elsewhere.
 *
 * Inline edits of VS Code's own are open to proposed API alone; decorations are what every extension may draw.
 */
import * as path from "node:path";
import * as vscode from "vscode";
import { asDiff, common, hint, inLine } from "./editPicture";

/** An edit that is proposed. */
export interface Proposed {
  /** Names it when its fate is told. */
  readonly id: string;
  readonly uri: vscode.Uri;
  /** The document that it is about, with the version; undefined where it isn't open. */
  readonly document: vscode.TextDocument | undefined;
  readonly version: number;
  /** The document that it was asked from. */
  readonly from: vscode.TextDocument;
  readonly range: vscode.Range;
  readonly text: string;
}

export class EditView implements vscode.Disposable {
  private readonly gone = vscode.window.createTextEditorDecorationType({
    backgroundColor: new vscode.ThemeColor("foretype.nextEdit.deletedBackground"),
    textDecoration: "line-through", // colours alone don't tell everybody what goes and what comes
    rangeBehavior: vscode.DecorationRangeBehavior.ClosedClosed,
  });
  private readonly comes = vscode.window.createTextEditorDecorationType({
    after: {
      backgroundColor: new vscode.ThemeColor("foretype.nextEdit.insertedBackground"),
      color: new vscode.ThemeColor("editor.foreground"),
    },
    rangeBehavior: vscode.DecorationRangeBehavior.ClosedClosed,
  });
  private readonly mark: vscode.TextEditorDecorationType;
  private readonly hint = vscode.window.createTextEditorDecorationType({
    after: { color: new vscode.ThemeColor("editorCodeLens.foreground"), margin: "0 0 0 3em" },
    rangeBehavior: vscode.DecorationRangeBehavior.ClosedClosed,
  });

  constructor(extension: vscode.Uri) {
    this.mark = vscode.window.createTextEditorDecorationType({
      gutterIconPath: vscode.Uri.joinPath(extension, "images", "next-edit.svg"),
      gutterIconSize: "contain",
      overviewRulerColor: new vscode.ThemeColor("editorOverviewRuler.infoForeground"),
      overviewRulerLane: vscode.OverviewRulerLane.Full,
    });
  }

  /** Draw an edit in every editor that shows its document, and the hint in the active one. */
  show(edit: Proposed): void {
    for (const editor of vscode.window.visibleTextEditors) {
      this.draw(editor, edit.document === editor.document ? edit : undefined);
      this.drawHint(editor, edit);
    }
  }

  /** Take everything away. */
  wipe(): void {
    for (const editor of vscode.window.visibleTextEditors) {
      this.draw(editor, undefined);
      editor.setDecorations(this.hint, []);
    }
  }

  dispose(): void {
    for (const type of [this.gone, this.comes, this.mark, this.hint]) {
      type.dispose();
    }
  }

  private draw(editor: vscode.TextEditor, edit: Proposed | undefined): void {
    if (edit === undefined) {
      for (const type of [this.gone, this.comes, this.mark]) {
        editor.setDecorations(type, []);
      }
      return;
    }
    const { document } = editor;
    const old = document.getText(edit.range);
    const { head, tail } = common(old, edit.text);
    const start = document.offsetAt(edit.range.start);
    const range = new vscode.Range(document.positionAt(start + head), document.positionAt(start + old.length - tail));
    const text = edit.text.slice(head, edit.text.length - tail);
    const tabSize = typeof editor.options.tabSize === "number" ? editor.options.tabSize : 4;
    const hoverMessage = new vscode.MarkdownString().appendCodeblock(asDiff(old, edit.text), "diff");
    const after = { contentText: inLine(text, tabSize) };
    editor.setDecorations(this.gone, range.isEmpty ? [] : [{ range, hoverMessage }]);
    const place = new vscode.Range(range.end, range.end);
    editor.setDecorations(this.comes, text ? [{ range: place, renderOptions: { after } }] : []);
    editor.setDecorations(this.mark, [{ range: new vscode.Range(edit.range.start, edit.range.start), hoverMessage }]);
  }

  private drawHint(editor: vscode.TextEditor, edit: Proposed): void {
    if (editor !== vscode.window.activeTextEditor || !concerns(edit, editor.document) || inSight(editor, edit)) {
      editor.setDecorations(this.hint, []);
      return;
    }
    const file = edit.document === editor.document ? "" : path.posix.basename(edit.uri.path);
    const cursor = editor.selection.active.line;
    const end = editor.document.lineAt(cursor).range.end;
    const contentText = hint(edit.range.start.line, cursor, file);
    editor.setDecorations(this.hint, [
      { range: new vscode.Range(end, end), renderOptions: { after: { contentText } } },
    ]);
  }
}

/** Whether an edit is for somebody who is in a document: it is about that one, or was asked from there. */
export function concerns(edit: Proposed, document: vscode.TextDocument | undefined): boolean {
  return document !== undefined && (edit.document === document || edit.from === document);
}

/** Whether an editor shows the place of an edit; what is folded away is not shown. */
export function inSight(editor: vscode.TextEditor, edit: Proposed): boolean {
  return (
    edit.document === editor.document &&
    editor.visibleRanges.some(
      (range) => range.start.line <= edit.range.start.line && edit.range.start.line <= range.end.line,
    )
  );
}
