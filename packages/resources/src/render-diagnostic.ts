/** Diagnostics as people read them, with a frame of the source, and as programs do. */
import type { Diagnostic } from './diagnostic.ts';
import { withoutSecrets } from './secret-words.ts';

/** Longer source lines are cut around the place, so that a minified file does not flood the terminal. */
const FRAME_WIDTH = 160;

/** How far before the frame the name of a value is looked for. */
const LOOK_BACK = 1000;

/**
 * @param text the source that the diagnostic is about; without it (or with a line that it does not have) there is no frame
 * @returns several lines without a final newline
 */
export function renderDiagnostic(diagnostic: Diagnostic, text: string): string {
  return render(diagnostic, linesOf(text));
}

/** {@link renderDiagnostic} for many: each source is taken apart once. */
export function renderDiagnostics(
  diagnostics: readonly Diagnostic[],
  sources: readonly { readonly file: string; readonly text: string }[],
): readonly string[] {
  const texts = new Map(sources.map(({ file, text }) => [file, text]));
  const known = new Map<string, readonly string[]>();
  return diagnostics.map((diagnostic) => {
    const lines = known.get(diagnostic.file) ?? linesOf(texts.get(diagnostic.file) ?? '');
    known.set(diagnostic.file, lines);
    return render(diagnostic, lines);
  });
}

function linesOf(text: string): readonly string[] {
  return text.split(/\r?\n/);
}

function render(diagnostic: Diagnostic, source: readonly string[]): string {
  const { file, line, column, severity, message, code, remedy } = diagnostic;
  const lines = [`${file}:${line}:${column}: ${severity}: ${message} [${code}]`];
  const subject = subjectOf(diagnostic);
  if (subject !== '') lines.push(`  in ${subject}`);
  lines.push(...frameOf(diagnostic, source));
  if (remedy !== undefined) lines.push(`  remedy: ${remedy}`);
  return lines.join('\n');
}

function subjectOf({ resource, path }: Diagnostic): string {
  if (resource === undefined) return path;
  return path === '' ? resource : `${resource} at ${path}`;
}

function frameOf({ line, column, endColumn }: Diagnostic, source: readonly string[]): readonly string[] {
  const concerned = source[line - 1];
  if (concerned === undefined) return [];
  const gutter = String(line + 1).length;
  const cut = Math.max(0, Math.min(column - 1 - FRAME_WIDTH / 2, concerned.length - FRAME_WIDTH));
  const show = (number: number): string[] => {
    const content = source[number - 1];
    if (content === undefined || (number === source.length && content === '' && number !== line)) return [];
    const from = Math.max(0, cut - LOOK_BACK);
    const part = content.slice(from, cut + FRAME_WIDTH);
    const shown = withoutSecrets(part, (source[number - 2] ?? '').slice(-LOOK_BACK)).slice(cut - from);
    return [`  ${String(number).padStart(gutter)} | ${printable(shown)}`.trimEnd()];
  };
  const before = printable(concerned.slice(cut, column - 1)).replaceAll(/[^\t]/g, ' ');
  const length = Math.max(1, Math.min(endColumn - column, cut + FRAME_WIDTH - column + 1));
  const underline = `  ${' '.repeat(gutter)} | ${before}${'^'.repeat(length)}`;
  return [...show(line - 1), ...show(line), underline, ...show(line + 1)];
}

/** Control characters would move the cursor or colour the terminal; each is shown as one replacement. */
function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  return text.replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '\ufffd');
}

/** The diagnostic as plain JSON data: every member, absent ones as null, in a fixed order. */
export function diagnosticToJson(diagnostic: Diagnostic): Readonly<Record<string, string | number | null>> {
  const { severity, code, file, line, column, endColumn, path, resource, message, remedy } = diagnostic;
  return {
    severity,
    code,
    file,
    line,
    column,
    endColumn,
    path,
    resource: resource ?? null,
    message,
    remedy: remedy ?? null,
  };
}
