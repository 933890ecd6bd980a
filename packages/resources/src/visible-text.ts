/** Text that others wrote, as a terminal may show it. Pure. */

/**
 * Control characters other than line ends and tabs, and what turns the order of letters around, as JSON writes them: names, reasons and messages
 * of others can hold sequences that a terminal obeys. A JSON text stays the same value.
 */
export function visibleLines(text: string): string {
  return escaped(text, /(?![\n\t])[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu);
}

/** As `visibleLines`, on one line. */
export function visibleWord(text: string): string {
  return escaped(text, /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu);
}

function escaped(text: string, what: RegExp): string {
  return text.replaceAll(what, (letter) =>
    letter === '\n' ? String.raw`\n` : String.raw`\u` + (letter.codePointAt(0) ?? 0).toString(16).padStart(4, '0'),
  );
}
