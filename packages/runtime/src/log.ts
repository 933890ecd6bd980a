import { pino } from 'pino';

/** Fields of a log line; `event` names the line in the catalogue. Never a secret. */
export type LogFields = { readonly event: string } & Readonly<Record<string, unknown>>;

/** Structured log: a constant message with fields. */
export interface Log {
  debug(message: string, fields: LogFields): void;
  info(message: string, fields: LogFields): void;
  warn(message: string, fields: LogFields): void;
  error(message: string, fields: LogFields): void;
  child(fields: Readonly<Record<string, unknown>>): Log;
}

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** JSON lines on stderr, through pino. */
export function createLog(level: LogLevel, destination: { write(line: string): void } = process.stderr): Log {
  return wrap(
    pino(
      {
        level,
        base: null,
        timestamp: pino.stdTimeFunctions.isoTime,
        messageKey: 'message',
        formatters: { level: (label) => ({ level: label }) },
      },
      destination,
    ),
  );
}

function wrap(logger: ReturnType<typeof pino>): Log {
  return {
    debug: (message, fields) => logger.debug(fields, message),
    info: (message, fields) => logger.info(fields, message),
    warn: (message, fields) => logger.warn(fields, message),
    error: (message, fields) => logger.error(fields, message),
    child: (fields) => wrap(logger.child(fields)),
  };
}

/** Keeps lines for a test to look at. */
export class RecordingLog implements Log {
  readonly lines: {
    readonly level: LogLevel;
    readonly message: string;
    readonly fields: Readonly<Record<string, unknown>>;
  }[];
  readonly #bound: Readonly<Record<string, unknown>>;

  constructor(lines: RecordingLog['lines'] = [], bound: Readonly<Record<string, unknown>> = {}) {
    this.lines = lines;
    this.#bound = bound;
  }

  #add(level: LogLevel, message: string, fields: LogFields): void {
    this.lines.push({ level, message, fields: { ...this.#bound, ...fields } });
  }

  debug(message: string, fields: LogFields): void {
    this.#add('debug', message, fields);
  }

  info(message: string, fields: LogFields): void {
    this.#add('info', message, fields);
  }

  warn(message: string, fields: LogFields): void {
    this.#add('warn', message, fields);
  }

  error(message: string, fields: LogFields): void {
    this.#add('error', message, fields);
  }

  child(fields: Readonly<Record<string, unknown>>): Log {
    return new RecordingLog(this.lines, { ...this.#bound, ...fields });
  }
}
