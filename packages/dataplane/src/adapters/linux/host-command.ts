/** Runs a program on the host that is managed, and turns its failure into a HostFault: the one place where foreign words are read. */
import { runCommand, type CommandFault, type CommandOptions, type CommandResult } from '@routerd/runtime';
import type { HostFault } from '../../ports.ts';

/** A program and its arguments. */
export type HostCommand = readonly [string, ...string[]];

export type RunHostCommand = (argv: HostCommand, options?: CommandOptions) => Promise<CommandResult>;

/** Generous for a busy host; a command that hangs must not hold up the others for ever. */
const TIMEOUT_MS = 10_000;

/** @param prefix enters the host's namespaces, such as `ip netns exec NAME`; empty in the daemon, which runs inside */
export function hostCommandRunner(prefix: readonly string[]): RunHostCommand {
  return async (argv, options = {}) => {
    const [first = argv[0], ...rest] = [...prefix, ...argv];
    return runCommand([first, ...rest], { timeoutMs: TIMEOUT_MS, ...options });
  };
}

export function faultOfCommand({ code, argv, stderr, exitCode }: CommandFault): HostFault {
  const program = argv.join(' ');
  switch (code) {
    case 'command.timed-out':
      return { code: 'host.timed-out', detail: `${program} took longer than ${TIMEOUT_MS} ms`, retry: 'later' };
    case 'command.not-found':
      return { code: 'host.unsupported', detail: `${program}: the program is not installed`, retry: 'later' };
    case 'command.cancelled':
    case 'command.output-too-long':
      return { code: 'host.failed', detail: `${program}: ${code}`, retry: 'later' };
    case 'command.failed':
      return faultOfText(stderr.trim() === '' ? `${program} ended with status ${exitCode ?? 'none'}` : stderr.trim());
  }
}

/** What `ip` says, as (words, meaning). iproute2 6.1 on Linux 6.1 to 6.18; older kernels answer with the errno alone. */
const WORDS: readonly (readonly [RegExp, IpAnswer])[] = [
  [/File exists|Address already assigned/, 'exists'],
  [/No such process|No such file or directory|Address not found|Cannot assign requested address/, 'absent'],
  [/Cannot find device|No such device/, 'no-device'],
  [/Operation not permitted|Permission denied/, 'not-permitted'],
  [/Unknown device type|Operation not supported|program is not installed/, 'unsupported'],
];

export type IpAnswer = 'exists' | 'absent' | 'no-device' | 'not-permitted' | 'unsupported' | 'other';

export function ipAnswerOf(text: string): IpAnswer {
  return WORDS.find(([words]) => words.test(text))?.[1] ?? 'other';
}

export function faultOfText(detail: string): HostFault {
  switch (ipAnswerOf(detail)) {
    case 'no-device':
    case 'absent':
      return { code: 'host.not-found', detail, retry: 'later' };
    case 'not-permitted':
      return { code: 'host.refused', detail, retry: 'never' };
    case 'unsupported':
      return { code: 'host.unsupported', detail, retry: 'never' };
    case 'exists':
      return { code: 'host.refused', detail, retry: 'later' };
    case 'other':
      return { code: 'host.failed', detail, retry: 'later' };
  }
}
