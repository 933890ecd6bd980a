/** JSON as the formatter of this repository writes it, so that generated files pass its check. */
const WIDTH = 120;

export function jsonText(value: unknown): string {
  return `${render(value, '', 0)}\n`;
}

/** @param used columns that stand before the value on its line */
function render(value: unknown, indent: string, used: number): string {
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    const items: readonly unknown[] = value;
    const isFlat = items.every((item) => typeof item !== 'object' || item === null);
    const line = `[${items.map((item) => JSON.stringify(item)).join(', ')}]`;
    // One column is kept for the comma that may follow.
    if (isFlat && used + line.length < WIDTH) return line;
    return `[\n${items.map((item) => `${inner}${render(item, inner, inner.length)}`).join(',\n')}\n${indent}]`;
  }
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value).map(([name, member]: [string, unknown]) => {
    const start = `${inner}${JSON.stringify(name)}: `;
    return `${start}${render(member, inner, start.length)}`;
  });
  return members.length === 0 ? '{}' : `{\n${members.join(',\n')}\n${indent}}`;
}
