#!/usr/bin/env node
/** routerd: the daemon, and a check of its configuration. */
import { run } from '@stricli/core';
import { application, type Context } from './application.ts';

const shell: Context['process'] = { stdout: process.stdout, stderr: process.stderr, exitCode: null };
await run(application, process.argv.slice(2), { process: shell });
// The framework marks wrong usage with negative codes; shells see 2, as from other tools.
const code = Number(shell.exitCode ?? 0);
process.exitCode = code < 0 ? 2 : code;
