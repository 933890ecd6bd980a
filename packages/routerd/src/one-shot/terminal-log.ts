/** What is logged while a command works, as the person reads it who typed it: the daemon's lines are for machines. */
import type { Log, LogFields } from '@routerd/runtime';

interface Terminal {
  write(text: string): void;
}

/** Warnings and errors alone: what is done is printed by the command itself. */
export function terminalLog(stderr: Terminal, bound: Readonly<Record<string, unknown>> = {}): Log {
  const tell = (level: string, message: string, fields: LogFields): void =>
    stderr.write(`${level}: ${[message, ...detailsOf({ ...bound, ...fields })].join('\n  ')}\n`);
  return {
    debug: () => undefined,
    info: () => undefined,
    warn: (message, fields) => tell('warning', message, fields),
    error: (message, fields) => tell('error', message, fields),
    child: (fields) => terminalLog(stderr, { ...bound, ...fields }),
  };
}

/** One a line; text of programs stays on its line. The name of the event is for machines. */
function detailsOf(fields: Readonly<Record<string, unknown>>): readonly string[] {
  return Object.entries(fields).flatMap(([name, value]) => {
    if (name === 'event' || value === undefined) return [];
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    return [`${name}: ${text.replaceAll(/\p{Cc}+/gu, ' ').trim()}`];
  });
}
