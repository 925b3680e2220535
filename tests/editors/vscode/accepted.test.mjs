// How the extension knows that a suggestion was taken in part: from the edit alone.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import path from "node:path";
import { test } from "node:test";

const EXTENSION = path.resolve(import.meta.dirname, "../../../editors/vscode");
const { buildSync } = createRequire(path.join(EXTENSION, "package.json"))("esbuild");
const { outputFiles } = buildSync({ entryPoints: [path.join(EXTENSION, "src/accepted.ts")], format: "esm", write: false });
const { acceptedLength, watched } = await import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].text).toString("base64")}`);

/** A suggestion of `text` at 10, of which `typed` stands in the document when `inserted` comes. */
function check(text, typed, inserted, { removed = 0, offset = 10 + typed.length } = {}) {
  return acceptedLength({ id: "s1", text, start: 10 }, { offset, removed, text: inserted }, typed);
}

test("a word that the suggestion says counts", () => assert.equal(check("return value", "", "return"), 6));
test("the next word counts from the suggestion's beginning", () => assert.equal(check("return value + 1", "return", " value"), 12));
test("a line counts, whatever the document's line ends", () => assert.equal(check("if x:\n  y\nz", "if x:", "\r\n  y"), 9));
test("lengths are those of the server's text", () => {
  assert.equal(check("if x:\r\n  y\r\nz", "if x:", "\r\n  y"), 10);
  assert.equal(check("if x:\r\n  y\r\nz", "", "if x:\n  y"), 10);
  assert.equal(check("if x:\r\n  y", "", "if x:\r\n  y"), 0);
});
test("lengths are UTF-16 code units", () => assert.equal(check("🙂🙂 x", "", "🙂🙂"), 4));
test("a typed character is typing", () => assert.equal(check("return", "", "r"), 0));
test("a bracket that VS Code closes by itself is typing", () => assert.equal(check("() -> int", "", "()"), 0));
test("the whole is for the suggestion's command to report", () => assert.equal(check("return x", "", "return x"), 0));
test("another text is another text", () => assert.equal(check("return x", "", "retry"), 0));
test("the right text at another place does not count", () => assert.equal(check("return x", "", "return", { offset: 4 }), 0));
test("a replacement does not count", () => assert.equal(check("return x", "", "return", { removed: 3 }), 0));

test("the rest of a known suggestion does not take its place", () => {
  const known = { id: "s1", text: "return value", start: 10 };
  const rest = { id: "s1", text: " value", start: 16 };
  assert.deepEqual(watched([known], [rest], () => "return"), [known]);
});

test("nor does it in a document with other line ends", () => {
  const known = { id: "s1", text: "if x:\r\n  y\r\nz", start: 10 };
  const rest = { id: "s1", text: "\r\nz", start: 20 };
  assert.deepEqual(watched([known], [rest], () => "if x:\r\n  y"), [known]);
});

test("a suggestion that was replaced by another text does", () => {
  const known = { id: "s1", text: "return value", start: 10 };
  const other = { id: "s1", text: " other", start: 16 };
  assert.deepEqual(watched([known], [other], () => "return"), [other]);
});

test("suggestions without a name are never taken for each other", () => {
  const known = { id: "", text: "return value", start: 10 };
  const rest = { id: "", text: " value", start: 16 };
  assert.deepEqual(watched([known], [rest], () => "return"), [rest]);
});
