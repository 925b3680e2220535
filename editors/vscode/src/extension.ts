/** The extension's start: puts the parts together and listens to VS Code. It decides nothing about completions. */
import * as vscode from "vscode";
import { COMMANDS, offerUpdate } from "./commands";
import { NextEdits } from "./edits";
import { Pages } from "./pages";
import { onOtherPython } from "./python";
import { explain, type Scene } from "./scene";
import { Server } from "./server";
import { serverSettings } from "./settings";
import { StatusBar } from "./status";

let running: Server | undefined;

/** VS Code waits for this when a window closes: the server says goodbye and writes what it counted. */
export async function deactivate(): Promise<void> {
  await running?.dispose();
}

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const log = vscode.window.createOutputChannel("foretype", { log: true });
  const server = new Server(log, context.globalStorageUri);
  running = server;
  const bar = new StatusBar();
  const pages = new Pages();
  const edits = new NextEdits(() => server.running, context.extensionUri);
  const scene: Scene = {
    server,
    edits,
    log,
    pages,
    storage: context.globalStorageUri,
    extension: context.extensionUri,
  };
  const redraw = () => bar.show(server.shown);
  context.subscriptions.push(
    log,
    bar,
    pages,
    edits,
    server.onChange((shown) => {
      bar.show(shown);
      void vscode.commands.executeCommand("setContext", "foretype.state", shown.state);
    }),
    ...Object.entries(COMMANDS).map(([name, command]) =>
      vscode.commands.registerCommand(name, async (...args: unknown[]) => {
        try {
          return await command(scene, ...args);
        } catch (error) {
          await explain(scene, `${name} could not be done.`, error);
          return undefined;
        }
      }),
    ),
    vscode.workspace.onDidChangeTextDocument((event) => {
      server.running?.reports.changed(event);
      edits.changed(event);
    }),
    vscode.window.onDidChangeTextEditorVisibleRanges(() => edits.moved()),
    vscode.window.onDidChangeVisibleTextEditors(() => edits.moved()),
    vscode.window.onDidChangeActiveTextEditor((editor) => {
      redraw();
      edits.moved();
      if (editor) {
        server.running?.reports.focused(editor.document);
      }
    }),
    vscode.window.onDidChangeTextEditorSelection(({ textEditor }) => {
      if (textEditor === vscode.window.activeTextEditor) {
        server.running?.reports.moved(textEditor);
        edits.moved();
      }
    }),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (event.affectsConfiguration("foretype.path")) {
        void server.restart();
      } else if (event.affectsConfiguration("foretype")) {
        edits.stop();
        void server.running?.tell("workspace/didChangeConfiguration", { settings: serverSettings() });
        redraw();
      }
    }),
    vscode.workspace.onDidGrantWorkspaceTrust(() => startIfMissing(server)),
  );
  await server.restart();
  void offerUpdate(scene);
  if (server.shown.state === "missing") {
    const watch = await onOtherPython(() => startIfMissing(server));
    context.subscriptions.push(...(watch ? [watch] : []));
  }
}

function startIfMissing(server: Server): void {
  if (server.shown.state === "missing") {
    void server.restart();
  }
}
