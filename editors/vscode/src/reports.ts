/**
 * What the server is told about suggestions: shown, accepted in part, and which document has the focus.
 *
 * VS Code draws an answer as ghost text unless it came too late, so an answer that is still wanted counts as shown.
 * Its state: the suggestions that were answered last.
 */
import * as vscode from "vscode";
import { acceptedLength, type Edit, type Suggestion, watched } from "./accepted";
import { addImports } from "./imports";

/** A cursor that stays for so many ms rests. */
const REST_MS = 300;

/** The part of a language client that is used here. */
export interface Teller {
  tell(method: string, params: unknown): Promise<void>;
  execute(command: string, args: readonly unknown[]): Promise<unknown>;
}

/** A suggestion in the protocol's words. */
interface Item {
  readonly insertText: string;
  readonly range?: vscode.Range;
  readonly command?: { title: string; command: string; arguments: unknown[] };
}

interface Answered extends Suggestion {
  readonly item: Item;
  /** What the suggestion has to import, for `addImports`. */
  readonly imports: unknown;
  /** The line in front of the suggestion. */
  readonly head: string;
}

export class Reports {
  private uri = "";
  private last: Answered[] = [];
  private rest: NodeJS.Timeout | undefined;
  private seen: { readonly uri: string; readonly version: number } | undefined;

  constructor(private readonly teller: Teller) {}

  /** Suggestions were answered for a place. */
  answered(document: vscode.TextDocument, position: vscode.Position, items: vscode.InlineCompletionItem[]): void {
    const fresh = items.map((one) => suggestion(document, position, one));
    const known = this.uri === document.uri.toString() ? this.last : [];
    this.last = watched(known, fresh, (from, to) => textBetween(document, from, to));
    this.uri = document.uri.toString();
    const first = this.last[0];
    if (first && !known.includes(first)) {
      void this.teller.tell("textDocument/didShowCompletion", { item: first.item });
    }
  }

  /** The names of the suggestions that were answered last. */
  ids(): string[] {
    return this.last.map((one) => one.id).filter(Boolean);
  }

  /** A document was edited. */
  changed(event: vscode.TextDocumentChangeEvent): void {
    const change = event.contentChanges[0];
    if (!change || event.contentChanges.length > 1 || event.reason || event.document.uri.toString() !== this.uri) {
      return;
    }
    const edit = { offset: change.rangeOffset, removed: change.rangeLength, text: change.text };
    this.last = this.last.map((one) => moved(one, edit));
    for (const one of this.last) {
      const length = acceptedLength(one, edit, textBetween(event.document, one.start, edit.offset));
      if (length > 0) {
        void this.teller.tell("textDocument/didPartiallyAcceptCompletion", { item: one.item, acceptedLength: length });
        void addImports(
          (command, ...args) => this.teller.execute(command, args),
          one.imports,
          one.head + one.text.slice(0, length),
        );
        return;
      }
    }
  }

  /** The cursor was moved; once it rests, the server has the model read what stands there. Typing moves it, too. */
  moved(editor: vscode.TextEditor): void {
    const { document, selection } = editor;
    const uri = document.uri.toString();
    const typed = this.seen?.uri === uri && this.seen.version !== document.version;
    this.seen = { uri, version: document.version };
    clearTimeout(this.rest);
    if (!typed) {
      const textDocument = { uri };
      const position = { line: selection.active.line, character: selection.active.character };
      this.rest = setTimeout(() => void this.teller.tell("textDocument/didFocus", { textDocument, position }), REST_MS);
    }
  }

  /** The user looks at another document. */
  focused(document: vscode.TextDocument): void {
    void this.teller.tell("textDocument/didFocus", { textDocument: { uri: document.uri.toString() } });
  }
}

/** A suggestion after an edit in front of it. */
function moved<T extends Suggestion>(one: T, { offset, removed, text }: Edit): T {
  return offset + removed < one.start ? { ...one, start: one.start + text.length - removed } : one;
}

function suggestion(
  document: vscode.TextDocument,
  position: vscode.Position,
  one: vscode.InlineCompletionItem,
): Answered {
  const text = typeof one.insertText === "string" ? one.insertText : one.insertText.value;
  const command = one.command && {
    title: one.command.title,
    command: one.command.command,
    arguments: (one.command.arguments ?? []).slice(0, 1), // the imports are added here
  };
  const id: unknown = command?.arguments[0];
  const start = one.range?.start ?? position;
  return {
    id: typeof id === "string" ? id : "",
    text,
    start: document.offsetAt(start),
    imports: one.command?.arguments?.[1],
    head: document.lineAt(start.line).text.slice(0, start.character),
    item: { insertText: text, ...(one.range ? { range: one.range } : {}), ...(command ? { command } : {}) },
  };
}

function textBetween(document: vscode.TextDocument, from: number, to: number): string {
  return from > to ? "" : document.getText(new vscode.Range(document.positionAt(from), document.positionAt(to)));
}
