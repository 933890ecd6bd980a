/** `--timeout 600`: how long a command with `--wait` waits. */

export function timeoutFlag(defaultSeconds: number) {
  return {
    kind: 'parsed',
    parse: secondsOf,
    default: String(defaultSeconds),
    brief: 'How long to wait, in seconds',
    placeholder: 's',
  } as const;
}

function secondsOf(text: string): number {
  const seconds = Number(text);
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > 86_400) throw new SyntaxError('write seconds, 1 to 86400');
  return seconds;
}
