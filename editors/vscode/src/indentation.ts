/** How a document is indented, as its editor has found out or was told: it goes with requests for suggestions. */
import * as vscode from "vscode";

/** The protocol's FormattingOptions, as far as they are about indentation. */
export interface FormattingOptions {
  readonly tabSize: number;
  readonly insertSpaces: boolean;
}

const INLINE_COMPLETION = "textDocument/inlineCompletion";

/** The parameters of a request, with what its document's editor knows of indentation if suggestions are asked for. */
export function withIndentation<P>(type: string | { readonly method: string }, params: P): P {
  const method = typeof type === "string" ? type : type.method;
  const uri = (params as { textDocument?: { uri?: string } } | undefined)?.textDocument?.uri;
  if (method !== INLINE_COMPLETION || uri === undefined) {
    return params;
  }
  const formattingOptions = formattingOptionsOf(vscode.Uri.parse(uri).toString());
  return formattingOptions === undefined ? params : { ...params, formattingOptions };
}

function formattingOptionsOf(uri: string): FormattingOptions | undefined {
  const editors = [vscode.window.activeTextEditor, ...vscode.window.visibleTextEditors];
  const options = editors.find((editor) => editor?.document.uri.toString() === uri)?.options;
  return typeof options?.tabSize === "number" && typeof options.insertSpaces === "boolean"
    ? { tabSize: options.tabSize, insertSpaces: options.insertSpaces }
    : undefined;
}
