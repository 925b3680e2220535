// The picture in the READMEs, taken anew with FORETYPE_UPDATE_GOLDENS=1: what the default model really says, and when.
import path from "node:path";
import { test } from "node:test";
import { FORETYPE, Home, PLACE, VSIX } from "./home.mjs";
import { until, Workbench } from "./workbench.mjs";

const PICTURE = path.resolve(import.meta.dirname, "../../../editors/vscode/images/ghost-text.png");

const WARM = `def fibonacci(n):
    if n < 2:
        return n
    return fibonacci(n - 1) + fibonacci(n - 2)


`;

test("the picture of ghost text", { skip: process.env.FORETYPE_UPDATE_GOLDENS ? false : "it is taken on request" }, async () => {
  const home = new Home();
  let vscode;
  try {
    const machine = { "foretype.path": FORETYPE };
    vscode = await Workbench.start({ place: PLACE, vsix: VSIX, environment: home.environment, machine, files: { "warm.py": WARM, "numbers.py": "x = 1\n\n" } });
    await vscode.openFile("warm.py");
    await until("the server", async () => /ready/.test(await vscode.status()), 60_000);
    await vscode.type("def factorial(n):");
    await vscode.ghostAppears(30_000); // the model is loaded from here on
    await vscode.press("Control+s");
    await vscode.openFile("numbers.py");
    await vscode.type("def factorial(n):", 150);
    await vscode.ghostAppears();
    await vscode.press("Control+b");
    await vscode.ghostSettles();
    await vscode.screenshot(PICTURE);
  } finally {
    await vscode?.close();
    home.close();
  }
});
