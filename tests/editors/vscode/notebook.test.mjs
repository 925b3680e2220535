// A notebook in VS Code with a scripted model: its cells are one text to the model and to the checks.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { after, before, test } from "node:test";
import { Home, PLACE, PYTHON, VSIX } from "./home.mjs";
import { until, Workbench } from "./workbench.mjs";

const SUPPORT = path.resolve(import.meta.dirname, "../../support");
const LAST_CELL = ".notebookOverlay .view-lines:has-text('here')";
const FOCUSED_CELL = ".notebookOverlay .monaco-list-row.focused .view-lines";

/** What the model says behind which text. Each is behind more than one cell. */
const SCRIPT = {
  "%matplotlib inline\nimport pandas as pd\ntable = ": "pd.read_csv('a.csv')",
  "import pandas as pd\ntable = 1\nother = ": "table",
  "\nunheard = ": "nobody.knows('a.csv')",
};

const cell = (source, kind = "code") => ({
  cell_type: kind,
  metadata: {},
  source: [source],
  ...(kind === "code" ? { outputs: [], execution_count: null } : {}),
});
const NOTEBOOK = JSON.stringify({
  cells: [cell("# Tables", "markdown"), cell("%matplotlib inline"), cell("import pandas as pd"), cell("here")],
  metadata: { language_info: { name: "python" } },
  nbformat: 4,
  nbformat_minor: 5,
});

let home, vscode;

before(async () => {
  home = new Home();
  const script = path.join(home.folder, "script.json");
  const program = path.join(home.folder, "foretype");
  writeFileSync(script, JSON.stringify(SCRIPT));
  const server = `"${PYTHON}" -P "${SUPPORT}/scripted_server.py" "${script}" "${home.folder}/journal"`;
  writeFileSync(program, `#!/bin/sh\nexec ${server}\n`, { mode: 0o755 });
  vscode = await Workbench.start({
    place: PLACE,
    vsix: VSIX,
    environment: home.environment,
    machine: { "foretype.path": program },
    files: { "book.ipynb": NOTEBOOK },
  });
  await vscode.page.setViewportSize({ width: 900, height: 900 }); // cells that aren't on the screen are nowhere
  await vscode.openFile("book.ipynb", LAST_CELL);
  await until("the server", async () => /ready/.test(await vscode.status()), 60_000);
});

after(async () => {
  await vscode?.close();
  home?.close();
});

/** What the model was asked last. */
function asked() {
  const entries = readFileSync(path.join(home.folder, "journal"), "utf8").trim().split("\n").map((line) => JSON.parse(line));
  return entries.filter((one) => one.event === "complete").at(-1);
}

test("a cell's suggestion knows what stands in the cells above", async () => {
  await vscode.press("Control+a");
  await vscode.type("table = ");
  assert.equal(await vscode.ghostAppears(), "pd.read_csv('a.csv')");
  assert.equal(asked().prefix, "%matplotlib inline\nimport pandas as pd\ntable = ");
});

test("what no cell has is not suggested", async () => {
  await vscode.press("Control+a");
  await vscode.type("unheard = ");
  await until("the question", async () => asked().prefix.endsWith("unheard = "));
  assert.equal(await vscode.ghostSettles(), "");
});

test("a cell that is inserted below goes on with the text", async () => {
  await vscode.press("Control+a");
  await vscode.type("table = 1");
  await vscode.command("Notebook: Insert Code Cell Below");
  await until("an empty cell", async () => (await vscode.page.locator(FOCUSED_CELL).innerText()).trim() === "");
  await vscode.type("other = ");
  assert.equal(await vscode.ghostAppears(), "table");
  await vscode.press("Tab");
  await vscode.ghostGoes();
  assert.match(await vscode.page.locator(FOCUSED_CELL).innerText(), /^other\s=\stable$/);
});
