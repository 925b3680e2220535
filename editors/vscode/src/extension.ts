/** The extension's start: puts the parts together and listens to VS Code. It decides nothing about completions. */
import * as vscode from "vscode";
import { COMMANDS } from "./commands";
import { onOtherPython } from "./python";
import { explain, type Scene } from "./scene";
import { Server } from "./server";
import { serverSettings } from "./settings";
import { StatusBar } from "./status";

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  const log = vscode.window.createOutputChannel("foretype", { log: true });
  const server = new Server(log, context.globalStorageUri);
  const scene: Scene = { server, log, storage: context.globalStorageUri };
  const bar = new StatusBar();
  const redraw = () => bar.show(server.shown);
  context.subscriptions.push(
    log,
    server,
    bar,
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
    vscode.workspace.onDidChangeTextDocument((event) => server.running?.reports.changed(event)),
    vscode.window.onDidChangeActiveTextEditor((editor) => {
      redraw();
      if (editor) {
        server.running?.reports.focused(editor.document);
      }
    }),
    vscode.workspace.onDidChangeConfiguration((event) => {
      if (["path", "package", "python"].some((name) => event.affectsConfiguration(`foretype.${name}`))) {
        void (event.affectsConfiguration("foretype.path") && server.restart());
      } else if (event.affectsConfiguration("foretype")) {
        void server.running?.tell("workspace/didChangeConfiguration", { settings: serverSettings() });
        redraw();
      }
    }),
    vscode.workspace.onDidGrantWorkspaceTrust(() => startIfMissing(server)),
  );
  const watch = await onOtherPython(() => startIfMissing(server));
  if (watch) {
    context.subscriptions.push(watch);
  }
  await server.restart();
}

function startIfMissing(server: Server): void {
  if (server.shown.state === "missing") {
    void server.restart();
  }
}
