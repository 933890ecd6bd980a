/** What a command gets to work with, and the flags that all of them share. */
import { visibleLines } from '@routerd/resources';
import type { CommandContext } from '@stricli/core';
import { createApiClient, type ApiClient, type ClientFault, type ClientResult } from './api-client.ts';
import { OUTPUTS, renderStructured, type Output } from './output.ts';

export interface Context extends CommandContext {
  readonly process: {
    /** `fd` where it is a descriptor of this process. */
    readonly stdout: { write(text: string): void; readonly fd?: number };
    readonly stderr: { write(text: string): void };
    readonly env: Readonly<Partial<Record<string, string>>>;
    exitCode?: number | string | null;
  };
  /** Wall clock, for ages. */
  readonly now: () => number;
}

export interface SocketFlags {
  readonly socket: string | undefined;
}

export interface OutputFlags extends SocketFlags {
  readonly output: Output;
}

export const DEFAULT_SOCKET = '/run/routerd/routerd.sock';

export const socketFlag = {
  kind: 'parsed',
  parse: String,
  optional: true,
  brief: `Socket of the daemon [default: $ROUTERD_SOCKET or ${DEFAULT_SOCKET}]`,
  placeholder: 'path',
} as const;

export const outputFlag = { kind: 'enum', values: OUTPUTS, default: 'table', brief: 'How to show the answer' } as const;

export const outputAliases = { o: 'output' } as const;

export function clientOf(context: Context, flags: SocketFlags): ApiClient {
  const named = flags.socket ?? context.process.env['ROUTERD_SOCKET'];
  return createApiClient(named === undefined || named === '' ? DEFAULT_SOCKET : named);
}

/** Shows what the daemon answered, or the fault with its remedy and exit code 1. */
export function show(
  context: Context,
  output: Output,
  answer: ClientResult,
  asTable: (value: unknown) => string,
): void {
  if (!answer.ok) return fail(context, answer.error);
  const text = output === 'table' ? visibleLines(asTable(answer.value)) : renderStructured(output, answer.value);
  context.process.stdout.write(text === '' ? '' : `${text}\n`);
}

export function fail(context: Context, fault: ClientFault): void {
  const remedy = fault.remedy === undefined ? '' : `  ${fault.remedy}\n`;
  context.process.stderr.write(visibleLines(`error: ${fault.message}\n${remedy}`));
  context.process.exitCode = 1;
}
