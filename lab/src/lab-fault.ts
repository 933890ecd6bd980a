import type { CommandResult } from '@routerd/runtime';

/**
 * Why the lab cannot go on. The lab is a program, not a library: a fault ends the phase that met it, the lab is taken down,
 * and the command line prints it. So it is thrown, unlike the faults of the packages under test.
 */
export class LabFault extends Error {
  /** Stable, `lab.condition`. */
  readonly code: string;
  /** What the operator can do about it. */
  readonly remedy: string | undefined;

  constructor(code: string, message: string, remedy?: string) {
    super(message);
    this.name = 'LabFault';
    this.code = code;
    this.remedy = remedy;
  }
}

/** The output of a command that has to succeed; otherwise a fault with the command and what it said. */
export function outputOf(result: CommandResult, doing: string): string {
  if (result.ok) return result.value.stdout;
  const { code, argv, exitCode, stderr, stdout } = result.error;
  const said = (stderr.trim() || stdout.trim()).split('\n').slice(-5).join(' | ');
  throw new LabFault(
    'lab.command-failed',
    `${doing} failed (${code}${exitCode === undefined ? '' : `, exit ${exitCode}`}): ${argv.join(' ')}: ${said}`,
  );
}

/** What a failed command said, or what a successful one printed. */
export function textOf(result: CommandResult): string {
  return result.ok ? result.value.stdout : `${result.error.code} ${result.error.stdout}${result.error.stderr}`.trim();
}
