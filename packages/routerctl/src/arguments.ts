/** What people type by the habit of other tools, as the framework reads it. */

const SHARED = /^(?:--socket|--output|-o)(?<value>=.*)?$/;

/** `help CMD` is `CMD --help`; flags that all commands share may stand before the command. */
export function argumentsOf(typed: readonly string[]): readonly string[] {
  const [first, ...others] = typed;
  if (first === undefined) return [];
  if (first === 'help') return [...others, '--help'];
  const flag = SHARED.exec(first);
  if (flag === null) return typed;
  const width = flag.groups?.['value'] === undefined ? 2 : 1;
  const rest = argumentsOf(typed.slice(width));
  const end = rest.indexOf('--');
  const flags = typed.slice(0, width);
  return end < 0 ? [...rest, ...flags] : [...rest.slice(0, end), ...flags, ...rest.slice(end)];
}
