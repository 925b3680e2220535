// Next edits from the real language server in the real VS Code: seen, jumped to, taken, undone, dismissed.
import assert from "node:assert/strict";
import path from "node:path";
import { after, afterEach, before, test } from "node:test";
import { scripted } from "./scripted.mjs";
import { until } from "./workbench.mjs";

const PICTURE = path.resolve(import.meta.dirname, "../../../editors/vscode/images/next-edit.png");
const SOURCE = `def area(w, height):
    if w < 0:
        raise ValueError(w)
    return w * height
`;
const CALLS = `draw(a, one)
draw(b, two)
draw(c, three)
`;
const FAR = SOURCE.replace("    return", `${"    print()\n".repeat(60)}    return`).replace(/ {4}if w < 0:\n.*\n/, "");
const ACROSS = {
  "shapes.py": "def area(one, other):\n    return one * other\n",
  "uses.py": "from shapes import area\n\nprint(area(1, 2))\n",
};

let close, vscode;

before(async () => {
  ({ vscode, close } = await scripted("edits", {}, { "first.py": SOURCE, "second.py": SOURCE, "third.py": FAR, "fourth.py": CALLS, "fifth.py": SOURCE, "sixth.py": SOURCE, ...ACROSS }));
});

after(async () => await close?.());

afterEach(async () => assert.equal(await vscode.hasNotifications(), false, "nothing may open a dialog"));

/** Rename the parameter in the first line, as people do: the word is selected and typed over. */
async function rename(name = "breadth") {
  await vscode.press("Control+Home");
  for (let column = 0; column < "def area(".length; column++) {
    await vscode.press("ArrowRight");
  }
  await vscode.press("Shift+ArrowRight");
  await vscode.type(name, 30);
}

/** What an edit would insert, as the screen shows it; "" when nothing is proposed. */
const inserted = () =>
  vscode.page.evaluate(() => {
    const texts = [];
    for (const part of document.querySelectorAll(".editor-instance .view-line span")) {
      const text = getComputedStyle(part, "::after").content;
      if (text.length > 2 && text !== "none" && text !== "normal") {
        texts.push(text.slice(1, -1).replaceAll("\u00a0", " "));
      }
    }
    return texts.join("|");
  });

async function proposes(text) {
  let last = "";
  try {
    await until(`the edit ${text}`, async () => (last = await inserted()) === text, 30_000);
  } catch (error) {
    throw new Error(`${error.message}; what is proposed: '${last}'; the text:\n${await vscode.visibleText()}`);
  }
}

const textIs = (pattern) => until(`the text ${pattern}`, async () => pattern.test(await vscode.visibleText()), 10_000);

test("a renamed parameter is followed to its last use", async () => {
  await rename();
  await proposes("breadth");
  if (process.env.FORETYPE_UPDATE_GOLDENS) {
    await vscode.press("Control+b");
    await vscode.screenshot(PICTURE);
    await vscode.press("Control+b");
  }
  await vscode.press("Tab"); // there
  assert.match(await vscode.visibleText(), /if w < 0/, "the first press only jumps");
  await vscode.press("Tab"); // taken
  await textIs(/if breadth < 0/);
  await proposes("breadth");
  await vscode.press("Tab");
  await vscode.press("Tab");
  await textIs(/ValueError\(breadth\)/);
  await proposes("breadth");
  await vscode.press("Tab");
  await vscode.press("Tab");
  await textIs(/return breadth \* height/);
  await proposes("");
});

test("an edit is one step of undo", async () => {
  await vscode.openFile("second.py");
  await rename();
  await proposes("breadth");
  await vscode.press("Tab");
  await vscode.press("Tab");
  await textIs(/if breadth < 0/);
  await vscode.press("Control+z");
  await textIs(/def area\(breadth, height\):\s+if w < 0/);
});

// From here on other names: a pattern that was undone does not come back in this session.
test("a place out of sight has a hint, and Tab goes there", async () => {
  await vscode.openFile("third.py");
  await rename("columns");
  await proposes("↓ line 62: Tab");
  await vscode.press("Tab");
  await proposes("columns");
  await vscode.press("Tab");
  await textIs(/return columns \* height/);
});

test("Escape dismisses the pattern for this session", async () => {
  await vscode.openFile("fifth.py");
  await rename("length");
  await proposes("length");
  await vscode.press("Escape");
  await proposes("");
  await vscode.type("_", 30);
  await vscode.press("Backspace");
  await vscode.quiet();
  assert.equal(await inserted(), "");
});

test("an argument that two calls were given is proposed for the third, and nothing while typing goes on", async () => {
  await vscode.openFile("fourth.py");
  await vscode.press("Control+Home");
  for (const line of [0, 1]) {
    await vscode.press("End");
    await vscode.press("ArrowLeft");
    await vscode.type(", pen", 30);
    if (line === 0) {
      await vscode.press("ArrowDown");
    }
  }
  await proposes(", pen");
  await vscode.press("Tab");
  await vscode.press("Tab");
  await textIs(/draw\(c, three, pen\)/);
});

test("an edit in another file is gone to, and taken there", async () => {
  await vscode.openFile("uses.py");
  await vscode.openFile("shapes.py");
  await vscode.press("Control+Home");
  for (let column = 0; column < "def ".length; column++) {
    await vscode.press("ArrowRight");
  }
  await vscode.press("Control+Shift+ArrowRight");
  await vscode.type("surface", 30);
  await proposes("→ uses.py 1: Tab");
  await vscode.press("Tab");
  await vscode.page.waitForSelector('.tab.active[data-resource-name="uses.py"]');
  await proposes("surface");
  await vscode.press("Tab");
  await textIs(/from shapes import surface/);
});

test("without a proposal Tab and Escape are themselves", async () => {
  await vscode.openFile("sixth.py");
  await proposes("");
  await vscode.press("Control+End");
  await vscode.press("Tab");
  await vscode.type("x = 1");
  await textIs(/ {4}x = 1$/m);
});
