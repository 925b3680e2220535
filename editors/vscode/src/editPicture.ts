/**
 * How a proposed edit is written over the text that stands: what goes, what comes, and the hint where it is out of
 * sight. Pure: no editor, no protocol.
 */

/** What is left of two texts without the beginning and the end that they have in common. */
export interface Difference {
  /** Code units of the common beginning. */
  readonly head: number;
  /** Code units of the common end. */
  readonly tail: number;
}

/** Longer text than this is not drawn within a line. */
const WIDEST = 160;

/**
 * What two texts begin and end with in common, where only one of them has anything between; else nothing: half words
 * that happen to be equal explain no change.
 */
export function common(old: string, text: string): Difference {
  const most = Math.min(old.length, text.length);
  let head = 0;
  while (head < most && old[head] === text[head]) {
    head++;
  }
  if (isHalf(old, head) || isHalf(text, head)) {
    head--;
  }
  let tail = 0;
  while (tail < most - head && old[old.length - 1 - tail] === text[text.length - 1 - tail]) {
    tail++;
  }
  if (isHalf(old, old.length - tail) || isHalf(text, text.length - tail)) {
    tail--;
  }
  return head + tail === old.length || head + tail === text.length ? { head, tail } : { head: 0, tail: 0 };
}

/** Whether a place lies within a surrogate pair. */
function isHalf(text: string, at: number): boolean {
  return at > 0 && at < text.length && text.charCodeAt(at - 1) >> 10 === 0x36 && text.charCodeAt(at) >> 10 === 0x37;
}

/** Text as it is drawn within a line: one that has several says where they end. */
export function inLine(text: string, tabSize: number): string {
  const shown = text
    .replace(/\r?\n$/, "")
    .replaceAll(/\r?\n/g, " ⏎ ")
    .replaceAll("\t", " ".repeat(tabSize));
  const cut = shown.length > WIDEST ? `${shown.slice(0, WIDEST)}…` : shown;
  return cut.replaceAll(" ", "\u00a0"); // blanks at the ends would not be drawn
}

/** Where an edit is, for somebody who doesn't see it. */
export function hint(line: number, cursor: number, file: string): string {
  const arrow = file ? "→" : line < cursor ? "↑" : "↓";
  return `${arrow}\u00a0${file || "line"}\u00a0${line + 1}:\u00a0Tab`;
}

/** Old and new lines as a diff writes them, for the hover. */
export function asDiff(old: string, text: string): string {
  const lines = (sign: string, of: string) => of.split(/\r?\n/).map((line) => sign + line);
  return [...(old ? lines("-", old) : []), ...(text ? lines("+", text) : [])].join("\n");
}
