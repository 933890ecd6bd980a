import type { DiagnosticCode } from '../../src/index.ts';

/** One invalid input and the codes that it is reported with; the exact text stands in the .txt of its table. */
export interface InvalidCase {
  /** What is wrong, as a sentence. */
  readonly title: string;
  /** One source, or several by file name. */
  readonly text: string | Readonly<Record<string, string>>;
  readonly codes: readonly DiagnosticCode[];
}
