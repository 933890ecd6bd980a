/** What is wrong with configuration, where, and what to do about it. */
import type { DiagnosticCode } from './diagnostic-codes.ts';

/** Keys and list positions from the top of a resource (or document) down to a field. */
export type FieldPath = readonly (string | number)[];

/**
 * A range on one line of a source. Lines and columns count from 1, columns in UTF-16 units as editors do;
 * `endColumn` is the column after the last character. A range that spans lines ends with its first line.
 */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly endColumn: number;
}

/** Something found wrong with a value, before anyone knows in which file the value stands. */
export interface Problem {
  readonly severity: 'error' | 'warning';
  readonly code: DiagnosticCode;
  readonly path: FieldPath;
  /** Whether the key is to blame (unknown, missing below it) or the value. */
  readonly at: 'key' | 'value';
  /** What was found and what is allowed, in full sentences. */
  readonly message: string;
  readonly remedy?: string;
}

export interface Diagnostic extends Place {
  readonly severity: 'error' | 'warning';
  readonly code: DiagnosticCode;
  /** Path in the document, `spec.members[0].nodeRef`; empty for the document itself. */
  readonly path: string;
  /** `Kind/name` of the resource concerned, as far as it could be read. */
  readonly resource?: string;
  readonly message: string;
  readonly remedy?: string;
}

/** `spec.members[0].nodeRef`; a key that is not a plain word is quoted: `spec.env["A.B"]`. */
export function formatPath(path: FieldPath): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else if (/^[A-Za-z_][\w-]*$/.test(step)) text += text === '' ? step : `.${step}`;
    else text += `[${JSON.stringify(step)}]`;
  }
  return text;
}

/** By file, then position, then code: the order in which a reader meets them. */
export function compareDiagnostics(a: Diagnostic, b: Diagnostic): number {
  return (
    compareText(a.file, b.file) ||
    a.line - b.line ||
    a.column - b.column ||
    compareText(a.code, b.code) ||
    compareText(a.message, b.message)
  );
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

export function hasErrors(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some(({ severity }) => severity === 'error');
}
