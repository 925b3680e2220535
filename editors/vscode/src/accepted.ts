/**
 * How much of a suggestion the user has taken in part.
 *
 * VS Code tells ordinary extensions neither that ghost text is drawn nor that a word of it was accepted. But an
 * accepted word or line is an edit: a text of more than one character, inserted just where the suggestion goes on,
 * which is what the suggestion says there. Pure: no editor, no protocol.
 */

/** A suggestion as it was answered. */
export interface Suggestion {
  /** Names it across answers; "" when the server gave no name. */
  readonly id: string;
  /** What is inserted at `start`, with the line ends that the server gave it. */
  readonly text: string;
  /** Where the inserted text begins: offset in UTF-16 code units. */
  readonly start: number;
}

/** One edit of the document, as offsets in UTF-16 code units. */
export interface Edit {
  readonly offset: number;
  readonly removed: number;
  readonly text: string;
}

/** What editors insert by themselves when one character is typed. */
const PAIRS = new Set(["()", "[]", "{}", "<>", '""', "''", "``"]);

/**
 * The length in UTF-16 code units of the suggestion's beginning that stands in the document after a partial
 * acceptance; 0 when the edit is something else: typing, a paste of other text, or the whole suggestion, whose
 * acceptance the suggestion's command reports.
 *
 * @param between the document's text from `suggestion.start` to the edit, with the document's own line ends
 */
export function acceptedLength(suggestion: Suggestion, edit: Edit, between: string): number {
  if (edit.removed > 0 || edit.text.length < 2 || PAIRS.has(edit.text) || edit.offset < suggestion.start) {
    return 0;
  }
  const taken = withoutReturns(between + edit.text);
  if (!withoutReturns(suggestion.text).startsWith(taken)) {
    return 0;
  }
  const length = lengthOf(suggestion.text, taken.length);
  return length < suggestion.text.length ? length : 0;
}

function withoutReturns(text: string): string {
  return text.replaceAll("\r\n", "\n");
}

/** The length of the beginning of `text` that has so many code units where each line end counts as one. */
function lengthOf(text: string, units: number): number {
  let length = 0;
  for (let counted = 0; counted < units; counted++) {
    length += text.startsWith("\r\n", length) ? 2 : 1;
  }
  return length;
}

/**
 * The suggestions to watch after a new answer. One that is only the rest of a known one does not take its place:
 * the lengths that are reported count from where the suggestion first began.
 *
 * @param textFrom the document's text from an offset to the new suggestion's start
 */
export function watched<T extends Suggestion>(
  known: readonly T[],
  answered: readonly T[],
  textFrom: (offset: number, end: number) => string,
): T[] {
  return answered.map((fresh) => {
    const old = known.find((one) => one.id !== "" && one.id === fresh.id && one.start <= fresh.start);
    const whole = old && withoutReturns(textFrom(old.start, fresh.start) + fresh.text);
    return old && whole === withoutReturns(old.text) ? old : fresh;
  });
}
