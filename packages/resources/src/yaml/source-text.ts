/** What is refused before the YAML parser sees it. */
import type { DiagnosticCode } from '../diagnostic-codes.ts';
import type { Diagnostic } from '../diagnostic.ts';

/** About 10 000 resources. UTF-16 units. */
export const SOURCE_LENGTH_MAX = 4 * 1024 * 1024;

/** @returns the first thing that makes the text unreadable, if there is any */
export function unreadableText(file: string, text: string): Diagnostic | undefined {
  if (text.length > SOURCE_LENGTH_MAX) {
    return unreadable(file, text, 0, 'yaml.too-large', {
      message: `The file has ${text.length} characters; allowed: at most ${SOURCE_LENGTH_MAX}.`,
      remedy: 'Split it into several files of one folder.',
    });
  }
  // A carriage return alone is no line break to editors of today, and is one to YAML: places would be ambiguous.
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  const control = text.search(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]|\r(?!\n)/);
  if (control >= 0) {
    const code = (text.codePointAt(control) ?? 0).toString(16).toUpperCase().padStart(4, '0');
    return unreadable(file, text, control, 'yaml.not-text', {
      message: `Found the control character U+${code}; allowed: text.`,
      remedy: 'Check that this is a YAML file, and delete the character.',
    });
  }
  const replacement = text.search(/\ufffd|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/);
  if (replacement >= 0) {
    return unreadable(file, text, replacement, 'yaml.not-utf8', {
      message: 'The file is not UTF-8 here.',
      remedy: 'Save the file in the UTF-8 encoding.',
    });
  }
  return undefined;
}

function unreadable(
  file: string,
  text: string,
  offset: number,
  code: DiagnosticCode,
  words: { readonly message: string; readonly remedy: string },
): Diagnostic {
  const before = text.slice(0, offset);
  const line = before.split('\n').length;
  const column = offset - (before.lastIndexOf('\n') + 1) + 1;
  return { severity: 'error', code, file, line, column, endColumn: column + 1, path: '', ...words };
}
