/** Choosing and downloading models, through the server's own command line. */
import * as path from "node:path";
import * as vscode from "vscode";
import { run } from "./programs";
import { explain, type Scene } from "./scene";

/** One line of `foretype models list --json`, as far as it is used. */
interface Model {
  readonly name: string;
  readonly size: number | null;
  readonly licence: string;
  readonly present: boolean;
  readonly path: string;
  readonly note: string;
}

/** Let the user choose one; it is downloaded if it must be, and takes over with the next suggestion. */
export async function chooseModel(scene: Scene): Promise<void> {
  const models = await list(scene);
  if (!models) {
    return;
  }
  const running = scene.server.shown.model; // a catalogue name, or the file's
  const inUse = (model: Model) => running !== "" && [model.name, path.basename(model.path, ".gguf")].includes(running);
  const picked = await vscode.window.showQuickPick(
    models.map((model) => ({
      label: `${model.present ? "$(check)" : "$(cloud-download)"} ${model.name}`,
      description: [megabytes(model.size), model.licence, inUse(model) ? "in use" : ""].filter(Boolean).join(" · "),
      detail: model.note,
      model,
    })),
    {
      title: "foretype: the model",
      placeHolder: "Models without a check mark are downloaded first",
      matchOnDetail: true,
    },
  );
  if (picked && (picked.model.present || (await pullModel(scene, picked.model.name)))) {
    const said = await scene.server.execute("foretype.chooseModel", picked.model.name);
    if (typeof said === "string") {
      vscode.window.setStatusBarMessage(said, 8000);
    }
  }
}

/** Download a model, by default the server's default one, unless it is here. Returns whether it is here now. */
export async function pullModel(scene: Scene, name: string | undefined): Promise<boolean> {
  const command = scene.server.shown.found?.command;
  if (!command) {
    return false;
  }
  const options = { location: vscode.ProgressLocation.Notification, title: "foretype", cancellable: true };
  try {
    await vscode.window.withProgress(options, async (progress, token) => {
      progress.report({ message: `downloading ${name ?? "the default model (98 MB)"}` });
      const line = (text: string) => {
        scene.log.info(text);
        progress.report({ message: text });
      };
      await run(command, ["models", "pull", ...(name ? [name] : [])], { token, line });
    });
  } catch (error) {
    await explain(scene, "The model was not downloaded.", error);
    return false;
  }
  if (scene.server.shown.state === "error") {
    await scene.server.execute("foretype.restart"); // it had looked for the model before it was here
  }
  return true;
}

async function list(scene: Scene): Promise<Model[] | undefined> {
  const command = scene.server.shown.found?.command;
  if (!command) {
    return undefined;
  }
  try {
    return JSON.parse(await run(command, ["models", "list", "--json"])) as Model[];
  } catch (error) {
    await explain(scene, "The models can't be listed.", error);
    return undefined;
  }
}

function megabytes(bytes: number | null): string {
  return bytes === null ? "" : bytes >= 1e9 ? `${(bytes / 1e9).toFixed(1)} GB` : `${Math.round(bytes / 1e6)} MB`;
}
