/**
 * The commands, registered when the extension starts, whether or not the server runs. Those named like the server's
 * pass on what it says; the others act on VS Code's settings or on the installation.
 */
import { readFile } from "node:fs/promises";
import * as vscode from "vscode";
import { addImports } from "./imports";
import { install, managedFrom, removeAll, removeOld } from "./install";
import { chooseModel, pullModel } from "./models";
import { enclosed, isNewer, toInstall, type Wanted } from "./package";
import { run } from "./programs";
import { explain, type Scene } from "./scene";
import { switchEverywhere, switchedOn, switchLanguage, switchWorkspace } from "./settings";

type Command = (scene: Scene, ...args: unknown[]) => Promise<unknown>;

/** Every command by its name; package.json gives those for people a title. */
export const COMMANDS: Readonly<Record<string, Command>> = {
  "foretype.accepted": accepted,
  "foretype.menu": menu,
  "foretype.enable": () => switchAll(true),
  "foretype.disable": () => switchAll(false),
  "foretype.toggle": () => switchAll(!switchedOn(undefined).everywhere),
  "foretype.toggleLanguage": toggleLanguage,
  "foretype.toggleWorkspace": toggleWorkspace,
  "foretype.restart": restart,
  "foretype.install": installAndPull,
  "foretype.repair": installAndPull,
  "foretype.uninstall": uninstall,
  "foretype.chooseModel": async (scene) => chooseModel(scene),
  "foretype.pullModel": async (scene) => pullModel(scene, undefined),
  "foretype.dismiss": dismiss,
  "foretype.nextEdit": async ({ edits }) => edits.accept(),
  "foretype.dismissEdit": async ({ edits }) => edits.dismiss(),
  "foretype.showContext": showContext,
  "foretype.statistics": async ({ server, pages }) =>
    pages.show("foretype statistics.txt", await server.execute("foretype.statistics")),
  "foretype.doctor": doctor,
  "foretype.log": showLog,
  "foretype.walkthrough": walkthrough,
  "foretype.settings": async () =>
    vscode.commands.executeCommand("workbench.action.openSettings", "@ext:foretype.foretype"),
};

/** The server counts it; what the suggestion has to import is added here, so that one undo takes both back. */
async function accepted({ server }: Scene, id: unknown, imports: unknown): Promise<void> {
  await Promise.all([
    server.execute("foretype.accepted", id),
    addImports((command, ...args) => server.execute(command, ...args), imports),
  ]);
}

/** VS Code ticks a step off when its context becomes true, not when it is true already: so it becomes so afterwards. */
async function walkthrough({ server }: Scene): Promise<void> {
  await vscode.commands.executeCommand("workbench.action.openWalkthrough", "foretype.foretype#foretype.start", false);
  await vscode.commands.executeCommand("setContext", "foretype.stateInWalkthrough", server.shown.state);
}

async function switchAll(on: boolean): Promise<void> {
  await switchEverywhere(on);
  await hideUnless(on);
}

async function toggleWorkspace(): Promise<void> {
  const on = !switchedOn(undefined).workspace;
  await switchWorkspace(on);
  await hideUnless(on);
}

async function toggleLanguage(): Promise<void> {
  const language = vscode.window.activeTextEditor?.document.languageId;
  if (language !== undefined) {
    const on = !switchedOn(language).language;
    await switchLanguage(language, on);
    await hideUnless(on);
  }
}

async function hideUnless(on: boolean): Promise<void> {
  if (!on) {
    await vscode.commands.executeCommand("editor.action.inlineSuggest.hide");
  }
}

/** The daemon is started anew with its model, then the language server. */
async function restart({ server }: Scene): Promise<void> {
  await server.execute("foretype.restart");
  await server.restart();
}

async function installAndPull(scene: Scene): Promise<void> {
  let wanted: Wanted | undefined;
  try {
    wanted = await toInstall(scene.extension);
  } catch (error) {
    await explain(scene, "foretype was not installed.", error);
  }
  if (wanted === undefined) {
    return;
  }
  const options = { location: vscode.ProgressLocation.Notification, title: "foretype", cancellable: true };
  let problem = "";
  try {
    await vscode.window.withProgress(options, async (progress, token) => {
      const report = (message: string) => progress.report({ message });
      const log = (line: string) => scene.log.info(line);
      ({ problem } = await install(wanted, scene.storage, report, log, token));
      report("starting");
      await scene.server.restart();
      await removeOld(scene.storage);
    });
  } catch (error) {
    await explain(scene, "foretype was not installed.", error);
    return;
  }
  if (problem) {
    scene.log.warn(problem);
    if ((await vscode.window.showWarningMessage(problem, "Check the Installation")) !== undefined) {
      await doctor(scene);
    }
    return;
  }
  await pullModel(scene, undefined);
}

/** Where this extension installed foretype and now brings a newer one: offer that, once for each start. */
export async function offerUpdate(scene: Scene): Promise<void> {
  const brought = (await enclosed(scene.extension))?.name ?? "";
  const installed = await managedFrom(scene.storage);
  if (scene.server.shown.found?.from !== "own environment" || !isNewer(brought, installed)) {
    return;
  }
  const said = `The extension brings a newer foretype (${brought}) than the one it installed (${installed}).`;
  if ((await vscode.window.showInformationMessage(said, "Update", "Not Now")) === "Update") {
    await installAndPull(scene);
  }
}

/** Remove what this extension installed, and what foretype keeps; the models stay where the user wants that. */
async function uninstall(scene: Scene): Promise<void> {
  const command = scene.server.shown.found?.command;
  const keep = "Remove, Keep the Models";
  const said = "This removes foretype's caches, counts, logs and settings, and what this extension installed.";
  const choice = await vscode.window.showWarningMessage(said, { modal: true }, keep, "Remove All");
  if (choice === undefined) {
    return;
  }
  await scene.server.halt();
  if (command !== undefined) {
    await run(command, ["uninstall", "--yes", ...(choice === keep ? ["--keep-models"] : [])], {
      line: (line) => scene.log.info(line),
    });
  }
  await removeAll(scene.storage);
  await scene.server.restart();
}

/** Send the suggestion away so that it does not come again here. Escape only hides it: VS Code tells nobody. */
async function dismiss({ server }: Scene): Promise<void> {
  await vscode.commands.executeCommand("editor.action.inlineSuggest.hide");
  for (const id of server.running?.reports.ids() ?? []) {
    await server.execute("foretype.dismissed", id);
  }
}

async function showContext({ server, pages }: Scene): Promise<void> {
  const editor = vscode.window.activeTextEditor;
  if (editor) {
    const { line, character } = editor.selection.active;
    await pages.show(
      "what the model sees.md",
      await server.execute("foretype.showContext", editor.document.uri.toString(), { line, character }),
    );
  }
}

async function doctor(scene: Scene): Promise<void> {
  const found = scene.server.shown.found;
  if (!found) {
    await scene.pages.show("foretype doctor.txt", scene.server.shown.message);
    return;
  }
  const lines: string[] = [];
  await run(found.command, ["doctor"], { line: (line) => lines.push(line) }).catch(() => undefined); // it exits with 1 when it has advice
  await scene.pages.show("foretype doctor.txt", lines.join("\n"));
}

async function showLog(scene: Scene): Promise<void> {
  const files = (await scene.server.execute("foretype.log")) as Record<string, string> | undefined;
  for (const file of Object.values(files ?? {})) {
    const text = await readFile(file, "utf8").catch(() => "");
    scene.log.info(`${file}${text ? "" : " (empty)"}`);
    for (const line of text.trimEnd().split("\n").slice(-100).filter(Boolean)) {
      scene.log.info(`  ${line}`);
    }
  }
  scene.log.show();
}

interface Choice extends vscode.QuickPickItem {
  readonly command?: string;
}

async function menu({ server }: Scene): Promise<void> {
  const shown = server.shown;
  const language = vscode.window.activeTextEditor?.document.languageId;
  const on = switchedOn(language);
  const choice = (icon: string, label: string, command: string, description = ""): Choice => ({
    label: `$(${icon}) ${label}`,
    command,
    description,
  });
  const choices: Choice[] = [
    ...(shown.state === "missing"
      ? [choice("cloud-download", "Install foretype", "foretype.install", "into a virtual environment of its own")]
      : []),
    ...(shown.state === "error"
      ? [choice("cloud-download", "Download the Model", "foretype.pullModel", shown.message)]
      : []),
    choice(on.everywhere ? "circle-slash" : "sparkle", `Switch ${on.everywhere ? "Off" : "On"}`, "foretype.toggle"),
    ...(language === undefined
      ? []
      : [
          choice(
            on.language ? "circle-slash" : "sparkle",
            `Switch ${on.language ? "Off" : "On"} for ${language}`,
            "foretype.toggleLanguage",
          ),
        ]),
    ...(vscode.workspace.workspaceFolders
      ? [choice("folder", `Switch ${on.workspace ? "Off" : "On"} in This Workspace`, "foretype.toggleWorkspace")]
      : []),
    { label: "", kind: vscode.QuickPickItemKind.Separator },
    choice("chip", "Choose the Model…", "foretype.chooseModel", shown.model),
    choice("eye", "Show What the Model Sees", "foretype.showContext"),
    choice("graph", "Statistics", "foretype.statistics"),
    choice("debug-restart", "Restart", "foretype.restart"),
    ...(shown.found?.from === "own environment"
      ? [choice("tools", "Repair or Update the Installation", "foretype.repair")]
      : []),
    choice("pulse", "Check the Installation", "foretype.doctor"),
    choice("output", "Log", "foretype.log"),
    choice("gear", "Settings", "foretype.settings"),
    choice("book", "Get Started", "foretype.walkthrough"),
  ];
  const title = [
    "foretype",
    shown.model,
    shown.latency === null ? "" : `${Math.round(shown.latency)} ms`,
    shown.message,
  ];
  const picked = await vscode.window.showQuickPick(choices, { title: title.filter(Boolean).join(" · ") });
  if (picked?.command) {
    await vscode.commands.executeCommand(picked.command);
  }
}
