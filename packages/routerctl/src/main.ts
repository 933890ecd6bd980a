#!/usr/bin/env node
/** routerctl: shows and steers one node. */
import { run } from '@stricli/core';
import { application } from './application.ts';
import { argumentsOf } from './arguments.ts';
import { COMPLETE, completionsOf } from './completion.ts';
import type { Context } from './command-context.ts';

const env = Object.fromEntries(
  Object.entries(process.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
);
const shell: Context['process'] = { stdout: process.stdout, stderr: process.stderr, env, exitCode: null };
// A reader that has seen enough (`| head`) is no failure.
process.stdout.on('error', (cause: NodeJS.ErrnoException) => {
  if (cause.code === 'EPIPE') process.exit(0);
  process.stderr.write(`error: Cannot write the answer: ${cause.message}.\n`);
  process.exit(1);
});
process.stderr.on('error', () => process.exit(1));
const context: Context = { process: shell, now: () => Date.now() };
const [first, ...words] = process.argv.slice(2);
if (first === COMPLETE) process.stdout.write((await completionsOf(words, context)).map((each) => `${each}\n`).join(''));
else await run(application, argumentsOf(process.argv.slice(2)), context);
// The framework marks wrong usage with negative codes; shells see 2, as from other tools.
const code = Number(shell.exitCode ?? 0);
process.exitCode = code < 0 ? 2 : code;
