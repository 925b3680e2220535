/** Which of a suggestion's imports its accepted beginning needs. Pure: no editor, no protocol. */

/** The second argument of an item's command. */
export interface Wanted {
  readonly uri: string;
  readonly imports: readonly { readonly name: string }[];
}

/**
 * What is to be asked of the server; undefined when there is nothing to import yet.
 *
 * @param argument the second argument of the item's command, whatever the server sent
 * @param taken the line in front of the suggestion and what of it was accepted; all of it when left out
 */
export function needed(argument: unknown, taken?: string): Wanted | undefined {
  const wanted = argument as Partial<Wanted> | null | undefined;
  if (typeof wanted?.uri !== "string" || !Array.isArray(wanted.imports)) {
    return undefined;
  }
  const imports = wanted.imports.filter(
    (one: { name?: unknown } | null) =>
      typeof one?.name === "string" && (taken === undefined || holds(taken, one.name)),
  );
  return imports.length > 0 ? { uri: wanted.uri, imports } : undefined;
}

function holds(text: string, name: string): boolean {
  return text.split(/[^\p{L}\p{N}_$]+/u).includes(name);
}
