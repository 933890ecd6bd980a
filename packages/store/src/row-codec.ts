/**
 * JSON columns. What is read was written by `encode` in the same schema version (`migrations.ts`), and SQLite checks its pages:
 * the shape is taken at its word here, and nowhere else.
 */

/** Keys sorted, so that equal values give equal text. `undefined` members fall away, as their readers expect. */
export function encode(value: unknown): string {
  return JSON.stringify(value, (_, member: unknown) =>
    typeof member === 'object' && member !== null && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : member,
  );
}

/** For what is only read back and never compared as text: a fifth of the cost of {@link encode}. */
export function encodeAsIs(value: object): string {
  return JSON.stringify(value);
}

// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller names the shape that it encoded
export function decode<T>(text: string): T {
  return JSON.parse(text) as T;
}
