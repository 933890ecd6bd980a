/** How answers are shown: a table for people, JSON or YAML for programs. */
import { visibleLines, visibleWord, yamlText } from '@routerd/resources';

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
  return value === undefined || value === '' ? '<none>' : visibleWord(String(value));
}

/** `key: value` lines with the values lined up; nested lists are given as ready lines. */
export function renderFields(fields: readonly (readonly [name: string, value: string | number | undefined])[]): string {
  const width = Math.max(...fields.map(([name]) => name.length)) + 1;
  return fields.map(([name, value]) => `${`${name}:`.padEnd(width)} ${cellText(value)}`).join('\n');
}

export function renderStructured(output: 'json' | 'yaml', value: unknown): string {
  return visibleLines(output === 'json' ? JSON.stringify(value, undefined, 2) : yamlText(value));
}

/** A length of time as kubectl writes ages: `45s`, `12m`, `3h`, `5d`. */
export function age(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 172_800) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}
