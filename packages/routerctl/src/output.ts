/** How answers are shown: a table for people, JSON or YAML for programs. */
import { yamlText } from '@routerd/resources';

export const OUTPUTS = ['table', 'json', 'yaml'] as const;
export type Output = (typeof OUTPUTS)[number];

export interface Column<Row> {
  readonly title: string;
  readonly value: (row: Row) => string | number | undefined;
}

/** Columns lined up, two spaces apart, no trailing blanks; `<none>` for what is missing. */
export function renderTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const cells = [
    columns.map(({ title }) => title),
    ...rows.map((row) => columns.map(({ value }) => cellText(value(row)))),
  ];
  const widths = columns.map((_, index) => Math.max(...cells.map((line) => line[index]?.length ?? 0)));
  return cells
    .map((line) =>
      line
        .map((text, index) => text.padEnd(widths[index] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function cellText(value: string | number | undefined): string {
  return value === undefined || value === ''
    ? '<none>'
    : escaped(String(value), /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu);
}

/**
 * Lines as a terminal may show them. What others wrote (names, reasons, messages of plugins) can hold sequences that
 * a terminal obeys, or that turn the order of letters around: they are written out.
 */
export function visible(lines: string): string {
  return escaped(lines, /(?![\n\t])[\p{Cc}\p{Bidi_Control}\u2028\u2029]/gu);
}

/** As JSON writes them. */
function escaped(text: string, what: RegExp): string {
  return text.replaceAll(what, (letter) =>
    letter === '\n' ? String.raw`\n` : String.raw`\u` + (letter.codePointAt(0) ?? 0).toString(16).padStart(4, '0'),
  );
}

/** `key: value` lines with the values lined up; nested lists are given as ready lines. */
export function renderFields(fields: readonly (readonly [name: string, value: string | number | undefined])[]): string {
  const width = Math.max(...fields.map(([name]) => name.length)) + 1;
  return fields.map(([name, value]) => `${`${name}:`.padEnd(width)} ${cellText(value)}`).join('\n');
}

export function renderStructured(output: 'json' | 'yaml', value: unknown): string {
  return output === 'json'
    ? visible(JSON.stringify(value, undefined, 2))
    : escaped(yamlText(value), /(?![\n\t])\p{Cc}/gu); // always in double quotes there, where an escape is the same value
}

/** A length of time as kubectl writes ages: `45s`, `12m`, `3h`, `5d`. */
export function age(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}
