#!/usr/bin/env node
/** routerd: the daemon, a check of its configuration, and its work done once. */
import { run } from '@stricli/core';
import { application } from './application.ts';
import type { Context } from './command-context.ts';

const shell: Context['process'] = {
  stdout: process.stdout,
  stderr: process.stderr,
  platform: process.platform,
  env: process.env,
  exitCode: null,
};
// A reader that has seen enough (`| head`) ends nothing that is under way.
process.stdout.on('error', (cause: NodeJS.ErrnoException) => {
  if (cause.code !== 'EPIPE') throw cause;
});
await run(application, process.argv.slice(2), { process: shell });
// The framework marks wrong usage with negative codes; shells see 2, as from other tools, but for commands whose 2 means "something to do".
const code = Number(shell.exitCode ?? 0);
const wrongUsage = ['plan', 'apply', 'cleanup'].includes(process.argv[2] ?? '') ? 1 : 2;
process.exitCode = code < 0 ? wrongUsage : code;
